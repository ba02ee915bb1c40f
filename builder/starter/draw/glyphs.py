"""The pictures of things: colour emoji, tinted and repeated as the catalogue asks."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, ImageOps

from .fonts import EMOJI_FILE, FONT_DIR, GlyphMissing, characters

_STRIKE = 109  # the only size of the font's bitmaps
DECORATION = "🛒🔍❤"

# Darkest, middle and lightest tone of each colour.
_TONES = {
    "white": ("#9aa1ad", "#eef0f4", "#ffffff"),
    "black": ("#060607", "#26262b", "#8d8d99"),
    "red": ("#6d0710", "#d8202c", "#ffb3ad"),
    "yellow": ("#94690a", "#fbd22c", "#fff6c2"),
    "green": ("#0d4419", "#2f9e44", "#c0f0c5"),
    "blue": ("#0b2c66", "#2a6fdb", "#c2dcff"),
    "purple": ("#35125e", "#8440c4", "#e3cbfb"),
    "orange": ("#7d3203", "#f58220", "#ffdfb8"),
    "pink": ("#8a1f55", "#f382b5", "#ffe1ef"),
    "brown": ("#3a1f0d", "#875333", "#e4c3a6"),
    "grey": ("#3b3f46", "#92979f", "#e9ebee"),
    "gold": ("#6e4d08", "#d9a520", "#fff0b3"),
}


@lru_cache(maxsize=1)
def _font() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT_DIR / EMOJI_FILE), _STRIKE, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=256)
def bitmap(emoji: str) -> Image.Image:
    """An emoji as the font has it, cropped to its ink."""
    char = emoji.replace("\ufe0f", "")
    if char not in characters()["emoji"]:
        raise GlyphMissing(f"no glyph for {emoji!r}: run python -m cross_safety.builder.starter.draw.subset")
    image = Image.new("RGBA", (180, 180), (0, 0, 0, 0))
    ImageDraw.Draw(image).text((16, 16), char, font=_font(), embedded_color=True)
    box = image.getchannel("A").getbbox()
    if box is None:
        raise GlyphMissing(f"{emoji!r} has no picture")
    return image.crop(box)


def _kept(image: Image.Image) -> Image.Image:
    """A mask of the leaves and stems that keep their green when the flower over them is tinted."""
    pixels = np.asarray(image, dtype=np.int16)
    red, green, blue, alpha = (pixels[..., index] for index in range(4))
    leaf = (green > red + 12) & (green > blue + 12) & (alpha > 60)
    share = leaf.sum() / max(int((alpha > 60).sum()), 1)
    mask = leaf if 0.02 < share < 0.55 else np.zeros_like(leaf)
    return Image.fromarray((mask * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.6))


def _outlined(image: Image.Image) -> Image.Image:
    """A white thing with a thin grey edge, so that it stands off a pale page."""
    grown = ImageOps.expand(image, 5, (0, 0, 0, 0))
    alpha = grown.getchannel("A")
    ring = Image.new("RGBA", grown.size, "#7d8592")
    ring.putalpha(alpha.filter(ImageFilter.MaxFilter(7)).filter(ImageFilter.GaussianBlur(0.7)))
    return Image.alpha_composite(ring, grown)


@lru_cache(maxsize=256)
def tinted(emoji: str, colour: str | None) -> Image.Image:
    """An emoji in a colour, its light and shade kept."""
    image = bitmap(emoji)
    if colour is None:
        return image
    dark, middle, light = _TONES[colour]
    alpha = image.getchannel("A")
    inked = alpha.point(lambda value: 255 if value > 128 else 0)
    grey = image.convert("RGB").convert("L")
    grey = ImageOps.autocontrast(grey, cutoff=2, mask=inked)
    toned = ImageOps.colorize(grey, dark, light, middle, midpoint=118)
    toned = Image.composite(image.convert("RGB"), toned, _kept(image)).convert("RGBA")
    toned.putalpha(ImageChops.lighter(alpha, alpha))
    return _outlined(toned) if colour == "white" else toned


def rows_for(count: int, width: float, height: float) -> list[int]:
    """How many glyphs stand in each row so that they come out largest, in even rows."""
    best = max(range(1, count + 1), key=lambda cols: min(width / cols, height / -(-count // cols)) - cols * 1e-6)
    rows = -(-count // best)
    base, extra = divmod(count, rows)
    return [base + (index < extra) for index in range(rows)]


def _fitted(image: Image.Image, side: float) -> Image.Image:
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


def paste_things(
    image: Image.Image, box: tuple[float, float, float, float], emoji: str, count: int, colour: str | None
) -> None:
    """Draw a thing `count` times into a box given in pixels, each apart from the next."""
    left, top, right, bottom = box
    rows = rows_for(count, right - left, bottom - top)
    cell = min((right - left) / max(rows), (bottom - top) / len(rows))
    glyph = _fitted(tinted(emoji, colour), cell * (1.0 if count == 1 else 0.86))
    upper = (top + bottom - cell * len(rows)) / 2
    for row, cols in enumerate(rows):
        for col in range(cols):
            x = (left + right) / 2 + (col - (cols - 1) / 2) * cell
            y = upper + (row + 0.5) * cell
            place = (round(x - glyph.width / 2), round(y - glyph.height / 2))
            image.paste(glyph, place, glyph)
