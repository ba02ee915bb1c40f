"""Menus, laid tables, week plans and delivery apps."""

import math
from random import Random

from .fonts import Setter
from .pages import Page, Tile
from .palettes import Palette, palette, pen
from .primitives import Box, Canvas, pen_circle, pill, stars

_PAPERS = (
    # page, paper, ink, accent, muted
    ("#d8cdb8", "#fdf8ec", "#2d241a", "#8c2f1b", "#8b7d66"),
    ("#c9d2cc", "#fbfcf7", "#1f2b26", "#1f6b4e", "#78857e"),
    ("#4a3a2c", "#2a2f2c", "#f4f1e6", "#ffcf5a", "#a9aea6"),
    ("#d9d3e0", "#fffdfb", "#2b2233", "#6c2f86", "#877d90"),
    ("#5b6670", "#20262d", "#f2f4f6", "#ff9d6b", "#9aa5b1"),
)


def _dish(canvas: Canvas, tile: Tile, look: tuple[str, str, str, str, str], box: Box) -> None:
    """One line of a menu: glyph, name, dots, price."""
    _, paper, ink, accent, muted = look
    left, top, right, bottom = box
    middle, side = (top + bottom) / 2, min(bottom - top - 8, 84)
    if paper.startswith("#2"):
        canvas.box((left, middle - side / 2, left + side, middle + side / 2), "#f6f1e4", radius=side * 0.28)
    canvas.thing(tile, (left + 6, middle - side / 2 + 5, left + side - 6, middle + side / 2 - 5))
    cost = canvas.text((right - 150, top, right, bottom), tile.price, 24, accent, bold=True, align="end")
    start, end = left + side + 18, cost[0] - 12
    room = end - 12
    if tile.badge:
        wide = min(canvas.text_width(tile.badge, 16, bold=True) + 28, 210)
        pill(canvas, (end - wide, middle - 16, end, middle + 16), tile.badge, 16, accent, ink=paper)
        room = end - wide - 12
    used = canvas.text((start, top, room, bottom), tile.label, 23, ink, bold=True, lines=2)
    canvas.dots(used[2] + 10, room + (0 if tile.badge else 8), middle + 7, muted)


def menu(page: Page, setter: Setter, random: Random) -> Canvas:
    """A restaurant's menu card."""
    look = random.choice(_PAPERS)
    ink = pen(random) if not look[1].startswith("#2") else "#ff4d5e"
    count = len(page.tiles)
    tall = min(112.0, 720 / count)
    height = 232 + count * tall + 60
    canvas = Canvas(800, height, look[0], setter, random)
    canvas.card((36, 28, 764, height - 28), look[1], radius=6, depth=9)
    canvas.box((50, 42, 750, height - 42), None, radius=2, outline=look[3], width=1.5)
    canvas.text((90, 58, 710, 112), page.words.restaurant, 38, look[3], bold=True, align="centre")
    _flourish(canvas, 400, 124, look[3])
    canvas.text((90, 136, 710, 192), page.heading, 26, look[2], align="centre", lines=2)
    boxes = [(84, 206 + index * tall, 716, 206 + (index + 1) * tall) for index in range(count)]
    for index, (tile, box) in enumerate(zip(page.tiles, boxes, strict=True)):
        if index:
            canvas.line([(box[0], box[1]), (box[2], box[1])], look[4] if look[1].startswith("#2") else "#e2dccd", 0.6)
        _dish(canvas, tile, look, box)
    for tile, (left, top, right, bottom) in zip(page.tiles, boxes, strict=True):
        if tile.circled:
            pen_circle(canvas, (left - 18, top + 1, right + 18, bottom - 1), ink)
    return canvas


def _flourish(canvas: Canvas, x: float, y: float, fill: str) -> None:
    canvas.line([(x - 120, y), (x - 16, y)], fill, 1.5)
    canvas.line([(x + 16, y), (x + 120, y)], fill, 1.5)
    canvas.shape([(x - 8, y), (x, y - 6), (x + 8, y), (x, y + 6)], fill)


def centred_rows(count: int, *, middle: bool) -> list[int]:
    """Rows of things so that, for an odd count, the middle one is in the middle of the whole."""
    if middle:
        return {3: [3], 5: [1, 3, 1], 7: [2, 3, 2]}[count]
    return {3: [3], 4: [2, 2], 5: [3, 2], 6: [3, 3], 7: [3, 4], 8: [4, 4]}[count]


