"""A version built again from its manifest: the same sources under the same options, judged by ``rows_sha256``."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ... import __version__
from ...console.errors import UserError
from ...schemas import format_problems, problems
from ..sources.items import SourceResult


def read_recipe(path: Path) -> dict[str, Any]:
    """The manifest to build from.

    Raises:
        UserError: no JSON, or no manifest by its schema.
    """
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path}: not JSON ({error})") from None
    found = problems("manifest", [manifest], key="name")
    if found:
        raise UserError(f"{path}: no manifest of a dataset:\n{format_problems(found)}")
    recipe: dict[str, Any] = manifest
    return recipe


def check_inputs(recipe: Mapping[str, Any], sources: Sequence[SourceResult]) -> None:
    """Refuse to build a version from other inputs than it was made of.

    Raises:
        UserError: an input's content differs; the text names it and the builder that the version was made with.
    """
    had = {each.source: each.sha256 for source in sources for each in source.inputs}
    wanted = {each["source"]: each["sha256"] for each in recipe["inputs"] if each["source"] != "answers"}
    differ = sorted(name for name in wanted if had.get(name) != wanted[name])
    if differ:
        builder = recipe["builder"]["version"]
        raise UserError(
            f"{', '.join(differ)}: not the content that {recipe['name']} {recipe['version']} was made of "
            f"(made with cross-safety {builder}; this is {__version__})",
            f'pip install "cross-safety=={builder}", or give the same files',
        )


def differing_configs(recipe: Mapping[str, Any], manifests: Sequence[Mapping[str, Any]]) -> list[str]:
    """Configs of the recipe's dataset whose rows came out differently, or not at all."""
    made: Mapping[str, Any] = next((each["configs"] for each in manifests if each["name"] == recipe["name"]), {})
    return [
        name
        for name, config in recipe["configs"].items()
        if name not in made or made[name]["rows_sha256"] != config["rows_sha256"]
    ]
