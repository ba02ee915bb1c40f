"""Web shops, leaflets and market stalls."""

from random import Random

from .fonts import Setter
from .pages import Page, Tile
from .palettes import Palette, palette, pen
from .primitives import Box, Canvas, burst, pen_circle, pill, stars

_COLUMNS = {3: 3, 4: 2, 5: 3, 6: 3, 7: 4, 8: 4}


def columns(count: int) -> int:
    """How many things stand side by side."""
    return _COLUMNS.get(count, 4)


def _header(canvas: Canvas, page: Page, look: Palette, *, dark: bool) -> None:
    """The bar of a web shop: its name, a search field, a cart."""
    width = canvas.width
    canvas.box((0, 0, width, 66), look.accent if dark else "#ffffff")
    if not dark:
        canvas.box((0, 63, width, 66), look.accent)
    name = "#ffffff" if dark else look.accent
    canvas.box((26, 15, 60, 51), "#ffffff" if dark else look.accent, radius=9)
    canvas.disc(43, 33, 9, look.accent if dark else "#ffffff")
    used = canvas.text((70, 8, 330, 60), page.words.shop, 25, name, bold=True)
    left = max(used[2] + 28, 300)
    canvas.box((left, 15, width - 110, 51), "#ffffff" if dark else look.pale, radius=18)
    canvas.icon("🔍", (width - 146, 23, width - 126, 43))
    for index, share in enumerate((0.16, 0.1)):
        start = left + 20 + (0, 0.2)[index] * (width - 130 - left)
        canvas.box((start, 30, start + share * (width - 130 - left), 36), "#c9ced8", radius=3)
    canvas.icon("🛒", (width - 76, 17, width - 40, 51))


def _heading(canvas: Canvas, page: Page, look: Palette, top: float) -> None:
    canvas.text((32, top, canvas.width - 32, top + 56), page.heading, 29, look.ink, bold=True, lines=2)


def _reviews(canvas: Canvas, page: Page, tile: Tile, look: Palette, box: Box) -> None:
    """Stars with the rating, and under them how many have reviewed."""
    left, top, right, bottom = box
    half = (bottom - top) / 2
    end = stars(canvas, left, top + half / 2, 8, tile.rating)
    canvas.text((end + 6, top, right, top + half), tile.rating_text, 16, look.ink, bold=True)
    voices = f"{tile.reviews_text} {page.words.reviews}"
    canvas.text((left, top + half, right, bottom), voices, 16, look.muted)


def _badge(canvas: Canvas, tile: Tile, look: Palette, x: float, y: float, *, room: float) -> None:
    if tile.badge:
        wide = min(canvas.text_width(tile.badge, 15, bold=True) + 26, room)
        canvas.shadow((x, y, x + wide, y + 28), radius=14, depth=2)
        pill(canvas, (x, y, x + wide, y + 28), tile.badge, 15, look.sale)


def _grid_card(canvas: Canvas, page: Page, tile: Tile, look: Palette, box: Box, *, bare: bool) -> None:
    left, top, right, bottom = box
    canvas.card(box, "#ffffff", radius=14, depth=4)
    floor = bottom - 178
    canvas.box((left + 10, top + 10, right - 10, floor), "#ffffff" if bare else look.pale, radius=10)
    canvas.thing(tile, (left + 24, top + 22, right - 24, floor - 12))
    inner, outer = left + 16, right - 16
    canvas.text((inner, floor + 6, outer, floor + 54), tile.label, 18, look.ink, bold=True, lines=2)
    _reviews(canvas, page, tile, look, (inner, floor + 56, outer, floor + 98))
    canvas.text((inner, floor + 98, outer, floor + 130), tile.price, 23, look.sale, bold=True)
    pill(canvas, (inner, bottom - 46, outer, bottom - 14), page.words.cart, 15, look.accent)
    _badge(canvas, tile, look, left + 4, top - 6, room=right - left - 8)