def _cloth(canvas: Canvas, random: Random) -> None:
    """The table from above: wood, or cloth with checks or a border."""
    width, height = canvas.width, canvas.height
    kind = random.choice(("wood", "check", "border", "wood", "border"))
    if kind == "wood":
        planks = random.choice((("#b98a5a", "#ac7d4e", "#c29565"), ("#8f6a4c", "#866144", "#987356")))
        for index in range(math.ceil(height / 84)):
            canvas.box((0, index * 84, width, index * 84 + 84), planks[index % 3])
            canvas.line([(0, index * 84), (width, index * 84)], "#6f5136", 1)
    elif kind == "check":
        base, mark = random.choice((("#fbf7f0", "#e9c9c4"), ("#f8fbfd", "#cbdceb"), ("#fbfaf0", "#dbe5c3")))
        canvas.box((0, 0, width, height), base)
        for index in range(0, 24, 2):
            canvas.box((index * 56, 0, index * 56 + 56, height), mark)
        for index in range(0, 24, 2):
            canvas.box((0, index * 56, width, index * 56 + 28), base)
    else:
        base, edge = random.choice(
            (("#e8eef0", "#7d9cab"), ("#f4ece0", "#b98b5c"), ("#ebe6f1", "#8d78ad"), ("#e6efe4", "#74966d"))
        )
        canvas.box((0, 0, width, height), base)
        canvas.box((16, 16, width - 16, height - 16), None, radius=14, outline=edge, width=3)
        canvas.box((24, 24, width - 24, height - 24), None, radius=10, outline=edge, width=1)


def _plate(canvas: Canvas, tile: Tile, centre: tuple[float, float], radius: float, rim: str) -> Box:
    """A plate with a thing on it and a card with its name; the box around both."""
    x, y = centre
    canvas.shadow((x - radius, y - radius, x + radius, y + radius), radius=radius, depth=6, strength=100)
    canvas.disc(x, y, radius, "#fdfdfb", outline=rim, width=3)
    canvas.disc(x, y, radius * 0.74, "#f6f6f2", outline="#e2e2dc", width=1)
    reach = radius * 0.6
    canvas.thing(tile, (x - reach, y - reach, x + reach, y + reach))
    wide = max(radius * 2 + 16, 150)
    card = (x - wide / 2, y + radius + 7, x + wide / 2, y + radius + 55)
    canvas.card(card, "#ffffff", radius=6, depth=2)
    canvas.text(
        (card[0] + 7, card[1] + 1, card[2] - 7, card[3] - 1),
        tile.label,
        17,
        "#26211b",
        bold=True,
        lines=2,
        align="centre",
    )
    return (card[0], y - radius, card[2], card[3])


def table(page: Page, setter: Setter, random: Random) -> Canvas:
    """A laid table, seen from above."""
    rows = centred_rows(len(page.tiles), middle=page.pick == "middle")
    radius = {1: 112.0, 2: 96.0 if max(rows) < 4 else 86.0, 3: 82.0}[len(rows)]
    pitch = radius * 2 + 86
    canvas = Canvas(900, max(118 + len(rows) * pitch + 18, 560), "#ffffff", setter, random)
    _cloth(canvas, random)
    ink, rim = pen(random), random.choice(("#c9a24a", "#4f79a8", "#a94a4a", "#5d8a63", "#b9bcc2"))
    canvas.card((190, 26, 710, 90), "#fffdf7", radius=8, depth=3)
    canvas.text((208, 28, 692, 88), page.heading, 27, "#2c2620", bold=True, align="centre", lines=2)
    top = 112 + (canvas.height - 118 - len(rows) * pitch) / 2
    boxes, tiles = list[Box](), iter(page.tiles)
    for row, cols in enumerate(rows):
        step = min(860 / cols, 270)
        for col in range(cols):
            x = 450 + (col - (cols - 1) / 2) * step
            y = top + row * pitch + radius + random.uniform(0, 7)
            boxes.append(_plate(canvas, next(tiles), (x, y), radius, rim))
    for tile, (left, upper, right, bottom) in zip(page.tiles, boxes, strict=True):
        if tile.circled:
            pen_circle(canvas, (left - 12, upper - 9, right + 12, bottom + 10), ink)
    return canvas


def _day(canvas: Canvas, tile: Tile, look: Palette, box: Box, *, soft: bool) -> None:
    left, top, right, bottom = box
    canvas.card(box, "#ffffff", radius=10, depth=2)
    canvas.box((left, top, left + 128, bottom), look.pale if soft else look.accent, radius=10)
    canvas.box((left + 110, top, left + 128, bottom), look.pale if soft else look.accent)
    canvas.text(
        (left + 8, top, left + 120, bottom),
        tile.slot,
        25,
        look.deep if soft else "#ffffff",
        bold=True,
        align="centre",
        lines=2,
    )
    side = bottom - top - 14
    canvas.thing(tile, (left + 146, top + 7, left + 146 + side, bottom - 7))
    canvas.text((left + 166 + side, top + 4, right - 18, bottom - 4), tile.label, 24, look.ink, bold=True, lines=2)


