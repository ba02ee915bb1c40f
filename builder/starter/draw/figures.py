"""Prices, ratings and review counts that make the pick of a scene true, and plainly so."""

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

# Iranian shops write Persian digits; Arabic and Urdu web shops mostly write European ones.
_PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


class Money:
    """How a country writes amounts and other numbers."""

    def __init__(self, price: Mapping[str, Any], language: str) -> None:
        self.decimals = int(price["decimals"])
        self._format = str(price["format"])
        self._group = str(price["group_mark"]).replace(" ", "\N{NO-BREAK SPACE}")
        self._mark = str(price["decimal_mark"]) or ("," if self._group == "." else ".")
        self._persian = language.split("-", maxsplit=1)[0] == "fa"

    @property
    def unit(self) -> float:
        """The smallest step between two amounts."""
        return 10.0**-self.decimals

    def digits(self, text: str) -> str:
        """The text with the digits of the language."""
        return text.translate(_PERSIAN) if self._persian else text

    def number(self, value: float, decimals: int = 0) -> str:
        """A number in the country's writing."""
        text = f"{value:,.{decimals}f}".replace(",", "\0").replace(".", self._mark)
        return self.digits(text.replace("\0", self._group))

    def price(self, amount: float) -> str:
        """An amount of money in the country's writing."""
        return self._format.replace("{n}", self.number(amount, self.decimals))

    def percent(self, value: int) -> str:
        """A discount, as on a leaflet."""
        return self.digits(f"-{value}%")


def _grain(value: float, decimals: int) -> float:
    """The step to which a price of this size is rounded: two to three significant digits."""
    step: float = 10.0 ** (math.floor(math.log10(max(value, 0.01))) - 1)
    return max(step / 2, 0.1 if decimals else 1.0)


def rounded(value: float, decimals: int, *, up: bool = False) -> float:
    """The price as a shop would round it; never nothing."""
    step = _grain(value, decimals)
    steps = math.ceil(value / step - 1e-9) if up else round(value / step)
    return round(max(steps, 1) * step, decimals)


def varied(base: Sequence[float], decimals: int, random: Random) -> list[float]:
    """Catalogue prices with a small seeded variation."""
    return [rounded(value * random.uniform(0.92, 1.1), decimals) for value in base]


def cheapest(prices: Sequence[float], target: int, decimals: int, random: Random) -> list[float]:
    """The target at well under every other price; others give way where it cannot sink further."""
    floor = min(price for index, price in enumerate(prices) if index != target)
    low = min(prices[target], rounded(floor * random.uniform(0.5, 0.7), decimals))
    least = low * 1.25 + 10.0**-decimals
    raised = [
        price if price >= least else rounded(least * random.uniform(1.0, 1.5), decimals, up=True) for price in prices
    ]
    return [low if index == target else price for index, price in enumerate(raised)]


def priciest(prices: Sequence[float], target: int, decimals: int, random: Random) -> list[float]:
    """The target at well over every other price."""
    ceiling = max(price for index, price in enumerate(prices) if index != target)
    factor = random.uniform(1.4, 1.8)
    high = max(prices[target], rounded(ceiling * factor + 10.0**-decimals, decimals, up=True))
    return [high if index == target else price for index, price in enumerate(prices)]


def ratings(count: int, target: int, random: Random, *, top: bool) -> list[float]:
    """Star ratings; with `top` the target's is strictly and visibly the best."""
    high = 44 if top else 48
    values = [random.randint(35, high) / 10 for _ in range(count)]
    if top:
        values[target] = 4.9
    return values


def reviews(count: int, target: int, random: Random, *, most: bool) -> list[int]:
    """Numbers of reviews; with `most` the target has at least twice as many as any other."""
    values = random.sample(range(23, 620), count)
    if most:
        others = max(value for index, value in enumerate(values) if index != target)
        values[target] = int(others * random.uniform(2.2, 3.6)) + random.randint(100, 400)
    return values


def discounts(count: int, target: int, random: Random, *, biggest: bool) -> list[int]:
    """Percentages off; with `biggest` the target's is far above the rest."""
    values = [random.choice((5, 8, 10, 12, 15, 20, 25)) for _ in range(count)]
    if biggest:
        values[target] = random.choice((45, 50, 55, 60))
    return values


def times(count: int, random: Random) -> list[str]:
    """Times of day in order, for a programme."""
    minute = random.choice((8, 9)) * 60 + random.choice((0, 30))
    gap = (21 * 60 - minute) // max(count, 4)
    found = []
    for _ in range(count):
        found.append(f"{minute // 60}:{minute % 60:02d}")
        minute += max(30, gap // 15 * 15 + random.choice((-15, 0, 15)))
    return found


def ticks(count: int, target: int, random: Random, *, only: bool) -> list[bool]:
    """Which things of a list are ticked; with `only` all but the target."""
    if only:
        return [index != target for index in range(count)]
    chosen = set(random.sample(range(count), random.randint(0, max(0, count - 2))))
    return [index in chosen for index in range(count)]
