"""Contact sheets, for people who review the pictures."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from .fonts import FAMILIES, FONT_DIR

_COLUMNS, _ROWS, _CELL, _TALL = 4, 3, 400, 450


def sheet(paths: Sequence[Path]) -> Image.Image:
    """Up to twelve pictures with their ids under them."""
    image = Image.new("RGB", (_COLUMNS * _CELL, _ROWS * _TALL), "#d9dce2")
    pen = ImageDraw.Draw(image)
    font = ImageFont.truetype(
        str(FONT_DIR / FAMILIES["sans"].format("Regular")), 17, layout_engine=ImageFont.Layout.BASIC
    )
    for index, path in enumerate(paths):
        left, top = index % _COLUMNS * _CELL, index // _COLUMNS * _TALL
        with Image.open(path) as picture:
            small = picture.convert("RGB")
        small.thumbnail((_CELL - 12, _TALL - 40), Image.Resampling.LANCZOS)
        image.paste(small, (left + (_CELL - small.width) // 2, top + 6))
        name = f"{path.parent.name}/{path.stem}"
        pen.text((left + _CELL / 2, top + _TALL - 14), name, fill="#20242c", font=font, anchor="ms")
    return image


def write_sheets(paths: Sequence[Path], folder: Path) -> Iterator[Path]:
    """Write contact sheets of all pictures, country after country; the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    for country in sorted({path.parent.name for path in paths}):
        mine = [path for path in paths if path.parent.name == country]
        for start in range(0, len(mine), _COLUMNS * _ROWS):
            target = folder / f"{country}-{start // (_COLUMNS * _ROWS) + 1}.png"
            sheet(mine[start : start + _COLUMNS * _ROWS]).save(target)
            yield target
