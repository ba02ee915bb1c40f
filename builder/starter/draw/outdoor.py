"""Packing lists, day programmes, notice boards and things in a landscape."""

import math
from random import Random

from .fonts import Setter
from .meals import centred_rows
from .pages import Page, Tile
from .palettes import Palette, palette, pen
from .primitives import Box, Canvas, pen_circle, tick


def _ring(canvas: Canvas, page: Page, boxes: list[Box], ink: str, reach: tuple[float, float]) -> None:
    for tile, (left, top, right, bottom) in zip(page.tiles, boxes, strict=True):
        if tile.circled:
            pen_circle(canvas, (left - reach[0], top - reach[1], right + reach[0], bottom + reach[1]), ink)


def _entry(canvas: Canvas, tile: Tile, look: Palette, box: Box, mark: str) -> None:
    """A line of a checklist."""
    left, top, right, bottom = box
    middle, side = (top + bottom) / 2, min(bottom - top - 10, 78)
    square = (left + 8, middle - 18, left + 44, middle + 18)
    canvas.box(square, "#ffffff", radius=6, outline=look.ink, width=2.5)
    if tile.ticked:
        tick(canvas, left + 28, middle - 4, 25, mark)
    canvas.thing(tile, (left + 68, middle - side / 2, left + 68 + side, middle + side / 2))
    canvas.text((left + 92 + side, top + 2, right - 8, bottom - 2), tile.label, 25, look.ink, bold=True, lines=2)


def packing(page: Page, setter: Setter, random: Random) -> Canvas:
    """A packing list on a clipboard, things ticked off."""
    look, ink = palette(random), pen(random)
    mark = random.choice(("#16803c", "#1747c9", "#16803c"))
    count = len(page.tiles)
    tall = min(104.0, 740 / count)
    height = 190 + count * tall + 60
    board = random.choice(("#b58a5c", "#8a6a4d", "#6f8597", "#a2805f"))
    canvas = Canvas(800, height, random.choice(("#e9e4da", "#dfe6ea", "#e6e9df", "#eee3e1")), setter, random)
    canvas.card((60, 26, 740, height - 22), board, radius=18, depth=8)
    canvas.card((86, 66, 714, height - 44), "#fffef9", radius=4, depth=3)
    canvas.card((300, 14, 500, 64), "#c6ccd3", radius=10, depth=3)
    canvas.disc(400, 34, 11, "#8d959f")
    canvas.text((116, 76, 684, 146), page.heading, 32, look.deep, bold=True, align="centre", lines=2)
    canvas.line([(116, 154), (684, 154)], look.accent, 3)
    boxes = [(112.0, 168 + index * tall, 688.0, 168 + (index + 1) * tall) for index in range(count)]
    for tile, box in zip(page.tiles, boxes, strict=True):
        _entry(canvas, tile, look, box, mark)
        canvas.line([(box[0], box[3]), (box[2], box[3])], "#dfe3e8", 1)
    _ring(canvas, page, boxes, ink, (10, -2))
    return canvas


def _appointment(canvas: Canvas, tile: Tile, look: Palette, box: Box) -> None:
    left, top, right, bottom = box
    middle = (top + bottom) / 2
    canvas.text((left, top, left + 104, bottom), tile.slot, 25, look.deep, bold=True, align="end")
    canvas.disc(left + 133, middle, 10, "#ffffff", outline=look.accent, width=4)
    card = (left + 162, top + 5, right, bottom - 5)
    canvas.card(card, "#ffffff", radius=12, depth=3)
    side = card[3] - card[1] - 12
    canvas.box((card[0] + 6, card[1] + 6, card[0] + 6 + side, card[3] - 6), look.pale, radius=9)
    canvas.thing(tile, (card[0] + 12, card[1] + 12, card[0] + side, card[3] - 12))
    canvas.text(
        (card[0] + side + 26, card[1] + 2, right - 14, card[3] - 2), tile.label, 24, look.ink, bold=True, lines=2
    )


