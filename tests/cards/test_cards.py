"""Cards: what the hub reads, what a person reads, and what text from data can't do to either."""

import copy
import json
import shlex
import shutil
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from cross_safety.builder.release.checking import check_folder
from cross_safety.cards import Release, render_for_release, render_local
from cross_safety.schemas import schema
from cross_safety.store.features import SCHEMA_OF, features
from huggingface_hub import DatasetCard
from hypothesis import given, settings
from hypothesis import strategies as st

Manifest = dict[str, Any]
NAMES = ("cross", "safety-sft", "safety-dpo")


def front(card: str) -> dict[str, Any]:
    return yaml.safe_load(card.split("---\n")[1])  # type: ignore[no-any-return]


class Tags(HTMLParser):
    """Counts tags, and cells by row of every table."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: Counter[str] = Counter()
        self.tables: list[list[int]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes.update(name for name, _ in attrs)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append(0)
        elif tag in ("td", "th"):
            self.tables[-1][-1] += 1


@pytest.mark.parametrize("name", NAMES)
def test_front_matter_says_what_the_hub_reads(name: str, manifests: dict[str, Manifest], release: Release) -> None:
    manifest = manifests[name]
    card = render_for_release(manifest, release)["README.md"]
    told = front(card)
    assert DatasetCard(card).data.pretty_name == name
    assert told["license"] == "cc-by-4.0"
    assert all(tag.isascii() and tag.islower() and len(tag) in (2, 3) for tag in told["language"])
    assert {tag.split("-")[0] for tag in told["language_bcp47"]} == set(told["language"])
    assert told["source_datasets"] == ["original"]
    assert set(told["annotations_creators"]) <= {"found", "machine-generated", "other"}
    listed = [path for c in told["configs"] for s in c["data_files"] for path in s["path"]]
    assert sorted(listed) == sorted(file["path"] for file in manifest["files"])
    assert not any("*" in path for path in listed)
    assert [c["config_name"] for c in told["configs"] if c.get("default")] == [manifest["default_config"]]
    for info in told["dataset_info"]:
        splits = {s["name"]: s["num_examples"] for s in info["splits"]}
        assert splits == manifest["configs"][info["config_name"]]["splits"]
        assert [column["name"] for column in info["features"]] == list(features(name))
    assert ("extra_gated_prompt" in told) == (name == "safety-dpo")


def test_full_tags_stand_beside_primary_ones(manifests: dict[str, Manifest]) -> None:
    told = front(render_local(manifests["cross"])["README.md"])
    assert "zh-Hans" in told["language_bcp47"]
    assert "zh" in told["language"]
    assert told["multilinguality"] == ["multilingual"]


def licensed(manifest: Manifest, **counts: dict[str, int]) -> Manifest:
    changed = copy.deepcopy(manifest)
    for config in changed["configs"].values():
        config["counts"] |= counts
    return changed


def test_licences_follow_from_the_rows(manifests: dict[str, Manifest], release: Release) -> None:
    two = licensed(manifests["cross"], image_license={"CC-BY-4.0": 2, "CC-BY-SA-4.0": 190})
    files = render_for_release(two, release)
    assert front(files["README.md"])["license"] == ["cc-by-4.0", "cc-by-sa-4.0"]
    assert "| CC-BY-SA-4.0 | 380 | 0 |" in files["README.md"]
    assert "license:" not in files["CITATION.cff"]
    assert json.loads(files[".zenodo.json"])["license"] == "other-open"
    odd = licensed(manifests["cross"], image_license={"CC-BY-SA-2.0": 192})
    told = front(render_for_release(odd, release)["README.md"])
    assert told["license"] == "other"
    assert told["license_name"] == "stated-per-row"
    assert told["license_link"] == "https://huggingface.co/datasets/someone/cross/blob/1.0.0/README.md#licences"


@pytest.mark.parametrize("name", NAMES)
def test_a_card_reads_well(name: str, manifests: dict[str, Manifest], release: Release, to_html: Any) -> None:
    card = render_for_release(manifests[name], release)["README.md"]
    html = to_html(card)
    seen = Tags(html)
    assert all(len(set(rows)) == 1 for rows in seen.tables), "a row has more or fewer cells than its heading"
    assert len(seen.tables) == card.count("\n|---"), "a table is not read as one"
    assert "|---" not in html
    assert html.count("<details>") == html.count("</details>") == html.count("<summary>") >= 4
    for heading in ("What is in it", "How it was made", "Known problems", "Licences", "Uses", "Limits", "Regenerate"):
        assert f"<h2>{heading}</h2>" in html
    for hole in ("{{", "{%", "None", "Undefined", "\n\n\n\n"):
        assert hole not in card.split("\n---\n", 1)[1], hole
    shown = html.split("<details>")[0] + "".join(part.split("</details>")[1] for part in html.split("<details>")[1:])
    assert len(Tags(shown).tables) <= 7, "folded, the card stays short"
    assert card.count("\n", card.index("\n---\n", 4)) < 330


@pytest.mark.parametrize("name", NAMES)
def test_counts_add_up(name: str, manifests: dict[str, Manifest]) -> None:
    """Rows without a value are a line of their own, so that every table of counts sums to the rows of its config."""
    manifest = manifests[name]
    card = render_local(manifest)["README.md"]
    found = 0
    for heading in ("country", "domain", "topic", "category", "language"):
        mark = f"| {heading} | {' | '.join(manifest['configs'])} |\n|---"
        if mark not in card:
            continue
        lines = card.split(mark)[1].split("\n\n")[0].splitlines()[1:]
        cells = [[int(number) for number in line.strip("|").split("|")[1:]] for line in lines]
        rows = [sum(config["splits"].values()) for config in manifest["configs"].values()]
        assert [sum(column) for column in zip(*cells, strict=True)] == rows, heading
        found += 1
    assert found >= 3


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_described(name: str, manifests: dict[str, Manifest]) -> None:
    card = render_local(manifests[name])["README.md"]
    for field, part in schema(SCHEMA_OF[name])["properties"].items():
        assert f"| `{field}` |" in card
        assert part["description"] in card


def hostile(manifest: Manifest, text: str) -> Manifest:
    changed = copy.deepcopy(manifest)
    changed["notes"] = [text]
    changed["rejects"] = {text: 3}
    changed["inputs"][0]["revision"] = text
    return changed


ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "a | b | c",
    "```\n# heading\n```",
    "</details></summary>",
    "{{ 7 * 7 }}{% include 'x' %}",
    "---\nlicense: mit\n---",
    "`code` **bold** __bold__ ~~gone~~ &lt;b&gt; \\",
    "line\n\n## heading\n\n- item\n",
    "$$x$$",
    "- item",
    "1. item",
    "2) item",
    "---",
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_text_from_data_is_text(attack: str, manifests: dict[str, Manifest], to_html: Any) -> None:
    plain = to_html(render_local(hostile(manifests["cross"], "plain"))["README.md"])
    html = to_html(render_local(hostile(manifests["cross"], attack))["README.md"])
    assert Tags(html).tags == Tags(plain).tags
    assert Tags(html).attributes == Tags(plain).attributes
    assert Tags(html).tables == Tags(plain).tables


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet=st.sampled_from(list("ab |\\`*_[]()<>&!#~$\n{}%:/-+=1.\"'é漢")), min_size=1, max_size=40))
def test_no_text_adds_a_tag_or_a_cell(text: str, manifests: dict[str, Manifest], to_html: Any) -> None:
    tags = [
        Tags(to_html(render_local(hostile(manifests["safety-sft"], each))["README.md"])) for each in ("plain", text)
    ]
    assert tags[0].tags == tags[1].tags
    assert tags[0].tables == tags[1].tables


def test_a_hole_raises(manifests: dict[str, Manifest]) -> None:
    changed = copy.deepcopy(manifests["safety-sft"])
    del changed["leakage"]["checked"]["test"]
    with pytest.raises(jinja2.UndefinedError):
        render_local(changed)


def test_a_version_is_built_again_by_the_command_on_its_card(built: Path, run: Any, tmp_path: Path) -> None:
    card = (built / "safety-dpo" / "README.md").read_text("utf-8")
    line = next(line for line in card.splitlines() if line.startswith("SOURCE_DATE_EPOCH="))
    setting, command, *words = shlex.split(line.replace("MANIFEST", str(built / "safety-dpo" / "manifest.json")))
    assert command == "cross-safety"
    done = run(*words, cwd=tmp_path, env=dict([setting.split("=")]))
    assert done.returncode == 0, done.stderr
    assert "the same rows as in the manifest" in done.stderr
    for path in (built / "safety-dpo").rglob("*.*"):
        again = tmp_path / "again" / "safety-dpo" / path.relative_to(built / "safety-dpo")
        assert again.read_bytes() == path.read_bytes(), path.name


def test_answers_of_a_model_are_named(manifests: dict[str, Manifest], to_html: Any) -> None:
    """The file that a rebuild takes the answers from stands on the card, and with its hash in the Croissant file."""
    answers = {"path": "journal.jsonl.zst", "sha256": "a" * 64, "content_sha256": "b" * 64, "bytes": 7}
    generators = [{"name": "a-model|x", "parameters": {"temperature": 0}, "prompts": {}}]
    for name in NAMES:
        files = render_local(manifests[name] | {"answers": answers, "generators": generators})
        assert "with `journal.jsonl.zst` beside it" in files["README.md"]
        assert r"| a-model\|x | {" in files["README.md"]
        assert {len(set(rows)) for rows in Tags(to_html(files["README.md"])).tables} == {1}
        told = {each["@id"]: each["sha256"] for each in json.loads(files["croissant.json"])["distribution"]}
        assert told["journal.jsonl.zst"] == "a" * 64
        assert "journal.jsonl.zst" not in render_local(manifests[name])["README.md"]


@pytest.mark.parametrize(
    ("revision", "configuration", "options"),
    [
        ({"cvqa": "6" * 40}, {}, " --out"),
        ({"cvqa": "6" * 40}, {"labels": "labels.csv"}, " --labels FILE --out"),
        ({"cvqa": "unversioned"}, {}, " --path cvqa=FOLDER --out"),
        ({"upstream": "6" * 40}, {"exclude": "default"}, " --path upstream=FOLDER --out"),
        ({"upstream": "6" * 40}, {"exclude": "mine.jsonl"}, " --path upstream=FOLDER --exclude FILE --out"),
        ({}, {"against": [{"name": "cross"}]}, " --against FOLDER --out"),
    ],
)
def test_files_that_a_rebuild_needs_are_named(
    revision: dict[str, str], configuration: dict[str, Any], options: str, manifests: dict[str, Manifest]
) -> None:
    changed = copy.deepcopy(manifests["cross"])
    changed["configuration"] |= configuration
    changed["inputs"] += [changed["inputs"][0] | {"source": name, "revision": told} for name, told in revision.items()]
    assert f"--from-manifest MANIFEST{options} again" in render_local(changed)["README.md"]


@pytest.mark.parametrize("name", NAMES)
def test_citation_and_zenodo_metadata_hold_to_their_formats(
    name: str, manifests: dict[str, Manifest], release: Release, target: Callable[[str], Any]
) -> None:
    for files in (render_local(manifests[name]), render_for_release(manifests[name], release)):
        told = yaml.safe_load(files["CITATION.cff"])
        target("cff").validate(told)
        hashes = {each["value"].removeprefix("sha256:") for each in told["identifiers"]}
        assert hashes == {config["rows_sha256"] for config in manifests[name]["configs"].values()}
        assert told["version"] == manifests[name]["version"]
        assert told["commit"] == manifests[name]["builder"]["commit"]
    assert told["authors"][0]["family-names"] == "Núñez & Co_"
    target("zenodo").validate(json.loads(files[".zenodo.json"]))


def test_bibtex_has_balanced_braces_and_the_hash(manifests: dict[str, Manifest], release: Release) -> None:
    card = render_for_release(manifests["cross"], release)["README.md"]
    entries = card.split("```bibtex\n")[1].split("```")[0]
    assert entries.count("{") == entries.count("}")
    assert r'author = {Núñez \& Co\_, Ana "A" and {The cross-safety developers}}' in entries
    assert manifests["cross"]["configs"]["open"]["rows_sha256"] in entries
    assert "2505.14972" in entries
    assert "2412.06483" not in entries


def published(built: Path, to: Path, release: Release) -> Path:
    folder = to / "cross"
    shutil.copytree(built / "cross", folder)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    for name, text in render_for_release(manifest, release).items():
        (folder / name).write_text(text, "utf-8")
    return folder


def test_check_knows_a_published_folder(built: Path, tmp_path: Path, release: Release) -> None:
    folder = published(built, tmp_path, release)
    assert check_folder(folder)[1] == []
    told = json.loads((folder / "release.json").read_text("utf-8"))
    (folder / "release.json").write_text(json.dumps(told | {"owner": "another"}), "utf-8")
    wrong = {problem.row for problem in check_folder(folder)[1]}
    assert {"README.md", "CITATION.cff", "croissant.json", ".zenodo.json", "release.json"} == wrong
    (folder / "release.json").write_text("{}", "utf-8")
    assert [problem.row for problem in check_folder(folder)[1]] == ["release.json"]