def grid(page: Page, setter: Setter, random: Random) -> Canvas:
    """A web shop's results as cards."""
    count = len(page.tiles)
    cols = columns(count)
    rows = -(-count // cols)
    tall = {2: 330, 3: 400, 4: 380}[cols] if rows > 1 else 430
    look = palette(random)
    canvas = Canvas(900, 152 + rows * (tall + 20) + 8, look.page, setter, random)
    _header(canvas, page, look, dark=random.random() < 0.5)
    _heading(canvas, page, look, 80)
    wide = (900 - 64 - (cols - 1) * 18) / cols
    bare = random.random() < 0.4
    for index, tile in enumerate(page.tiles):
        left = 32 + index % cols * (wide + 18)
        top = 148 + index // cols * (tall + 20)
        _grid_card(canvas, page, tile, look, (left, top, left + wide, top + tall), bare=bare)
    return canvas


def _list_row(canvas: Canvas, page: Page, tile: Tile, look: Palette, box: Box) -> None:
    left, top, right, bottom = box
    canvas.card(box, "#ffffff", radius=12, depth=3)
    side = bottom - top - 16
    canvas.box((left + 8, top + 8, left + 20 + side, bottom - 8), look.pale, radius=9)
    canvas.thing(tile, (left + 20, top + 13, left + 8 + side, bottom - 13))
    inner, outer = left + side + 38, right - 210
    middle = (top + bottom) / 2
    reserve = 0.0
    if tile.badge:
        reserve = min(canvas.text_width(tile.badge, 15, bold=True) + 26, 170) + 12
        _badge(canvas, tile, look, outer - reserve + 8, middle - 34, room=reserve - 12)
    canvas.text((inner, top + 8, outer - reserve, middle), tile.label, 20, look.ink, bold=True, lines=2)
    _reviews(canvas, page, tile, look, (inner, middle + 1, outer, bottom - 8))
    canvas.text((right - 200, top + 10, right - 20, middle - 1), tile.price, 23, look.sale, bold=True, align="end")
    pill(canvas, (right - 188, middle + 6, right - 20, middle + 38), page.words.cart, 14, look.accent)


def listing(page: Page, setter: Setter, random: Random) -> Canvas:
    """A web shop's results one under the other."""
    count = len(page.tiles)
    look = palette(random)
    tall = min(138.0, 826 / count - 12)
    canvas = Canvas(860, 150 + count * (tall + 12) + 12, look.page, setter, random)
    _header(canvas, page, look, dark=random.random() < 0.5)
    _heading(canvas, page, look, 80)
    for index, tile in enumerate(page.tiles):
        top = 146 + index * (tall + 12)
        _list_row(canvas, page, tile, look, (28, top, 832, top + tall))
    return canvas


def _leaflet_cell(canvas: Canvas, tile: Tile, look: Palette, box: Box, tag: str) -> None:
    left, top, right, bottom = box
    canvas.card(box, "#ffffff", radius=6, depth=3)
    floor = bottom - 132
    canvas.thing(tile, (left + 26, top + 20, right - 26, floor - 4))
    canvas.text(
        (left + 12, floor, right - 12, floor + 50), tile.label, 19, look.ink, bold=True, lines=2, align="centre"
    )
    canvas.box((left, bottom - 74, right, bottom), tag, radius=6)
    if tile.old_price:
        low = bottom - 50
        used = canvas.text((left + 10, bottom - 72, right - 10, low), tile.old_price, 16, "#3d3d3d", align="centre")
        canvas.line([(used[0] - 4, low - 6), (used[2] + 4, bottom - 66)], look.sale, 2)
        canvas.text((left + 10, low, right - 10, bottom - 4), tile.price, 30, look.sale, bold=True, align="centre")
        burst(canvas, right - 34, top + 34, 41, look.sale)
        canvas.text(
            (right - 66, top + 14, right - 2, top + 54), tile.discount_text, 22, "#ffffff", bold=True, align="centre"
        )
    else:
        canvas.text(
            (left + 10, bottom - 72, right - 10, bottom - 2), tile.price, 34, look.sale, bold=True, align="centre"
        )


def leaflet(page: Page, setter: Setter, random: Random) -> Canvas:
    """A printed leaflet of offers."""
    count = len(page.tiles)
    cols = columns(count)
    rows = -(-count // cols)
    look, ink = palette(random), pen(random)
    tall = 350 if rows > 1 else 410
    base, tag = random.choice(
        (("#fff3c9", "#ffdf3d"), ("#fdeadf", "#ffe27a"), ("#e8f4e6", "#ffe45c"), ("#e9f1fb", "#ffe14d"))
    )
    canvas = Canvas(900, 178 + rows * (tall + 22) + 12, base, setter, random)
    canvas.fade((0, 0, 900, 142), look.accent, look.deep)
    canvas.shape([(0, 142), (900, 142), (900, 128), (0, 160)], look.deep)
    canvas.text((34, 14, 560, 50), page.words.shop, 24, "#ffffff", bold=True)
    canvas.text((34, 50, 630, 126), page.heading, 40, "#ffffff", bold=True, lines=2)
    canvas.box((654, 30, 872, 110), "#ffe14d", radius=12)
    canvas.text((664, 34, 862, 106), page.words.deal, 25, look.sale, bold=True, lines=2, align="centre")
    wide = (900 - 68 - (cols - 1) * 20) / cols
    boxes: list[Box] = []
    for index, tile in enumerate(page.tiles):
        left, top = 34 + index % cols * (wide + 20), 176 + index // cols * (tall + 22)
        boxes.append((left, top, left + wide, top + tall))
        _leaflet_cell(canvas, tile, look, boxes[-1], tag)
    _ring(canvas, page, boxes, ink, 5)
    return canvas


def _ring(canvas: Canvas, page: Page, boxes: list[Box], ink: str, reach: float) -> None:
    for tile, (left, top, right, bottom) in zip(page.tiles, boxes, strict=True):
        if tile.circled:
            pen_circle(canvas, (left - reach, top - reach, right + reach, bottom + reach), ink)


def _awning(canvas: Canvas, look: Palette) -> None:
    """Striped cloth with a scalloped edge."""
    wide = 900 / 15
    canvas.shadow((0, 60, 900, 138), depth=6, strength=90)
    for index in range(15):
        fill = look.accent if index % 2 == 0 else "#fffdf8"
        left = index * wide
        canvas.shape([(left, 0), (left + wide, 0), (left + wide, 120), (left, 120)], fill)
        canvas.oval((left, 96, left + wide, 146), fill)


def _crate(canvas: Canvas, tile: Tile, look: Palette, box: Box, wood: tuple[str, str], *, slate: bool) -> None:
    left, top, right, bottom = box
    rim = bottom - 108
    canvas.thing(tile, (left + 16, top + 4, right - 16, rim - 2))
    canvas.shadow((left, rim, right, bottom), radius=4, depth=4, strength=90)
    canvas.box((left, rim, right, bottom), wood[0], radius=4)
    canvas.box((left, rim, right, rim + 9), wood[1], radius=4)
    canvas.box((left, bottom - 9, right, bottom), wood[1], radius=4)
    tag = (left + 9, rim + 14, right - 9, bottom - 13)
    canvas.box(tag, "#2c3330" if slate else "#fffdf3", radius=5, outline="#8d7a58", width=1)
    label, price = ("#ffffff", "#ffe27a") if slate else (look.ink, look.sale)
    canvas.text(
        (tag[0] + 6, tag[1] + 2, tag[2] - 6, tag[1] + 46), tile.label, 18, label, bold=True, lines=2, align="centre"
    )
    canvas.text((tag[0] + 6, tag[1] + 46, tag[2] - 6, tag[3] - 1), tile.price, 24, price, bold=True, align="centre")


def stall(page: Page, setter: Setter, random: Random) -> Canvas:
    """A market stand with its goods in crates."""
    look, ink = palette(random), pen(random)
    rows = stall_rows(len(page.tiles), middle=page.pick == "middle")
    tall = 262 if len(rows) < 3 else 236
    canvas = Canvas(900, 216 + len(rows) * (tall + 18) + 16, "#ffffff", setter, random)
    wall = random.choice((("#dcebf3", "#f6efe2"), ("#e6efe0", "#f7f0e4"), ("#f3e6da", "#fbf5ec")))
    canvas.fade((0, 0, 900, canvas.height), *wall)
    wood = random.choice((("#c79a63", "#a97a45"), ("#b98d6a", "#946a49"), ("#d3b07a", "#b18b52")))
    slate = random.random() < 0.5
    _awning(canvas, look)
    canvas.card((120, 150, 780, 204), "#fffaf0", radius=10, depth=3, outline="#b9a27b")
    canvas.text((140, 152, 760, 202), page.heading, 29, look.deep, bold=True, align="centre", lines=2)
    boxes: list[Box] = []
    for row, cols in enumerate(rows):
        top = 216 + row * (tall + 18)
        canvas.box((0, top + tall - 24, 900, top + tall + 10), wood[1])
        wide = min(236.0, (900 - 48 - (cols - 1) * 22) / cols)
        start = (900 - cols * wide - (cols - 1) * 22) / 2
        boxes += [(start + col * (wide + 22), top, start + col * (wide + 22) + wide, top + tall) for col in range(cols)]
    for tile, box in zip(page.tiles, boxes, strict=True):
        _crate(canvas, tile, look, box, wood, slate=slate)
    _ring(canvas, page, boxes, ink, 6)
    return canvas


def stall_rows(count: int, *, middle: bool) -> list[int]:
    """How many crates stand in each row; an odd total has its middle one in the middle of the stand."""
    if middle:
        return {3: [3], 5: [5], 7: [2, 3, 2]}[count]
    return {3: [3], 4: [4], 5: [3, 2], 6: [3, 3], 7: [4, 3], 8: [4, 4]}[count]
