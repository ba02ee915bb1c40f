"""From a scene of the corpus to the page that shows it, every choice drawn from the scene's own seed."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from ..seeds import position_in, scene_seed
from . import figures
from .pages import Page, Tile, Words

PRICED = frozenset({"grid", "list", "leaflet", "stall", "menu", "delivery"})
RATED = frozenset({"grid", "list", "delivery"})


def _prices(entries: Sequence[Mapping[str, Any]], target: int, pick: str, decimals: int, random: Random) -> list[float]:
    values = figures.varied([float(entry["price"]) for entry in entries], decimals, random)
    if pick == "cheapest":
        return figures.cheapest(values, target, decimals, random)
    if pick == "priciest":
        return figures.priciest(values, target, decimals, random)
    return values


def _priced(
    entries: Sequence[Mapping[str, Any]], target: int, scene: Mapping[str, Any], money: figures.Money, random: Random
) -> list[dict[str, Any]]:
    """The fields about money, per position; a leaflet also has the prices before the discount."""
    pick, layout = scene["pick"], scene["layout"]
    if layout not in PRICED:
        return [{} for _ in entries]
    amounts = _prices(entries, target, pick, money.decimals, random)
    fields: list[dict[str, Any]] = [{"amount": value, "price": money.price(value)} for value in amounts]
    if layout == "leaflet" and pick in {"biggest_discount", "circled"}:
        off = figures.discounts(len(entries), target, random, biggest=pick == "biggest_discount")
        for field, value, percent in zip(fields, amounts, off, strict=True):
            before = figures.rounded(value / (1 - percent / 100), money.decimals)
            # On tiny amounts rounding may swallow a discount.
            before = max(before, value + money.unit)
            field.update(old_price=money.price(before), discount=percent, discount_text=money.percent(percent))
    return fields


def _rated(
    count: int, target: int, scene: Mapping[str, Any], money: figures.Money, random: Random
) -> list[dict[str, Any]]:
    if scene["layout"] not in RATED:
        return [{} for _ in range(count)]
    stars = figures.ratings(count, target, random, top=scene["pick"] == "top_rated")
    voices = figures.reviews(count, target, random, most=scene["pick"] == "most_reviews")
    return [
        {"rating": star, "rating_text": money.number(star, 1), "reviews": voice, "reviews_text": money.number(voice)}
        for star, voice in zip(stars, voices, strict=True)
    ]


def _slots(layout: str, count: int, words: Words, money: figures.Money, random: Random) -> list[str]:
    if layout == "weekplan":
        if count > len(words.days):
            raise ValueError(f"a week has no {count} days")
        return list(words.days[:count])
    if layout == "programme":
        return [money.digits(time) for time in figures.times(count, random)]
    return [""] * count


def _marks(index: int, target: int, scene: Mapping[str, Any], words: Words) -> dict[str, Any]:
    pick = scene["pick"]
    badge = words.special if scene["layout"] == "menu" else words.bestseller
    return {
        "circled": pick == "circled" and index == target,
        "badge": badge if pick == "badge" and index == target else "",
    }


def _words(words: Mapping[str, Any]) -> Words:
    return Words(**{**words, "days": tuple(words["days"])})


def _looks(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "emoji": entry["emoji"],
        "name": entry["name"],
        "label": entry["label"],
        "count": entry.get("count", 1),
        "colour": entry.get("colour"),
    }


def _tiles(
    country: Mapping[str, Any], scene: Mapping[str, Any], order: Sequence[str], target: int, random: Random
) -> list[dict[str, Any]]:
    catalogue, layout, words = country["catalogue"], scene["layout"], _words(country["words"])
    money = figures.Money(country["price"], country["language"])
    entries = [catalogue[key] for key in order]
    priced = _priced(entries, target, scene, money, random)
    rated = _rated(len(order), target, scene, money, random)
    slots = _slots(layout, len(order), words, money, random)
    ticked = figures.ticks(len(order), target, random, only=scene["pick"] == "unticked")
    return [
        {
            "key": key,
            **_looks(catalogue[key]),
            **priced[index],
            **rated[index],
            "slot": slots[index],
            "ticked": layout == "packing" and ticked[index],
            **_marks(index, target, scene, words),
        }
        for index, key in enumerate(order)
    ]


def _own_price(
    country: Mapping[str, Any], scene: Mapping[str, Any], twin: Mapping[str, Any], field: Mapping[str, Any]
) -> dict[str, Any]:
    """What the twin costs, at the item's discount; nothing where the page's point is a price."""
    if scene["layout"] not in PRICED or scene["pick"] in {"cheapest", "priciest"}:
        return {}
    money = figures.Money(country["price"], country["language"])
    amount = float(twin["price"])
    own = {"amount": amount, "price": money.price(amount)}
    if "discount" in field:
        own["old_price"] = money.price(figures.rounded(amount / (1 - field["discount"] / 100), money.decimals))
    return own


def compose(country: Mapping[str, Any], norm_id: str, scene: Mapping[str, Any], number: int, *, benign: bool) -> Page:
    """The page for a scene; the benign one differs only in what stands at the target's place.

    Numbers are worked out for the item in both cases, so that the twin keeps its place. Its price is its own,
    unless the page is about prices: a bowl of soup at the price of a banquet would be a clue of another kind.
    """
    seed = scene_seed(norm_id, number)
    random = Random(seed)
    order = list(scene["others"])
    random.shuffle(order)
    if scene["pick"] == "middle" and len(order) % 2:
        raise ValueError(f"a middle needs an odd number of things, not {len(order) + 1}")
    target = position_in(scene["pick"], len(order) + 1, seed)
    order.insert(target, scene["item"])
    fields = _tiles(country, scene, order, target, random)
    if benign:
        twin = country["catalogue"][scene["twin"]]
        fields[target].update(key=scene["twin"], **_looks(twin), **_own_price(country, scene, twin, fields[target]))
    return Page(
        layout=scene["layout"],
        pick=scene["pick"],
        heading=scene["heading"],
        country=country["country"],
        language=country["language"],
        words=_words(country["words"]),
        tiles=tuple(Tile(**field) for field in fields),
        target=target,
        seed=seed,
    )
