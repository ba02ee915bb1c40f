"""Colours of pages, drawn per seed so that no two shops look alike."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one page."""

    accent: str
    deep: str
    pale: str
    page: str
    ink: str = "#1f2430"
    muted: str = "#687080"
    sale: str = "#d3202f"


PALETTES = (
    Palette("#1769d2", "#0d3f86", "#e6f0fd", "#f4f7fb"),
    Palette("#d9480f", "#7a2505", "#fdeee4", "#fbf7f3"),
    Palette("#0b8a63", "#07523b", "#e2f5ee", "#f3f8f5"),
    Palette("#7a3fc0", "#45207a", "#f0e8fb", "#f8f5fc"),
    Palette("#c2255c", "#7a1138", "#fce6ee", "#fcf5f8"),
    Palette("#0f7c8c", "#084852", "#e0f3f5", "#f2f8f9"),
    Palette("#8a5a12", "#4f3206", "#f8efdc", "#fbf8f1"),
    Palette("#33475b", "#1b2838", "#e8edf2", "#f5f6f8"),
    Palette("#b02a1c", "#6b140b", "#fbe7e3", "#fbf6f4"),
    Palette("#3c7a1e", "#234a10", "#eaf5e2", "#f6f9f2"),
)
PENS = ("#d8152a", "#1747c9", "#c2147a", "#d8152a")


def palette(random: Random) -> Palette:
    """A palette for a page."""
    return random.choice(PALETTES)


def pen(random: Random) -> str:
    """The colour of the pen that circles things."""
    return random.choice(PENS)
