"""What the CVQA source makes of rows: shapes, subsets, answers, licences, and every reason to leave one out."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cross_safety.builder.sources.cvqa import Wanted, read_cvqa
from cross_safety.builder.sources.cvqa.labels import read_labels
from cross_safety.builder.sources.cvqa.subsets import countries, parse_subset
from cross_safety.builder.sources.items import SourceResult
from cross_safety.builder.sources.licences import is_open, spdx
from cross_safety.builder.sources.pictures import Spool
from cross_safety.console import UserError
from cross_safety.schemas import table
from loopback.cvqa_rows import jpeg, row

Write = Callable[..., Path]


def read(tmp_path: Path, folder: Path, **wanted: Any) -> SourceResult:
    with Spool(tmp_path / "spool") as spool:
        return read_cvqa(Wanted(folder, **wanted), spool)


def reasons(found: SourceResult) -> dict[str, str]:
    return {reject.id: reject.reason for reject in found.rejects}


def test_a_row_becomes_an_item(tmp_path: Path, write: Write) -> None:
    found = read(tmp_path, write([row(1, Label=2)]))
    (item,) = found.train
    assert (item.id, item.country, item.label, item.options[item.label or 0]) == ("cvqa-590001_0", "JP", 2, "a lantern")
    assert (item.question, item.image_license, item.image_license_source) == (
        "What is thing 1?",
        "CC-BY-SA-4.0",
        "CC BY-SA 4.0",
    )
    assert "a contributor to CVQA (CC BY-SA 4.0)" in item.attribution
    assert item.picture.read() == jpeg(1)
    assert item.picture.look is not None


def test_older_revisions_hold_options_as_one_string(tmp_path: Path, write: Write) -> None:
    lists = write([row(1), row(2)], "lists")
    strings = write(
        [row(n) | {name: repr(row(n)[name]) for name in ("Options", "Translated Options")} for n in (1, 2)],
        "strings",
    )
    one, other = read(tmp_path, lists), read(tmp_path, strings)
    assert [item.options for item in one.train] == [item.options for item in other.train]
    assert not other.rejects


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{k: v for k, v in row(1).items() if k != "License"}], "column License is missing"),
        ([row(1, Options=7)], "column Options holds int, not a list or a string"),
        ([{"image": row(1)["image"], "question": "?"}], "column Translated Question is missing"),
    ],
)
def test_another_shape_is_an_error_that_names_the_column(
    tmp_path: Path, write: Write, rows: list[Any], told: str
) -> None:
    with pytest.raises(UserError, match=told):
        read(tmp_path, write(rows))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Label": -1}, "label_unreleased"),
        ({"Label": 4}, "label_out_of_range"),
        ({"Label": -2}, "off_schema"),
        ({"Translated Question": "  "}, "empty_question"),
        ({"Translated Options": ["one", "two", " ONE ", "three"]}, "duplicate_options"),
        ({"Translated Options": ["one", "two", "", "three"]}, "empty_option"),
        ({"Translated Options": ["one"]}, "off_schema"),
        ({"Category": "Weather"}, "unknown_category"),
        ({"License": "CC BY-NC 4.0"}, "license_not_open"),
        ({"License": "All rights reserved"}, "license_not_open"),
        ({"Image Source": "Self-research_only"}, "license_not_open"),
        ({"ID": "590001_0"}, "duplicate_id"),
        ({"ID": "../etc/passwd"}, "off_schema"),
        ({"image": None}, "picture_missing"),
    ],
)
def test_a_row_that_is_left_out_says_why(tmp_path: Path, write: Write, change: Any, reason: str) -> None:
    found = read(tmp_path, write([row(1), row(2, **change), row(3)]))
    assert len(found.train) == 2
    assert [reject.reason for reject in found.rejects] == [reason]
    assert not any(word in found.rejects[0].detail for word in ("thing", "heron", "ONE", "Weather"))


def test_labels_are_supplied_by_a_file_and_never_invented(tmp_path: Path, write: Write) -> None:
    folder = write([row(n, Label=-1) for n in (1, 2, 3)])
    csv = tmp_path / "labels.csv"
    csv.write_text("ID,Label\n590001_0,3\n590002_0,0\n77_0,1\n", "utf-8")
    found = read(tmp_path, folder, labels=csv)
    assert {item.source_id: item.label for item in found.train} == {"590001_0": 3, "590002_0": 0}
    assert reasons(found) == {"cvqa-590003_0": "label_unreleased"}
    assert found.notes == ["cvqa: 1 labels name no row that was read"]
    assert [each.source for each in found.inputs] == ["cvqa", "cvqa-labels"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ID,Answer\na,1\n", "labels:2"),
        ('{"ID": "a", "Label": 1}\n{"ID": "b", "Label": "x"}\n', "labels:2"),
        ("ID,Label\na,-1\n", "0 or higher"),
        ("ID,Label\na,1\na,2\n", "two different labels"),
        ("ID,Label\na,1.5\n", "labels:2"),
    ],
)
def test_a_labels_file_of_another_shape_is_an_error(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "labels"
    path.write_text(text, "utf-8")
    with pytest.raises(UserError, match=told):
        read_labels(path)


def test_labels_as_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    path.write_text('{"ID": "a", "Label": 1}\n\n{"ID": "b", "Label": "2"}\n', "utf-8")
    assert read_labels(path) == {"a": 1, "b": 2}


def test_all_39_pairs_in_several_spellings() -> None:
    pairs = table("cvqa_subsets")["pairs"]
    assert (len(pairs), len(countries())) == (39, 30)
    assert len({language for language, *_ in pairs}) == 31
    assert set(countries()) == {code for code, entry in table("countries").items() if entry["cvqa"]}
    for language, country, tag, code in pairs:
        for spelled in (
            f"('{language}', '{country}')",
            f"('{language.replace(' ', '_').upper()}', '{country.lower()}')",
        ):
            found = parse_subset(spelled)
            assert (found.tag, found.code) == (tag, code)
    assert parse_subset("('Korean', 'South_Korea')") == parse_subset("['Korean', 'Republic of Korea']")


@pytest.mark.parametrize(
    "text", ["('Klingon', 'Qo-noS')", "Japanese/Japan", "('Japanese',)", "__import__('os')", "(" * 300]
)
def test_an_unknown_subset_lists_the_known(tmp_path: Path, write: Write, text: str) -> None:
    with pytest.raises(UserError, match=r"column Subset: .*\('Amharic', 'Ethiopia'\), .*\('Malay', 'Malaysia'\)"):
        read(tmp_path, write([row(1, Subset=text)]))


def test_countries_and_limit(tmp_path: Path, write: Write) -> None:
    korean = "('Korean', 'South_Korea')"
    folder = write([row(n, Subset=korean if n % 2 else row(n)["Subset"]) for n in range(10)])
    found = read(tmp_path, folder, countries=("KR",), limit=3)
    assert [item.source_id for item in found.train] == ["590001_0", "590003_0", "590005_0"]
    with pytest.raises(UserError, match="--countries IR: not among CVQA's, which are AR,"):
        read(tmp_path, folder, countries=("IR",))


def test_questions_about_one_picture_hold_it_once(tmp_path: Path, write: Write) -> None:
    same = row(1)["image"]
    found = read(tmp_path, write([row(1), row(2, image=same), row(3, image=same), row(4)]))
    assert len({(item.picture.offset, item.picture.sha256) for item in found.train}) == 2
    assert (tmp_path / "spool").stat().st_size == len(jpeg(1)) + len(jpeg(4))


def test_the_input_hash_stands_for_texts_and_pictures(tmp_path: Path, write: Write) -> None:
    def digest(name: str, rows: list[Any]) -> str:
        return read(tmp_path, write(rows, name)).inputs[0].sha256

    first = digest("a", [row(1), row(2)])
    assert first == digest("b", [row(1), row(2)])
    others = [[row(1), row(2, Question="?")], [row(1), row(2, image=row(3)["image"])], [row(2), row(1)]]
    assert len({first, *(digest(str(i), rows) for i, rows in enumerate(others))}) == 4


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("CC BY-SA 4.0", "CC-BY-SA-4.0"),
        ("cc-by-sa-3.0", "CC-BY-SA-3.0"),
        ("Creative Commons Attribution-ShareAlike 2.0 License", "CC-BY-SA-2.0"),
        ("Attribution-NonCommercial-NoDerivs 2.0 (CC BY-NC-ND 2.0)", "unknown"),
        ("https://creativecommons.org/licenses/by/2.0/", "CC-BY-2.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("CC BY-SA", "LicenseRef-CC-BY-SA"),
        ("CC BY", "LicenseRef-CC-BY"),
        ("CC0", "CC0-1.0"),
        ("Public Domain", "LicenseRef-PublicDomain"),
        ("CC BY-NC-ND 2.0", "CC-BY-NC-ND-2.0"),
        ("", "unknown"),
        ("Pexels", "unknown"),
    ],
)
def test_licences_in_the_sources_words(words: str, name: str) -> None:
    assert spdx(words) == name


def test_what_is_open() -> None:
    opened = {name for name in table("licenses") if is_open(name)}
    assert {"CC0-1.0", "CC-BY-4.0", "CC-BY-SA-3.0", "LicenseRef-CC-BY", "Apache-2.0", "OFL-1.1"} <= opened
    assert not any("NC" in name or "ND" in name for name in opened)
    assert not {"unknown", "LicenseRef-research-only", "made-up"} & {
        *opened,
        *(["made-up"] if is_open("made-up") else []),
    }


def test_all_licences_when_asked(tmp_path: Path, write: Write) -> None:
    words = ["CC BY 2.0", "CC BY-NC 2.0", "All rights reserved"]
    folder = write([row(n, License=text) for n, text in enumerate(words)])
    found = read(tmp_path, folder, open_only=False)
    assert Counter(item.image_license for item in found.train) == {"CC-BY-2.0": 1, "CC-BY-NC-2.0": 1, "unknown": 1}
