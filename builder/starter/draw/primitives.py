"""The canvas that layouts draw on: boxes, text, stars, marks, in page units and mirrored where needed."""

import math
from collections.abc import Sequence
from random import Random

from PIL import Image, ImageDraw, ImageFilter

from . import setting
from .fonts import Setter
from .glyphs import paste_things
from .pages import Tile

SCALE = 2  # everything is drawn at twice the size and reduced, which smooths all edges
Box = tuple[float, float, float, float]
_GOLD = "#f5a623"


class Canvas:
    """A page being drawn. Coordinates are page units from the side where reading starts."""

    def __init__(self, width: float, height: float, fill: str | None, setter: Setter, random: Random) -> None:
        self.width, self.height = width, height
        self.setter, self.random = setter, random
        size = (round(width * SCALE), round(height * SCALE))
        self.image = Image.new("RGBA", size, fill or (0, 0, 0, 0))
        self.pen = ImageDraw.Draw(self.image)

    def finish(self) -> Image.Image:
        """The page at its own size."""
        size = (round(self.width), round(self.height))
        return self.image.convert("RGB").resize(size, Image.Resampling.BOX)

    def pixels(self, box: Box) -> Box:
        """A box in pixels, mirrored on right-to-left pages."""
        left, top, right, bottom = box
        if self.setter.rtl:
            left, right = self.width - right, self.width - left
        return left * SCALE, top * SCALE, right * SCALE, bottom * SCALE

    def point(self, x: float, y: float) -> tuple[float, float]:
        """A point in pixels, mirrored likewise."""
        return ((self.width - x if self.setter.rtl else x) * SCALE, y * SCALE)

    def box(
        self, box: Box, fill: str | None, *, radius: float = 0, outline: str | None = None, width: float = 1
    ) -> None:
        """A rectangle, with round corners if asked."""
        self.pen.rounded_rectangle(self.pixels(box), radius * SCALE, fill, outline, round(width * SCALE))

    def shadow(self, box: Box, *, radius: float = 0, depth: float = 4, strength: int = 60) -> None:
        """The soft shadow of a box."""
        left, top, right, bottom = self.pixels(box)
        margin = depth * 3 * SCALE
        size = (round(right - left + 2 * margin), round(bottom - top + 2 * margin))
        mask = Image.new("L", size, 0)
        inner = (margin, margin, size[0] - margin, size[1] - margin)
        ImageDraw.Draw(mask).rounded_rectangle(inner, radius * SCALE, strength)
        mask = mask.filter(ImageFilter.GaussianBlur(depth * SCALE * 0.8))
        self.image.paste("#1c2430", (round(left - margin), round(top - margin + depth * SCALE * 0.6)), mask)

    def card(self, box: Box, fill: str, *, radius: float = 12, depth: float = 4, outline: str | None = None) -> None:
        """A box that lies on the page with a shadow."""
        self.shadow(box, radius=radius, depth=depth)
        self.box(box, fill, radius=radius, outline=outline)

    def disc(
        self, x: float, y: float, radius: float, fill: str | None, *, outline: str | None = None, width: float = 1
    ) -> None:
        """A circle."""
        cx, cy = self.point(x, y)
        reach = radius * SCALE
        self.pen.ellipse((cx - reach, cy - reach, cx + reach, cy + reach), fill, outline, round(width * SCALE))

    def oval(self, box: Box, fill: str) -> None:
        """An ellipse."""
        self.pen.ellipse(self.pixels(box), fill)

    def line(self, points: Sequence[tuple[float, float]], fill: str, width: float = 1) -> None:
        """A line through points."""
        self.pen.line([self.point(x, y) for x, y in points], fill, round(width * SCALE), joint="curve")

    def dots(self, start: float, end: float, y: float, fill: str, step: float = 7) -> None:
        """A dotted leader."""
        for index in range(max(0, int((end - start) / step))):
            self.disc(start + index * step, y, 1.1, fill)

    def shape(self, points: Sequence[tuple[float, float]], fill: str) -> None:
        """A polygon."""
        self.pen.polygon([self.point(x, y) for x, y in points], fill)

    def fade(self, box: Box, upper: str, lower: str) -> None:
        """A vertical run from one colour to another."""
        left, top, right, bottom = (round(value) for value in self.pixels(box))
        size = (right - left, bottom - top)
        mask = Image.linear_gradient("L").resize(size)
        self.image.paste(
            Image.composite(Image.new("RGB", size, lower), Image.new("RGB", size, upper), mask), (left, top)
        )

    def text(
        self,
        box: Box,
        text: str,
        size: float,
        fill: str,
        *,
        bold: bool = False,
        align: str = "start",
        lines: int = 1,
        valign: str = "middle",
    ) -> Box:
        """Text fitted into a box; the box that its ink takes up, in page units."""
        if not text:
            return box
        left, top, right, bottom = box
        block = setting.fit(
            self.setter,
            text,
            (right - left) * SCALE,
            (bottom - top) * SCALE,
            round(size * SCALE),
            lines=lines,
            bold=bold,
        )
        slack = (bottom - top) * SCALE - block.height
        upper = top * SCALE + slack * {"top": 0.0, "middle": 0.5, "bottom": 1.0}[valign]
        widest = 0.0
        for index, line in enumerate(block.lines):
            # Letters sit a little below the middle of their line.
            baseline = upper + (index + 0.5) * block.size * block.leading + block.size * 0.35
            width = self._line(box, line, block.size, baseline, fill=fill, bold=bold, align=align)
            widest = max(widest, width)
        start = {"start": left, "centre": (left + right - widest / SCALE) / 2, "end": right - widest / SCALE}[align]
        return (start, upper / SCALE, start + widest / SCALE, (upper + block.height) / SCALE)

    def _line(self, box: Box, line: str, size: int, baseline: float, *, fill: str, bold: bool, align: str) -> float:
        width = self.setter.width(line, size, bold=bold)
        left, _, right, _ = self.pixels(box)
        side = {"start": "end", "end": "start"}.get(align, align) if self.setter.rtl else align
        x = {"start": left, "centre": (left + right - width) / 2, "end": right - width}[side]
        self.setter.draw(self.pen, (x, baseline), line, size, fill=fill, bold=bold)
        return width

    def text_width(self, text: str, size: float, *, bold: bool = False) -> float:
        """How wide a single line is at full size."""
        return self.setter.width(text, round(size * SCALE), bold=bold) / SCALE

    def thing(self, tile: Tile, box: Box) -> None:
        """What a tile shows."""
        paste_things(self.image, self.pixels(box), tile.emoji, tile.count, tile.colour)

    def icon(self, emoji: str, box: Box, colour: str | None = None) -> None:
        """An emoji that only decorates."""
        paste_things(self.image, self.pixels(box), emoji, 1, colour)

    def layer(self, width: float, height: float) -> "Canvas":
        """An empty canvas of the same page, to be turned and pasted."""
        return Canvas(width, height, None, self.setter, self.random)

    def paste(self, layer: "Canvas", x: float, y: float, degrees: float) -> None:
        """Lay a canvas on this one, its centre at a point, turned a little."""
        turned = layer.image.rotate(degrees, Image.Resampling.BICUBIC, expand=True)
        cx, cy = self.point(x, y)
        self.image.paste(turned, (round(cx - turned.width / 2), round(cy - turned.height / 2)), turned)