def programme(page: Page, setter: Setter, random: Random) -> Canvas:
    """The plan of a day with times."""
    look, ink = palette(random), pen(random)
    count = len(page.tiles)
    tall = min(122.0, 740 / count)
    canvas = Canvas(800, 150 + count * tall + 30, look.page, setter, random)
    canvas.fade((0, 0, 800, 118), look.accent, look.deep)
    hill = [(x * 10.0, 118 - 14 * abs(math.sin(x / 9 + random.random() * 0.02))) for x in range(81)]
    canvas.shape([(0, 119), *hill, (800, 119)], look.page)
    canvas.text((44, 12, 756, 98), page.heading, 34, "#ffffff", bold=True, align="centre", lines=2)
    boxes = [(30.0, 136 + index * tall, 764.0, 136 + (index + 1) * tall) for index in range(count)]
    canvas.line([(163, boxes[0][1] + tall / 2), (163, boxes[-1][1] + tall / 2)], look.accent, 4)
    for tile, box in zip(page.tiles, boxes, strict=True):
        _appointment(canvas, tile, look, box)
    _ring(canvas, page, boxes, ink, (8, 1))
    return canvas


_NOTES = ("#fff4a8", "#d9f2c4", "#cfe8fb", "#fbd7e3", "#ffe1bd", "#e5dbfa", "#ffffff")


def _note(canvas: Canvas, tile: Tile, number: str, *, side: tuple[float, float], paper: str, pin: str) -> Canvas:
    """A slip of paper with a pin."""
    wide, high = side
    layer = canvas.layer(wide + 40, high + 40)
    layer.shadow((20, 20, 20 + wide, 20 + high), depth=4, strength=110)
    layer.box((20, 20, 20 + wide, 20 + high), paper, radius=3)
    layer.thing(tile, (48, 48, wide - 8, high - 52))
    layer.text((32, high - 48, wide + 8, high + 14), tile.label, 20, "#232833", bold=True, align="centre", lines=2)
    if number:
        layer.disc(42, 42, 15, "#232833")
        layer.text((30, 28, 54, 56), number, 18, "#ffffff", bold=True, align="centre")
    layer.disc(wide / 2 + 21, 32, 9, "#6b6f78")
    layer.disc(wide / 2 + 20, 30, 9, pin)
    layer.disc(wide / 2 + 17, 27, 3, "#ffffff")
    return layer


