"""Draws the pictures of the bundled corpus: from a scene to a page, from a page to a picture."""

from .compose import compose
from .fonts import GlyphMissing, ShapingUnavailable
from .pages import Page, Tile, Words
from .render import compare, draw, encode

__all__ = [
    "GlyphMissing",
    "Page",
    "ShapingUnavailable",
    "Tile",
    "Words",
    "compare",
    "compose",
    "draw",
    "encode",
]