def star(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    """The corners of a five-pointed star."""
    corners = []
    for index in range(10):
        reach = radius if index % 2 == 0 else radius * 0.42
        angle = math.pi * index / 5 - math.pi / 2
        corners.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
    return corners


def stars(canvas: Canvas, x: float, y: float, radius: float, rating: float) -> float:
    """Five stars, filled up to the rating; the end of the row."""
    for index in range(5):
        centre = x + radius + index * radius * 2.15
        canvas.shape(star(centre, y, radius), "#d9dce1")
        share = min(max(rating - index, 0.0), 1.0)
        if share >= 0.75:
            canvas.shape(star(centre, y, radius), _GOLD)
        elif share >= 0.25:
            # The half of the star on the side where reading starts.
            corners = star(centre, y, radius)
            canvas.shape([corners[0], *corners[5:]], _GOLD)
    return x + radius * 10.6


def pill(canvas: Canvas, box: Box, text: str, size: float, fill: str, *, ink: str = "#ffffff") -> None:
    """A rounded label or button."""
    left, top, right, bottom = box
    canvas.box(box, fill, radius=(bottom - top) / 2)
    canvas.text((left + 9, top, right - 9, bottom), text, size, ink, bold=True, align="centre")


def burst(canvas: Canvas, x: float, y: float, radius: float, fill: str) -> None:
    """A jagged star as price marks on leaflets have it."""
    corners, points = [], 18
    for index in range(points * 2):
        reach = radius if index % 2 == 0 else radius * 0.87
        angle = math.pi * index / points
        corners.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
    canvas.shape(corners, fill)


def tick(canvas: Canvas, x: float, y: float, size: float, fill: str) -> None:
    """A tick as by hand. It leans the same way on mirrored pages, as a tick does."""
    side = -1 if canvas.setter.rtl else 1
    points = [(-0.5, 0.0), (-0.12, 0.4), (0.62, -0.62)]
    canvas.line([(x + side * dx * size, y + dy * size) for dx, dy in points], fill, size * 0.2)


def pen_circle(canvas: Canvas, box: Box, colour: str) -> None:
    """A ring drawn round a box as by a felt pen: uneven, and a little more than once around."""
    random = canvas.random
    left, top, right, bottom = box
    cx, cy, rx, ry = (left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2
    # A long box needs squarer shoulders, so that the ring spares what stands beside it.
    power = 2.0 / min(max(2.9, max(rx, ry) / min(rx, ry) * 1.1), 4.5)
    start, wobble = random.uniform(3.6, 4.4), random.uniform(0.0, 6.28)
    last: tuple[float, float] | None = None
    for index in range(521):
        turn = index / 520
        angle = start + turn * math.tau * 1.07
        swell = 1 + 0.014 * math.sin(angle * 2 + wobble) + 0.03 * (turn - 0.5)
        dx, dy = math.cos(angle), math.sin(angle)
        x = cx + math.copysign(abs(dx) ** power, dx) * rx * swell
        y = cy + math.copysign(abs(dy) ** power, dy) * ry * swell
        thick = 2.6 * (0.8 + 0.25 * math.sin(angle + wobble))
        canvas.disc(x, y, thick, colour)
        if last is not None:
            canvas.line([last, (x, y)], colour, thick * 2)
        last = (x, y)
