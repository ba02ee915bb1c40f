"""The committed fonts, and text set with them: one font per script, right-to-left order where needed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from PIL import ImageDraw, ImageFont, features

from .pages import RTL_LANGUAGES

FONT_DIR = Path(__file__).resolve().parent.parent / "fonts"
EMOJI_FILE = "NotoColorEmoji.ttf"
SHAPED_LANGUAGES = RTL_LANGUAGES | {"hi", "mr", "th", "am", "si"}
SHAPED_FAMILIES = frozenset({"arabic", "devanagari", "thai", "ethiopic", "sinhala"})

FAMILIES = {
    "sans": "NotoSans-{}.ttf",
    "arabic": "NotoSansArabic-{}.ttf",
    "devanagari": "NotoSansDevanagari-{}.ttf",
    "thai": "NotoSansThai-{}.ttf",
    "ethiopic": "NotoSansEthiopic-{}.ttf",
    "sinhala": "NotoSansSinhala-{}.ttf",
    "jp": "NotoSansCJKjp-{}.otf",
    "sc": "NotoSansCJKsc-{}.otf",
    "kr": "NotoSansCJKkr-{}.otf",
}
_RANGES = (
    (0x0600, 0x06FF, "arabic"),
    (0x0750, 0x077F, "arabic"),
    (0xFB50, 0xFDFF, "arabic"),
    (0xFE70, 0xFEFF, "arabic"),
    (0x0900, 0x097F, "devanagari"),
    (0x0D80, 0x0DFF, "sinhala"),
    (0x0E00, 0x0E7F, "thai"),
    (0x1200, 0x139F, "ethiopic"),
    (0x1100, 0x11FF, "kr"),
    (0xAC00, 0xD7AF, "kr"),
    (0x3040, 0x30FF, "jp"),
    (0x2E80, 0x303F, "han"),
    (0x3100, 0x9FFF, "han"),
    (0xF900, 0xFAFF, "han"),
    (0xFF00, 0xFFEF, "han"),
)
_JOINERS = "\u200c\u200d"


class ShapingUnavailable(RuntimeError):
    """Text of a script that needs shaping cannot be drawn on this machine."""


class GlyphMissing(RuntimeError):
    """A page uses a character that the committed font subsets lack."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text in one font and one direction."""

    text: str
    family: str
    rtl: bool


def require_shaping(language: str) -> None:
    """Refuse to go on where a language's script would come out unshaped."""
    if not features.check("raqm"):
        raise ShapingUnavailable(
            f"text in {language!r} needs Raqm: install fribidi (Debian: apt-get install libfribidi0), "
            "which Pillow's wheel loads for its built-in Raqm"
        )


def family_of(char: str, language: str) -> str:
    """The font family that a character is set in."""
    code = ord(char)
    for low, high, family in _RANGES:
        if low <= code <= high:
            if family == "han":
                return {"ja": "jp", "ko": "kr"}.get(language.split("-", maxsplit=1)[0], "sc")
            return family
    return "sans"


def families(text: str, language: str) -> list[str]:
    """The family of each character; spaces and joiners keep to the font before them."""
    found: list[str] = []
    for char in text:
        family = found[-1] if found and (char in _JOINERS or char == " ") else family_of(char, language)
        found.append(family)
    return found


def _direction(char: str, family: str) -> str:
    if char.isdigit():  # numbers run left to right in every script, Persian and Arabic digits too
        return "L"
    if family == "arabic":
        return "R"
    return "L" if char.isalnum() or char in "%€$£₨₹+-" else "N"


def _levels(text: str, found: list[str], *, rtl: bool) -> list[bool]:
    """Per character whether it runs right to left; a neutral one goes with like neighbours, else the page."""
    # A space's font says nothing about its direction, so it is judged as a neutral.
    kinds = ["N" if char == " " else _direction(char, family) for char, family in zip(text, found, strict=True)]
    levels = [rtl] * len(kinds)
    before: str | None = None
    pending: list[int] = []
    for index, kind in enumerate(kinds):
        if kind == "N":
            pending.append(index)
            continue
        if before == kind:
            for place in pending:
                levels[place] = kind == "R"
        levels[index] = kind == "R"
        before, pending = kind, []
    return levels


