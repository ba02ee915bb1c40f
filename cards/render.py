"""Strict rendering: a hole in a template raises, and text from data is never taken for a template."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from ..schemas import table
from ..store.features import features
from .release import HUB, Release

_TASKS = {
    "cross": ["visual-question-answering", "image-text-to-text"],
    "safety-sft": ["image-text-to-text"],
    "safety-dpo": ["image-text-to-text"],
}
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("cross_safety.cards"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown and YAML, filled with numbers and vocabulary of ours
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"cell": _cell, "counted": _counted, "has_split": _has_split}
    return made


def _counted(manifest: Mapping[str, Any], field: str) -> list[str]:
    """Every value of a counted field, over all configs."""
    return sorted({value for config in manifest["configs"].values() for value in config["counts"].get(field, {})})


def _has_split(manifest: Mapping[str, Any], split: str) -> bool:
    return any(split in config["splits"] for config in manifest["configs"].values())


def _columns(dataset: str) -> list[dict[str, Any]]:
    """The columns as a card's ``dataset_info`` has them.

    ``_to_yaml_list`` is the one function of datasets that writes this; releases 3.6 to 5 have it.
    """
    columns: list[dict[str, Any]] = features(dataset)._to_yaml_list()
    return columns


def _cell(value: object) -> str:
    """Text that can stand in a Markdown table: no pipes, no markup, one line."""
    text = " ".join(str(value).split())
    for mark in "\\|<>`*_[]":
        text = text.replace(mark, f"\\{mark}")
    return text


def render_local(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The files of a dataset folder that are rendered from its manifest, by name, while no owner is known.

    Raises:
        jinja2.UndefinedError: the manifest lacks something that the card states.
    """
    return _render(manifest, None)


def render_for_release(manifest: Mapping[str, Any], release: Release) -> dict[str, str]:
    """The same files with owner, address and authors, as ``publish`` puts them up; ``release.json`` says which.

    Raises:
        jinja2.UndefinedError: the manifest lacks something that the card states.
    """
    return _render(manifest, release) | {"release.json": release.text()}


def _render(manifest: Mapping[str, Any], release: Release | None) -> dict[str, str]:
    view = _view(manifest, release)
    card = _environment().get_template(f"{manifest['name']}.md.j2")
    citation = _environment().get_template("CITATION.cff.j2")
    return {"README.md": card.render(view), "CITATION.cff": citation.render(view)}


def _view(manifest: Mapping[str, Any], release: Release | None) -> dict[str, Any]:
    rows = sum(file["rows"] for file in manifest["files"])
    return {
        "m": manifest,
        "release": release,
        "hub": HUB,
        "rows": rows,
        "size": next((name for limit, name in _SIZES if rows < limit), "100K<n<1M"),
        "countries": table("countries"),
        "languages": table("languages"),
        "flag_words": table("flags"),
        "negative_types": table("negative_types"),
        "dimensions": table("dimensions"),
        "features_yaml": yaml.safe_dump(_columns(manifest["name"]), sort_keys=False, allow_unicode=True).rstrip(),
        "title": manifest["name"],
        "tasks": _TASKS[manifest["name"]],
        "tags": _primary_languages(manifest),
        "licenses": _licenses(manifest),
    }


def _primary_languages(manifest: Mapping[str, Any]) -> list[str]:
    """Primary subtags, which is what the hub takes under ``language``."""
    spoken = {tag for config in manifest["configs"].values() for tag in config["counts"]["language"]}
    return sorted({tag.split("-")[0] for tag in spoken})


def _licenses(manifest: Mapping[str, Any]) -> list[str]:
    return sorted({spdx for config in manifest["configs"].values() for spdx in config["counts"]["image_license"]})
