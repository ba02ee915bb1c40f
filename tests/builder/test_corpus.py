"""The bundled corpus keeps what it promises: counts, references, harmless queries, pictures that carry it."""

import io
import re
from collections import Counter
from collections.abc import Iterable
from itertools import product
from urllib.parse import urlsplit

import pytest
from cross_safety.builder.starter import Country, Norm, load_corpus
from cross_safety.builder.starter.corpus import PICTURES
from cross_safety.schemas import CANARY, table
from PIL import Image

COUNTRIES = load_corpus()
NORMS = [norm for country in COUNTRIES for norm in country.norms]
TEST = [norm for norm in NORMS if norm.set == "test"]
TRAIN = [norm for norm in NORMS if norm.set == "train"]


def test_test_norms_by_country_and_domain() -> None:
    cross = [code for code, entry in table("countries").items() if entry["cross"]]
    counts = Counter((norm.country, norm.text("domain")) for norm in TEST)
    assert all(counts[key] == 2 for key in product(cross, ("shopping", "meal-planning", "outdoor")))
    assert len(TEST) >= 96


def test_training_norms_by_country() -> None:
    counts = Counter(norm.country for norm in TRAIN)
    cvqa = {code for code, entry in table("countries").items() if entry["cvqa"]}
    assert set(counts) == cvqa
    assert min(counts.values()) >= 2
    assert len(TRAIN) >= 72


@pytest.mark.parametrize("norm", NORMS, ids=lambda norm: norm.id)
def test_references_are_of_two_sites(norm: Norm) -> None:
    assert len({urlsplit(reference["url"]).hostname for reference in norm.raw["references"]}) >= 2


def queries(norm: Norm) -> list[str]:
    asked = [f"{s.raw['scenario']} {s.raw['question']}" if norm.set == "train" else s.raw["query"] for s in norm.scenes]
    photo = norm.raw.get("photo", {})
    return [
        *asked,
        *photo.get("scenario", ()),
        *photo.get("question", ()),
        *([photo["query"]] if "query" in photo else ()),
    ]


@pytest.mark.parametrize("norm", NORMS, ids=lambda norm: norm.id)
def test_queries_do_not_name_the_item(norm: Norm) -> None:
    for query, term in product(queries(norm), norm.raw["item_terms"]):
        assert not re.search(rf"\b{re.escape(term)}(?:e?s)?\b", query.lower()), (term, query)


@pytest.mark.parametrize("country", COUNTRIES, ids=lambda country: country.code)
def test_country_in_is_as_stated(country: Country) -> None:
    entry = table("countries")[country.code]
    named = re.compile(rf"\b({entry['name']}|{entry['demonym']})", re.I)
    for norm in country.norms:
        for scene, query in zip(norm.scenes, queries(norm), strict=False):
            assert bool(named.search(query)) == (scene.country_in in ("query", "both")), (norm.id, query)


def names(text: str, terms: Iterable[str]) -> list[str]:
    return [term for term in terms if re.search(rf"\b{re.escape(term)}(?:e?s)?\b", text.lower())]


def test_photograph_queries_name_the_country_and_nothing_harmless() -> None:
    for country in COUNTRIES:
        entry = table("countries")[country.code]
        named = re.compile(rf"\b({entry['name']}|{entry['demonym']})", re.I)
        for norm in country.norms:
            if norm.set == "test" and norm.photo_terms:
                photo = norm.raw["photo"]
                assert named.search(photo["query"]), norm.id
                assert names(photo["query"], [*photo["terms"], *photo["twin_terms"]]) == [], norm.id


def test_names_of_things_in_photographs_mean_one_norm_each() -> None:
    for country in COUNTRIES:
        terms = [term for norm in country.norms for term in norm.photo_terms]
        assert len(terms) == len(set(terms)), country.code
        twins = {t for norm in country.norms for t in norm.raw.get("photo", {}).get("twin_terms", ())}
        assert not [twin for twin in twins if names(twin, terms)], country.code


def test_training_scenes() -> None:
    for norm in TRAIN:
        assert len(norm.scenes) >= 5
        assert len({scene.raw["layout"] for scene in norm.scenes}) >= 3, norm.id


def test_layouts_vary() -> None:
    used = Counter((norm.text("domain"), scene.raw["layout"]) for norm in NORMS for scene in norm.scenes)
    for domain in ("shopping", "meal-planning", "outdoor"):
        assert sum(1 for (of, _), count in used.items() if of == domain and count >= 3) >= 3


def test_topics_and_items_are_apart() -> None:
    test = {(norm.text("topic"), scene.item.lower()) for norm in TEST for scene in norm.scenes}
    test |= {(norm.text("topic"), norm.text("item").lower()) for norm in TEST}
    train = {(norm.text("topic"), norm.text("item").lower()) for norm in TRAIN}
    assert not test & train


def test_twin_pictures_lack_the_item() -> None:
    for norm in TEST:
        for scene in norm.scenes:
            assert scene.twin is not None
            assert scene.item not in (scene.twin, *scene.others)


def pictures() -> list[tuple[Norm, int, bool]]:
    return [(n, s.number, b) for n in NORMS for s in n.scenes for b in ((False, True) if n.set == "test" else (False,))]


def test_every_picture_is_there_and_no_other() -> None:
    wanted = {norm.picture(norm.scenes[number - 1], benign=benign) for norm, number, benign in pictures()}
    assert set(PICTURES.glob("*/*")) == wanted


def test_pictures_are_webp_and_small_and_those_of_the_test_set_alone_carry_the_canary() -> None:
    sizes = []
    tested = {n.picture(n.scenes[number - 1], benign=benign) for n, number, benign in pictures() if n.set == "test"}
    for path in PICTURES.glob("*/*.webp"):
        data = path.read_bytes()
        sizes.append(len(data))
        with Image.open(io.BytesIO(data)) as image:
            assert image.format == "WEBP"
            assert min(image.size) >= 400
            assert (CANARY.encode() in image.info.get("xmp", b"")) == (path in tested), path
    assert max(sizes) <= 60_000
    assert sum(sizes) / len(sizes) <= 30_000


def test_twins_show_something_else() -> None:
    for norm in TEST:
        for scene in norm.scenes:
            one, other = norm.picture(scene).read_bytes(), norm.picture(scene, benign=True).read_bytes()
            assert one != other, norm.id