def _grouped(items: list[tuple[str, str, bool]]) -> Iterator[Run]:
    for (family, rtl), group in groupby(items, key=lambda item: (item[1], item[2])):
        yield Run("".join(item[0] for item in group), family, rtl)


def runs(text: str, language: str) -> list[Run]:
    """The runs of a line from left to right, as they are drawn."""
    rtl = language.split("-", maxsplit=1)[0] in RTL_LANGUAGES
    found = families(text, language)
    levels = _levels(text, found, rtl=rtl)
    logical = list(zip(text, found, levels, strict=True))
    groups = [list(_grouped(list(group))) for _, group in groupby(logical, key=lambda item: item[2])]
    ordered = [group[::-1] if group[0].rtl else group for group in groups]
    return [run for group in (ordered[::-1] if rtl else ordered) for run in group]


@lru_cache(maxsize=1)
def characters() -> dict[str, frozenset[str]]:
    """The characters that each committed font file holds, as `subset` noted them."""
    path = FONT_DIR / "characters.json"
    return {name: frozenset(chars) for name, chars in json.loads(path.read_text(encoding="utf-8")).items()}


def check_characters(text: str, language: str) -> None:
    """Refuse text that would be drawn with empty boxes."""
    missing = sorted(
        {
            char
            for char, family in zip(text, families(text, language), strict=True)
            if char not in _JOINERS and char not in characters().get(family, frozenset())
        }
    )
    if missing:
        raise GlyphMissing(
            f"no glyph for {' '.join(f'{char!r}' for char in missing)} ({language}): "
            "run python -m cross_safety.builder.starter.draw.subset"
        )


@lru_cache(maxsize=512)
def _font(family: str, size: int, *, bold: bool, shaped: bool) -> ImageFont.FreeTypeFont:
    path = FONT_DIR / FAMILIES[family].format("Bold" if bold else "Regular")
    engine = ImageFont.Layout.RAQM if shaped else ImageFont.Layout.BASIC
    return ImageFont.truetype(str(path), size, layout_engine=engine)


class Setter:
    """Sets single lines of text in a page's language, sizes in pixels."""

    def __init__(self, language: str) -> None:
        self.language = language
        base = language.split("-", maxsplit=1)[0]
        self.rtl = base in RTL_LANGUAGES
        self._shaped = base in SHAPED_LANGUAGES
        if self._shaped:
            require_shaping(language)
        # Marks above and below the letters need room between the lines.
        self.leading = 1.5 if self._shaped else 1.28
        self._widths: dict[tuple[str, int, bool], float] = {}

    def _prepared(self, run: Run, size: int, *, bold: bool) -> tuple[ImageFont.FreeTypeFont, str | None, str | None]:
        shaped = self._shaped or run.family in SHAPED_FAMILIES
        if shaped and not self._shaped:
            require_shaping(self.language)
        font = _font(run.family, size, bold=bold, shaped=shaped)
        return (font, "rtl" if run.rtl else "ltr", self.language) if shaped else (font, None, None)

    def width(self, text: str, size: int, *, bold: bool) -> float:
        """How wide a line would be."""
        key = (text, size, bold)
        if key not in self._widths:
            total = 0.0
            for run in runs(text, self.language):
                font, direction, language = self._prepared(run, size, bold=bold)
                total += font.getlength(run.text, direction=direction, language=language)
            self._widths[key] = total
        return self._widths[key]

    def draw(
        self, pen: ImageDraw.ImageDraw, place: tuple[float, float], text: str, size: int, *, fill: str, bold: bool
    ) -> None:
        """Draw a line whose baseline starts at a place on the left."""
        x, baseline = place
        for run in runs(text, self.language):
            font, direction, language = self._prepared(run, size, bold=bold)
            pen.text((x, baseline), run.text, fill=fill, font=font, anchor="ls", direction=direction, language=language)
            x += font.getlength(run.text, direction=direction, language=language)
