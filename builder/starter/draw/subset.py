"""Makes the fonts that pictures are drawn with: Debian's Noto fonts, cut down to what the corpus uses.

For maintainers, after the corpus has changed: `python -m cross_safety.builder.starter.draw.subset`.
"""

import importlib
import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from .fonts import EMOJI_FILE, FAMILIES, FONT_DIR, families
from .glyphs import DECORATION

CORPUS_DIR = FONT_DIR.parent / "corpus"
_TRUETYPE = Path("/usr/share/fonts/truetype/noto")
_OPENTYPE = Path("/usr/share/fonts/opentype/noto")
_FACES = {"jp": 0, "kr": 1, "sc": 2}
_PACKAGES = {"emoji": "fonts-noto-color-emoji", "jp": "fonts-noto-cjk", "kr": "fonts-noto-cjk", "sc": "fonts-noto-cjk"}
# Written by the program itself or likely in a small change of the corpus, so always at hand.
_ALWAYS = (
    "".join(map(chr, range(0x20, 0x7F)))
    + "\N{NO-BREAK SPACE}¡¿«»·×÷°–—‘’“”„…•€£¥₹₽₦₩₱₺₨₮§№áéíóúñçãõàèêëïîôöüäßøåæÁÉÍÓÚÑÇÖÜÄØÅ"
)
_ALWAYS_ARABIC = "۰۱۲۳۴۵۶۷۸۹٬٫،؛؟"
_JOINERS = "\u200c\u200d"


def source_of(family: str, weight: str) -> Path:
    """The file of Debian's that a font is cut from."""
    if family == "emoji":
        return _TRUETYPE / EMOJI_FILE
    if family in _FACES:
        return _OPENTYPE / f"NotoSansCJK-{weight}.ttc"
    return _TRUETYPE / FAMILIES[family].format(weight)


def texts(country: dict[str, Any]) -> Iterator[str]:
    """Everything of a country's file that is written on pictures."""
    for value in country["words"].values():
        yield from [value] if isinstance(value, str) else value
    yield country["price"]["format"]
    for entry in country["catalogue"].values():
        yield entry["label"]
    for norm in country["norms"]:
        for scene in norm["scenes"]:
            yield scene["heading"]


def needed(corpus: Path = CORPUS_DIR) -> dict[str, set[str]]:
    """The characters that each family must hold."""
    found: dict[str, set[str]] = {"sans": set(_ALWAYS), "emoji": set(DECORATION)}
    for path in sorted(corpus.glob("*.json")):
        country = json.loads(path.read_text(encoding="utf-8"))
        found["emoji"].update(entry["emoji"].replace("\ufe0f", "") for entry in country["catalogue"].values())
        for text in texts(country):
            for char, family in zip(text, families(text, country["language"]), strict=True):
                found.setdefault(family, set(" ")).add(char)
    if "arabic" in found:
        found["arabic"].update(_ALWAYS_ARABIC)
    for chars in found.values():
        chars.difference_update(_JOINERS)
    return found


def _require(paths: dict[str, Path]) -> None:
    missing = sorted({_PACKAGES.get(family, "fonts-noto-core") for family, path in paths.items() if not path.exists()})
    if missing:
        raise click.ClickException(f"fonts are missing: apt-get install {' '.join(missing)}")


def _tools() -> tuple[Any, Any]:
    try:
        return importlib.import_module("fontTools.subset"), importlib.import_module("fontTools.ttLib")
    except ImportError as error:
        raise click.ClickException("fontTools is missing: pip install fonttools") from error


def cut(source: Path, face: int, chars: set[str], target: Path) -> None:
    """Write the subset of a font; its shaping tables are kept for the characters that stay."""
    subset, library = _tools()
    options = subset.Options()
    options.set(
        layout_features="*",
        notdef_outline=True,
        hinting=False,
        desubroutinize=True,
        drop_tables=["meta"],
        name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14],
        recalc_timestamp=False,
    )
    font = library.TTFont(source, fontNumber=face, lazy=True, recalcTimestamp=False)
    cutter = subset.Subsetter(options)
    # Shaping may take a character apart, as it does with Thai sara am: the parts must be there too.
    parts = unicodedata.normalize("NFKD", "".join(chars))
    cutter.populate(unicodes=sorted({ord(char) for char in [*chars, *parts, *_JOINERS]}))
    cutter.subset(font)
    absent = sorted(char for char in chars if ord(char) not in font.getBestCmap())
    if absent:
        raise click.ClickException(f"{source.name} has no glyph for {' '.join(map(repr, absent))}")
    scratch = target.with_suffix(".part")
    font.save(scratch)
    scratch.replace(target)


def _plan(found: dict[str, set[str]]) -> dict[tuple[str, str], str]:
    """Target file names by family and weight."""
    plan = {("emoji", "Regular"): EMOJI_FILE}
    for family in FAMILIES:
        if family in found:
            plan.update({(family, weight): FAMILIES[family].format(weight) for weight in ("Regular", "Bold")})
    return plan


@click.command()
def main() -> None:
    """Cut the fonts for the corpus as it is now, and drop those that it no longer needs."""
    found = needed()
    plan = _plan(found)
    _require({family: source_of(family, weight) for family, weight in plan})
    FONT_DIR.mkdir(exist_ok=True)
    for (family, weight), name in sorted(plan.items()):
        cut(source_of(family, weight), _FACES.get(family, 0), found[family], FONT_DIR / name)
        click.echo(f"{name}: {len(found[family])} characters, {(FONT_DIR / name).stat().st_size / 1024:.0f} KiB")
    for path in [*FONT_DIR.glob("*.ttf"), *FONT_DIR.glob("*.otf")]:
        if path.name not in plan.values():
            path.unlink()
            click.echo(f"{path.name}: dropped")
    listing = {family: "".join(sorted(chars)) for family, chars in sorted(found.items())}
    scratch = FONT_DIR / "characters.part"
    scratch.write_text(json.dumps(listing, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    scratch.replace(FONT_DIR / "characters.json")


if __name__ == "__main__":
    main()
