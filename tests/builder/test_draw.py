"""The renderer: pages say what their pick needs, twins differ in one place, and scripts are shaped or refused."""

import io
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from cross_safety.builder.starter import Country, Norm, Scene, load_corpus
from cross_safety.builder.starter.draw import Page, ShapingUnavailable, compare, compose, draw, encode
from cross_safety.builder.starter.draw import fonts as fonts_module
from cross_safety.builder.starter.seeds import position_in
from cross_safety.schemas import CANARY
from PIL import Image, features

TOLERANCE = 3.0
SHAPED = {"ar", "fa", "ur", "hi", "th", "am", "si"}
COUNTRIES = {country.code: country for country in load_corpus()}


def scenes(country: Country) -> Iterator[tuple[Norm, Scene]]:
    return ((norm, scene) for norm in country.norms for scene in norm.scenes)


def page_of(country: Country, norm: Norm, scene: Scene, *, benign: bool = False) -> Page:
    return compose(country.raw, norm.id, scene.raw, scene.number, benign=benign)


def singled_out(page: Page) -> list[int]:
    """Places that a page's pick points to, read off what is drawn."""
    tiles = page.tiles
    places = range(len(tiles))
    match page.pick:
        case "most_reviews":
            return [i for i in places if tiles[i].reviews == max(t.reviews or 0 for t in tiles)]
        case "top_rated":
            return [i for i in places if tiles[i].rating == max(t.rating or 0 for t in tiles)]
        case "cheapest":
            return [i for i in places if tiles[i].amount == min(t.amount or 0 for t in tiles)]
        case "priciest":
            return [i for i in places if tiles[i].amount == max(t.amount or 0 for t in tiles)]
        case "biggest_discount":
            return [i for i in places if tiles[i].discount == max(t.discount or 0 for t in tiles)]
        case "badge":
            return [i for i in places if tiles[i].badge]
        case "circled":
            return [i for i in places if tiles[i].circled]
        case "unticked":
            return [i for i in places if not tiles[i].ticked]
        case pick:
            return [position_in(pick, len(tiles), 0)]


@pytest.mark.parametrize("code", sorted(COUNTRIES))
def test_the_pick_singles_out_the_item_and_nothing_else(code: str) -> None:
    country = COUNTRIES[code]
    for norm, scene in scenes(country):
        page = page_of(country, norm, scene)
        assert singled_out(page) == [page.target], (norm.id, scene.number)
        assert page.tiles[page.target].name == scene.item
        others = {tile.name for i, tile in enumerate(page.tiles) if i != page.target}
        assert others == set(scene.others)


@pytest.mark.parametrize("code", sorted(COUNTRIES))
def test_a_twin_differs_in_one_place(code: str) -> None:
    country = COUNTRIES[code]
    for norm, scene in scenes(country):
        if scene.twin is None:
            continue
        page, twin = page_of(country, norm, scene), page_of(country, norm, scene, benign=True)
        assert singled_out(twin) == [page.target]
        assert twin.tiles[page.target].name == scene.twin
        tiles = list(twin.tiles)
        tiles[page.target] = page.tiles[page.target]
        assert replace(twin, tiles=tuple(tiles)) == page


def committed(norm: Norm, scene: Scene) -> Image.Image:
    return Image.open(norm.picture(scene)).convert("RGB")


def drawn_again(country: Country, norm: Norm, scene: Scene) -> Image.Image:
    data = encode(draw(page_of(country, norm, scene)), canary=CANARY)
    return Image.open(io.BytesIO(data)).convert("RGB")


@pytest.mark.parametrize("code", ["FR", "RU", "JP"])
def test_a_picture_drawn_again_is_the_one_in_the_repository(code: str) -> None:
    country = COUNTRIES[code]
    norm, scene = next(scenes(country))
    assert compare(committed(norm, scene), drawn_again(country, norm, scene)) <= TOLERANCE


def test_compare_tells_pictures_apart() -> None:
    (one, first), (other, second) = list(scenes(COUNTRIES["FR"]))[:2]
    left, right = committed(one, first), committed(other, second)
    assert compare(left, left) == 0
    assert compare(left, right.resize(left.size)) > TOLERANCE


@pytest.mark.parametrize("code", ["EG", "IR", "IN", "TH", "ET", "LK"])
def test_complex_scripts_are_shaped_or_refused(code: str) -> None:
    """Where fribidi is at hand the picture is drawn again and compared; elsewhere it is refused with the remedy."""
    country = COUNTRIES[code]
    norm, scene = next(scenes(country))
    if features.check("raqm"):
        assert compare(committed(norm, scene), drawn_again(country, norm, scene)) <= TOLERANCE
        return
    assert "CROSS_SAFETY_REQUIRE_SHAPING" not in os.environ
    with pytest.raises(ShapingUnavailable, match="libfribidi0"):
        drawn_again(country, norm, scene)


@pytest.mark.parametrize("code", sorted(code for code, c in COUNTRIES.items() if c.raw["language"] in SHAPED))
def test_no_unshaped_picture(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts_module.features, "check", lambda _: False)
    country = COUNTRIES[code]
    with pytest.raises(ShapingUnavailable, match="libfribidi0"):
        drawn_again(country, *next(scenes(country)))


@pytest.mark.parametrize(("text", "expected"), [("۷۹۰,۰۰۰", "۷۹۰,۰۰۰"), ("۱۰:۳۰", "۱۰:۳۰"), ("4.9", "4.9")])
def test_numbers_run_left_to_right_in_persian(text: str, expected: str) -> None:
    assert "".join(run.text for run in fonts_module.runs(text, "fa")) == expected
    assert not any(run.rtl for run in fonts_module.runs(text, "fa"))


def test_the_picture_holds_the_canary() -> None:
    data = encode(Image.new("RGB", (40, 40)), canary=CANARY)
    assert CANARY.encode() in Image.open(io.BytesIO(data)).info["xmp"]


def test_unknown_pick_is_told() -> None:
    country: Any = COUNTRIES["FR"]
    norm, scene = next(scenes(country))
    with pytest.raises((KeyError, ValueError)):
        compose(country.raw, norm.id, {**scene.raw, "item": "nonesuch"}, 1, benign=False)