def weekplan(page: Page, setter: Setter, random: Random) -> Canvas:
    """A week's plan on the kitchen wall, one dish a day."""
    look, ink = palette(random), pen(random)
    count = len(page.tiles)
    tall = min(118.0, 720 / count - 12)
    height = 150 + count * (tall + 12) + 34
    canvas = Canvas(800, height, look.page, setter, random)
    canvas.card((24, 34, 776, height - 18), "#fffefb", radius=14, depth=7)
    canvas.box((24, 34, 776, 132), look.deep, radius=14)
    canvas.box((24, 110, 776, 132), look.deep)
    for index in range(9):
        x = 80 + index * 80
        canvas.disc(x, 46, 8, look.page)
        canvas.box((x - 4, 18, x + 4, 48), "#9aa0aa", radius=4)
    canvas.text((60, 60, 740, 126), page.heading, 33, "#ffffff", bold=True, align="centre", lines=2)
    soft = random.random() < 0.5
    boxes = []
    for index, tile in enumerate(page.tiles):
        top = 148 + index * (tall + 12)
        boxes.append((56, top, 744, top + tall))
        _day(canvas, tile, look, boxes[-1], soft=soft)
    for tile, (left, top, right, bottom) in zip(page.tiles, boxes, strict=True):
        if tile.circled:
            pen_circle(canvas, (left - 10, top - 6, right + 10, bottom + 6), ink)
    return canvas


def _app_card(canvas: Canvas, page: Page, tile: Tile, look: Palette, box: Box) -> None:
    left, top, right, bottom = box
    canvas.card(box, "#ffffff", radius=16, depth=4)
    canvas.box((left + 10, top + 10, left + 136, bottom - 10), look.pale, radius=12)
    canvas.thing(tile, (left + 22, top + 22, left + 124, bottom - 22))
    inner, outer = left + 150, right - 14
    canvas.text((inner, top + 10, outer, top + 58), tile.label, 18, look.ink, bold=True, lines=2)
    end = stars(canvas, inner, top + 72, 7, tile.rating)
    canvas.text((end + 5, top + 60, outer, top + 84), tile.rating_text, 15, look.ink, bold=True)
    canvas.text((inner, top + 83, outer, top + 107), f"{tile.reviews_text} {page.words.reviews}", 15, look.muted)
    middle = inner + (outer - inner) * 0.52
    canvas.text((inner, bottom - 44, middle, bottom - 12), tile.price, 20, look.sale, bold=True)
    pill(canvas, (middle + 4, bottom - 43, outer, bottom - 13), page.words.order, 14, look.accent)
    if tile.badge:
        wide = min(canvas.text_width(tile.badge, 14, bold=True) + 24, right - left - 20)
        canvas.shadow((left + 6, top - 8, left + 6 + wide, top + 18), radius=13, depth=2)
        pill(canvas, (left + 6, top - 8, left + 6 + wide, top + 18), tile.badge, 14, look.sale)


def delivery(page: Page, setter: Setter, random: Random) -> Canvas:
    """A delivery app's page of a restaurant."""
    look = palette(random)
    count = len(page.tiles)
    rows = -(-count // 2)
    tall = 158 if rows > 2 else 176
    canvas = Canvas(840, 232 + rows * (tall + 20) + 20, look.page, setter, random)
    canvas.fade((0, 0, 840, 124), look.accent, look.deep)
    for _ in range(7):
        canvas.disc(
            random.uniform(420, 830),
            random.uniform(5, 118),
            random.uniform(10, 34),
            look.accent,
            outline=look.deep,
            width=1,
        )
    canvas.card((28, 64, 812, 160), "#ffffff", radius=18, depth=6)
    canvas.text((54, 72, 640, 116), page.words.restaurant, 30, look.ink, bold=True)
    star_end = stars(canvas, 54, 136, 8, 4.5)
    canvas.box((star_end + 14, 132, star_end + 94, 140), "#dfe3e8", radius=4)
    canvas.icon("❤", (752, 92, 788, 128), "red")
    canvas.text((32, 168, 808, 218), page.heading, 25, look.ink, bold=True, lines=2)
    for index, tile in enumerate(page.tiles):
        left, top = 28 + index % 2 * 400, 230 + index // 2 * (tall + 20)
        _app_card(canvas, page, tile, look, (left, top, left + 384, top + tall))
    return canvas
