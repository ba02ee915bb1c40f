"""A small release in the authors' layout, in words of our own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

Row = dict[str, Any]
RAW = "https://raw.githubusercontent.com/haoyiq114/cross/refs/heads/main/images"


def casa(index: str, name: str, **change: Any) -> Row:
    country = index.rpartition("_")[0].replace("_", " ")
    row = {
        "index": index,
        "orig_query": f"Please put a {name} for my host in {country} into the basket.",
        "violated_norm": f"In {country} guests do not bring a {name}.",
        "item": name,
        "image_source": "self",
        "file_name": f"{RAW}/casa/amazon-{name}-{index.lower()}.png",
        "query": f"My host in {country} invited me. Where can I buy what is in the image?",
    }
    return {key: value for key, value in (row | change).items() if value is not None}


def safeworld(index: str, name: str, **change: Any) -> Row:
    country = index.rpartition("_")[0]
    row = {
        "index": index,
        "topic": "Visits",
        "root_norm": f"A visit in {country} begins at the door.",
        "region_or_race": None,
        "violated_aug_norm": None,
        "scene": "I am on my way to a visit.",
        "violated_specific_norm": f"A {name} stays at home in {country}.",
        "country": country,
        "orig_query": f"Which {name} do I take along in {country}?",
        "item": name,
        "image_source": "self",
        "file_name": f"{RAW}/safeworld/amazon-{name}-{index.lower()}.jpg",
        "query": f"I am on a trip in {country}. Which one of the picture do I take along?",
    }
    return row | change


def spoken(row: Row, language: str, words: str) -> Row:
    return row | {"language": language, "translated_query": words}


def wordings(rows: list[Row]) -> list[Row]:
    """Three passes over the same rows; only ``query`` is worded anew."""
    return [
        row | {"query": f"{start}{row['query']}"} for start in ("", "Hello. ", "One more question. ") for row in rows
    ]


def write(root: Path, files: dict[str, list[Row]], *, pictures: bool = True) -> Path:
    for name, rows in files.items():
        path = root / "data" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(rows, indent=4), "utf-8")
        for row in rows if pictures else []:
            picture = root / "images" / path.parent.name / row["file_name"].rsplit("/", 1)[-1]
            picture.parent.mkdir(parents=True, exist_ok=True)
            seed = sum(map(ord, picture.name))
            Image.radial_gradient("L").rotate(seed).resize((120, 90)).convert("RGB").save(picture)
    return root


@pytest.fixture
def clean_rows() -> dict[str, list[Row]]:
    """Rows that earn no flag."""
    base = [casa("Japan_1", "comb"), casa("Saudi_Arabia_1", "bottle"), casa("Japan_2", "candle")]
    safe = [safeworld("Mexico_1", "hat")]
    return {
        "casa/english": wordings(base),
        "casa/multilingual": [
            spoken(base[0], "Japanese", "画像のものはどこで買えますか。"),
            spoken(base[1], "Arabic", "أين أشتري ما في الصورة؟"),
            spoken(base[2], "Japanese", "写真のものを買いたいです。"),
        ],
        "safeworld/english": wordings(safe),
        "safeworld/multilingual": [spoken(safe[0], "Spanish", "¿Cuál de la imagen llevo?")],
    }


@pytest.fixture
def release(tmp_path: Path) -> Callable[..., Path]:
    def make(files: dict[str, list[Row]], **options: Any) -> Path:
        return write(tmp_path / "authors", files, **options)

    return make


@pytest.fixture
def make_casa() -> Callable[..., Row]:
    return casa


@pytest.fixture
def make_spoken() -> Callable[..., Row]:
    return spoken