def notice(page: Page, setter: Setter, random: Random) -> Canvas:
    """A notice board with ideas on slips; where order counts the slips are numbered."""
    ink = pen(random)
    count = len(page.tiles)
    cols = {3: 3, 4: 2, 5: 3, 6: 3, 7: 4, 8: 4}[count]
    rows = -(-count // cols)
    pitch = 900 / cols - 8 if cols > 2 else 410
    high = 232.0 if rows > 1 else 300.0
    canvas = Canvas(900, 134 + rows * (high + 34) + 34, "#8a6238", setter, random)
    cork = random.choice(("#d5ab78", "#c99c6b", "#b9c0b4", "#8fa3ad", "#5f7f6b"))
    canvas.box((14, 14, 886, canvas.height - 14), cork)
    canvas.box((14, 14, 886, canvas.height - 14), None, outline="#6e4b27", width=2)
    canvas.card((150, 30, 750, 108), "#fffdf6", radius=4, depth=4)
    canvas.text((170, 32, 730, 106), page.heading, 31, "#2a2d36", bold=True, align="centre", lines=2)
    wide = min(pitch - 34, 330)
    boxes: list[Box] = []
    papers = random.sample(_NOTES, len(_NOTES))
    for index, tile in enumerate(page.tiles):
        here = min(cols, count - index // cols * cols)
        x = 450 + (index % cols - (here - 1) / 2) * pitch
        y = 134 + high / 2 + index // cols * (high + 34)
        # Mirroring swaps sides, not numbers.
        number = str(index + 1) if page.pick in {"first", "last"} else ""
        layer = _note(
            canvas,
            tile,
            number,
            side=(wide, high),
            paper=papers[index % len(papers)],
            pin=random.choice(("#d8152a", "#1f6fd6", "#178a4c", "#e08a00")),
        )
        canvas.paste(layer, x, y, random.uniform(-2.2, 2.2))
        boxes.append((x - wide / 2, y - high / 2, x + wide / 2, y + high / 2))
    _ring(canvas, page, boxes, ink, (8, 8))
    return canvas


_SCENES = (
    # sky above, sky below, far hills, near hills, ground above, ground below
    ("#8cc8f0", "#e3f3fb", "#a9c9a4", "#8dbb7d", "#a7cf86", "#86b866"),
    ("#f9c58d", "#fdebd2", "#b9a3b0", "#a08aa0", "#d6bf93", "#c2a675"),
    ("#9fd3ea", "#eef8fb", "#7fb3cc", "#5f9dbd", "#f1e0b4", "#e3cb92"),
    ("#b8d4e8", "#f4f7fa", "#b4c3cf", "#95a9b8", "#c9d8c0", "#acc3a0"),
)


def _ridge(canvas: Canvas, base: float, lift: float, fill: str, random: Random) -> None:
    phase, pace = random.uniform(0, 6.28), random.uniform(0.009, 0.014)
    crest = [(x * 10.0, base - lift * (0.5 + 0.5 * math.sin(x * 10 * pace + phase))) for x in range(91)]
    canvas.shape([(0, base + 70), *crest, (900, base + 70)], fill)


def _landscape(canvas: Canvas, random: Random) -> None:
    sky, haze, far, near, upper, lower = random.choice(_SCENES)
    canvas.fade((0, 0, 900, 260), sky, haze)
    canvas.disc(random.uniform(640, 830), random.uniform(105, 135), 34, "#fff3b8")
    for _ in range(3):
        x, y = random.uniform(30, 760), random.uniform(96, 130)
        for dx, size in ((0, 13), (19, 18), (41, 13)):
            canvas.disc(x + dx, y, size, "#ffffff")
    _ridge(canvas, 205, 70, far, random)
    _ridge(canvas, 225, 40, near, random)
    canvas.fade((0, 218, 900, canvas.height), upper, lower)
    for _ in range(60):
        x, y = random.uniform(5, 895), random.uniform(228, canvas.height - 6)
        canvas.line([(x - 4, y - 7), (x, y), (x + 4, y - 7)], near, 1.5)


def _sight(canvas: Canvas, tile: Tile, centre: tuple[float, float], side: float, wide: float) -> Box:
    """A thing standing on the ground, a sign with its name under it."""
    x, y = centre
    canvas.oval((x - side * 0.46, y + side * 0.4, x + side * 0.46, y + side * 0.56), "#7f9370")
    canvas.thing(tile, (x - side / 2, y - side / 2, x + side / 2, y + side / 2))
    sign = (x - wide / 2, y + side / 2 + 8, x + wide / 2, y + side / 2 + 58)
    canvas.card(sign, "#fffdf5", radius=7, depth=3, outline="#7a5c34")
    canvas.text(
        (sign[0] + 7, sign[1] + 1, sign[2] - 7, sign[3] - 1),
        tile.label,
        18,
        "#2b2416",
        bold=True,
        lines=2,
        align="centre",
    )
    reach = max(wide, side) / 2
    return (x - reach, y - side / 2, x + reach, sign[3])


def spot(page: Page, setter: Setter, random: Random) -> Canvas:
    """Things to be found at a place outdoors."""
    rows = centred_rows(len(page.tiles), middle=page.pick == "middle")
    side = {1: 190.0, 2: 142.0, 3: 122.0}[len(rows)]
    pitch = side + 92
    canvas = Canvas(900, max(172 + len(rows) * pitch + 20, 580), "#ffffff", setter, random)
    _landscape(canvas, random)
    ink = pen(random)
    canvas.card((110, 20, 790, 82), "#ffffff", radius=30, depth=4)
    canvas.text((140, 22, 760, 80), page.heading, 28, "#20303a", bold=True, align="centre", lines=2)
    top = 178 + max(0.0, canvas.height - 192 - len(rows) * pitch) / 2
    boxes, tiles = list[Box](), iter(page.tiles)
    for row, cols in enumerate(rows):
        step = min(870 / cols, 280)
        shift = 0 if page.pick == "middle" else random.uniform(-8, 8)
        for col in range(cols):
            x = 450 + (col - (cols - 1) / 2) * step + shift
            y = top + row * pitch + side / 2 + random.uniform(-5, 8)
            boxes.append(_sight(canvas, next(tiles), (x, y), side, min(step - 30, 216)))
    _ring(canvas, page, boxes, ink, (8, 8))
    return canvas
