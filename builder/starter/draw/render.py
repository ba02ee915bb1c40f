"""From a page to a picture, and from a picture to the bytes of a file."""

import io
from collections.abc import Callable, Iterator
from random import Random
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image

from . import meals, outdoor, shopping
from .fonts import Setter, check_characters
from .pages import Page
from .primitives import Canvas

LAYOUTS: dict[str, Callable[[Page, Setter, Random], Canvas]] = {
    "grid": shopping.grid,
    "list": shopping.listing,
    "leaflet": shopping.leaflet,
    "stall": shopping.stall,
    "menu": meals.menu,
    "table": meals.table,
    "weekplan": meals.weekplan,
    "delivery": meals.delivery,
    "packing": outdoor.packing,
    "programme": outdoor.programme,
    "notice": outdoor.notice,
    "spot": outdoor.spot,
}
_QUALITIES = (72, 64, 56, 48, 42)
_WANTED = 25 * 1024
_XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt><rdf:li xml:lang="x-default">{}'
    '</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)


def _written(page: Page) -> Iterator[str]:
    words = page.words
    yield from (page.heading, words.shop, words.restaurant, words.reviews, words.cart, words.deal, words.order)
    for tile in page.tiles:
        yield from (
            tile.label,
            tile.price,
            tile.old_price,
            tile.discount_text,
            tile.rating_text,
            tile.reviews_text,
            tile.badge,
            tile.slot,
        )


def draw(page: Page) -> Image.Image:
    """The picture of a page.

    Raises `ShapingUnavailable` where the language's script cannot be shaped here, and `GlyphMissing` where the
    committed fonts lack a character.
    """
    setter = Setter(page.language)
    for text in _written(page):
        check_characters(text, page.language)
    return LAYOUTS[page.layout](page, setter, Random(page.seed ^ 0x5EED)).finish()


def encode(image: Image.Image, *, canary: str | None) -> bytes:
    """The picture as a small WebP file, with the canary in its XMP packet where one is given; repeatable."""
    packet = b"" if canary is None else _XMP.format(escape(canary)).encode()
    data = b""
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=quality, method=6, xmp=packet)
        data = buffer.getvalue()
        if len(data) <= _WANTED:
            break
    return data


def compare(a: Image.Image, b: Image.Image) -> float:
    """The mean absolute difference of two pictures' pixels, 0 to 255; 255 where their sizes differ."""
    if a.size != b.size:
        return 255.0
    left, right = (np.asarray(image.convert("RGB"), dtype=np.int16) for image in (a, b))
    return float(np.abs(left - right).mean())
