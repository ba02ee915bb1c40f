"""A release of the true size and structure of the authors' files, in our own words, with every known anomaly planted.

Run: python benchmarks/upstream_shape.py FOLDER
Writes data/ and images/ there (1,284 rows), reads them back through the `upstream` source, and prints for each flag how
many rows it was planted in, how many of them were found, and how many rows have it that should not.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from cross_safety.builder.sources.upstream import read_upstream
from PIL import Image

Row = dict[str, Any]
Expected = dict[tuple[str, str, str], set[str]]

CASA = {
    "Japan": 24, "Argentina": 16, "France": 3, "Mexico": 18, "Brazil": 6, "Nigeria": 9, "India": 28,
    "Ethiopia": 6,
    "Morocco": 15, "Egypt": 17, "Iran": 28, "Indonesia": 20, "Saudi_Arabia": 26, "China": 39, "Russia": 7,
    "Thailand": 22,
}  # fmt: skip
GAPS = {"Japan": {8}, "Mexico": {11, 12, 13, 14, 15}, "India": {14, 15}, "Thailand": {15}}
SAFEWORLD = {
    "Japan": 4, "India": 4, "Mexico": 8, "Egypt": 7, "France": 5, "Argentina": 3, "Morocco": 4,
    "Indonesia": 5, "Nigeria": 5,
}  # fmt: skip
LANGUAGE = {
    "Japan": "Japanese", "Argentina": "Spanish", "France": "French", "Mexico": "Spanish", "Brazil": "Portuguese",
    "Nigeria": "English", "India": "Hindi", "Ethiopia": "Amharic", "Morocco": "Arabic", "Egypt": "Arabic",
    "Iran": "Persian",
    "Indonesia": "Indonesian", "Saudi_Arabia": "Arabic", "China": "Mandarin", "Russia": "Russian", "Thailand": "Thai",
}  # fmt: skip
RAW = "https://raw.githubusercontent.com/haoyiq114/cross/refs/heads/main/images"
PEXELS = "https://www.pexels.com/photo/a-thing-7654321/"


def _query(country: str, tail: str = "Where can I buy what the image shows?") -> str:
    return f"My host in {country.replace('_', ' ')} has invited me. {tail}"


def _planted() -> dict[tuple[str, str], tuple[Row, set[str]]]:
    """Changes to base rows, with the flags that they must earn."""
    plants: dict[tuple[str, str], tuple[Row, set[str]]] = {}

    def plant(names: str, change: Row, *flags: str, subset: str = "casa") -> None:
        for name in names.split():
            old, had = plants.get((subset, name), ({}, set()))
            plants[subset, name] = (old | change, had | set(flags))

    plant("Argentina_14 Argentina_15 Argentina_16 Morocco_4 Saudi_Arabia_17", {"item": None}, "missing_item")
    plant("Japan_7 Japan_9", {"file_name": f"{RAW}/casa/amazon-same.png"}, "duplicate_row")
    for pair in ("Japan_10 Japan_11", "Ethiopia_1 Ethiopia_2", "Iran_1 Iran_2", "Saudi_Arabia_1 Saudi_Arabia_2",
                 "Nigeria_1 Nigeria_2", "India_4 India_5"):  # fmt: skip
        one, other = pair.split()
        plant(pair, {"file_name": f"{RAW}/casa/amazon-shared-{one.lower()}.png"}, "shared_picture")
        plant(other, {"query": _query(other.rpartition("_")[0], "Is the thing in the photo heavy?")})
    plant("Egypt_11 Egypt_12", {"violated_norm": "In Iran guests bring no such thing."}, "wrong_country_in_text")
    plant("Egypt_8 Egypt_9 Saudi_Arabia_20 Saudi_Arabia_21", {"query": _query("Iran")},
          "wrong_country_in_text", "no_country_in_query")  # fmt: skip
    nowhere = {"query": "My host has invited me. Where can I buy what the image shows?"}
    plant("Brazil_4 Brazil_5 China_18 China_19 China_20", nowhere, "no_country_in_query")
    wrong = {"image_source": PEXELS, "file_name": f"{RAW}/casa/pexels-somebody-1234567.jpg"}
    swapped = (
        "Japan_19 Japan_20 Indonesia_3 Indonesia_4 Thailand_18 Thailand_19 Saudi_Arabia_23 Saudi_Arabia_24 "
        "Egypt_3 Egypt_4 China_21"
    )
    for name in swapped.split():
        plant(name, wrong | {"file_name": f"{RAW}/casa/pexels-{name.lower()}-1234567.jpg"}, "image_id_mismatch")
    plant("India_25", {"image_source": PEXELS}, "image_id_mismatch")
    plant("China_33", {"file_name": f"{RAW}/casa/pexels-one-2345678.jpg"}, "image_source_odd")
    plant("Morocco_13 Morocco_14", {"item": " lamp"}, "stray_space")
    plant("Mexico_9", {"violated_norm": "In Mexico guests bring no such thing.."}, "double_full_stop")
    plant("Japan_21 Japan_22", {"violated_norm": "In Japan guests **never** bring it."}, "markdown")
    for name, typo in (("India_3", "Inida"), ("France_2", "rom the image"), ("Russia_3", "man ing the image"),
                       ("Saudi_Arabia_5", "dresse"), ("Iran_5", "showin the image"), ("Mexico_2", "chief"),
                       ("Thailand_2", "in living out of")):  # fmt: skip
        tail = f"What the image shows, {typo}?"
        plant(name, {"query": _query(name.rpartition("_")[0], tail)}, "typo")
    plant("Japan_3 Morocco_3", {"root_norm": "A visit  begins at the door."}, "double_space", subset="safeworld")
    plant("Morocco_4", {"query": _query("Morocco", "Which one do I take?"), "image_source": "self/"},
          "no_picture_reference", "image_source_odd", subset="safeworld")  # fmt: skip
    return plants


def _base(subset: str, index: str, number: int) -> Row:
    country = index.rpartition("_")[0].replace("_", " ")
    row: Row = {
        "index": index,
        "orig_query": f"Please put lamp {number} for my host in {country} into the basket.",
        "item": "lamp",
        "image_source": "self",
        "file_name": f"{RAW}/{subset}/amazon-{index.lower()}-{number}.png",
        "query": _query(country, f"Where can I buy lamp {number} of the image?"),
    }
    norm = f"In {country} guests bring no lamp {number}."
    if subset == "casa":
        return row | {"violated_norm": norm}
    own = {
        "topic": "Visits",
        "root_norm": "A visit begins at the door.",
        "region_or_race": None,
        "violated_aug_norm": None,
        "scene": "I am on my way.",
        "violated_specific_norm": norm,
        "country": country,
    }
    return row | own


def _bases(subset: str) -> list[Row]:
    counts, gaps = (CASA, GAPS) if subset == "casa" else (SAFEWORLD, {})
    names = [
        f"{country}_{i}" for country, top in counts.items() for i in range(1, top + 1) if i not in gaps.get(country, ())
    ]
    if subset == "casa":
        names.insert(names.index("Iran_27"), "Iran_27")
    plants = _planted()
    rows = []
    for number, name in enumerate(names):
        row = _base(subset, name, number) | plants.get((subset, name), ({}, set()))[0]
        rows.append(
            {
                key: value
                for key, value in row.items()
                if value is not None or key.startswith(("region", "violated_aug"))
            }
        )
    for row in rows:
        if subset == "casa" and row["index"] in ("Japan_7", "Japan_9"):
            row["query"] = _query("Japan")
    return rows


def _multilingual(row: Row, number: int) -> Row:
    country = row["index"].rpartition("_")[0]
    language = "Mandarin Chinese" if country == "China" and number % 2 else LANGUAGE[country]
    edited = country == "Nigeria" and number % 2
    words = row["query"].replace("invited me", "invited me over") if edited else row["query"]
    return row | {"language": language, "translated_query": words if country == "Nigeria" else f"«{number}»"}


def _expected(subset: str, rows: list[Row], setting: str) -> list[set[str]]:
    reviewed = json.loads(
        (Path(sys.modules[read_upstream.__module__].__file__ or "").parent / "reviewed.json").read_text()
    )
    plants, found = _planted(), []
    for row in rows:
        flags = set(plants.get((subset, row["index"]), ({}, set()))[1])
        flags |= set(reviewed.get(f"{subset}/{row['index']}", ()))
        if row["index"] == "Iran_27":
            flags.add("repeated_index")
        if setting == "english":
            flags.discard("translation_doubtful")
        elif row["language"] == "English":
            flags.add(
                "translation_is_copy" if row["translated_query"] == row["query"] else "translation_is_edited_copy"
            )
        elif row["index"].startswith("China_"):
            flags.add("language_name_varies")
        found.append(flags)
    return found


def write_release(root: Path) -> list[tuple[str, str, str, set[str]]]:
    """Write the release; what each of its rows must earn: (subset, setting, index, flags) in the order of the files."""
    told = []
    for subset in ("casa", "safeworld"):
        bases = _bases(subset)
        english = [
            row | {"query": f"{start}{row['query']}"} for start in ("", "Hello. ", "One more: ") for row in bases
        ]
        other = [_multilingual(row, number) for number, row in enumerate(bases)]
        for setting, rows in (("english", english), ("multilingual", other)):
            path = root / "data" / subset / f"{setting}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(rows, indent=4), "utf-8")
            expected = _expected(subset, rows, setting)
            told += [(subset, setting, row["index"], flags) for row, flags in zip(rows, expected, strict=True)]
        _draw(root / "images" / subset, bases)
    return told


def _draw(folder: Path, rows: list[Row]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(sorted({row["file_name"].rsplit("/", 1)[-1] for row in rows})):
        Image.new("RGB", (24, 16), (number % 256, number // 256 * 40, 90)).save(folder / name)


def main() -> None:
    """Write, read back, and print the table."""
    root = Path(sys.argv[1])
    told = write_release(root)
    found = read_upstream(root)
    planted = Counter(flag for *_, flags in told for flag in flags)
    pairs = list(zip(told, found.cross, strict=True))
    hits = Counter(flag for (*_, flags), row in pairs for flag in flags & set(row.flags))
    false = Counter(flag for (*_, flags), row in pairs for flag in set(row.flags) - flags)
    print(f"{len(found.cross)} rows, {len(found.rejects)} rejected; notes: {found.notes}")
    print(f"{'flag':28} {'planted':>8} {'found':>6} {'false':>6}")
    for flag in sorted(planted | false):
        print(f"{flag:28} {planted[flag]:8} {hits[flag]:6} {false[flag]:6}")


if __name__ == "__main__":
    main()
