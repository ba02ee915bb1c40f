"""Strict rendering: a hole in a template raises, and text from data is never taken for a template."""

import json
import re
import shlex
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ..schemas import table
from ..store.features import SCHEMA_OF
from .columns import columns
from .croissant import croissant
from .front import front_matter
from .licenses import license_counts, single_license
from .release import Author, Release
from .texts import PAPER, texts
from .zenodo import zenodo

DEVELOPERS = (Author("The cross-safety developers"),)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("cross_safety.cards"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown and YAML; text from data goes through cell, quoted or shell
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"counted": _counted, "unstated": _unstated, "has_split": _has_split}
    made.filters |= {"cell": cell, "quoted": _quoted, "shell": _shell}
    return made


def _counted(manifest: Mapping[str, Any], field: str, names: Mapping[str, Any] | None = None) -> list[str]:
    """Every value of a counted field, over all configs, in the order of ``names`` (tables of vocabulary) if given."""
    found = {value for config in manifest["configs"].values() for value in config["counts"].get(field, {})}
    return sorted(found, key=lambda value: str(names[value]["name"]) if names else value)


def _unstated(manifest: Mapping[str, Any], field: str) -> list[int]:
    """By config, the rows whose ``field`` is null."""
    return [
        sum(config["splits"].values()) - sum(config["counts"].get(field, {}).values())
        for config in manifest["configs"].values()
    ]


def _has_split(manifest: Mapping[str, Any], split: str) -> bool:
    return any(split in config["splits"] for config in manifest["configs"].values())


def cell(value: object) -> str:
    """Text that can stand in Markdown, also in a table: one line, no markup, no HTML."""
    text = " ".join(str(value).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for mark in "\\|`*_[]~#$!":
        text = text.replace(mark, f"\\{mark}")
    return re.sub(r"^(\d*)([-+=.)])(?=[-+=]*(?:\s|$))", r"\1\\\2", text)  # a list's mark, or a line


def render(template: str, values: Mapping[str, Any]) -> str:
    """A template of this package, filled in.

    Raises:
        jinja2.UndefinedError: ``values`` lacks something that the template states.
    """
    return _environment().get_template(template).render(values)


def _quoted(value: object) -> str:
    """A double-quoted YAML scalar on one line; JSON's form is one."""
    return json.dumps(str(value), ensure_ascii=False)


def _shell(value: object) -> str:
    """One word of a command line, on one line."""
    return shlex.quote(" ".join(str(value).split()))


def render_local(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The files of a dataset folder that are rendered from its manifest, by name, while no owner is known.

    Raises:
        jinja2.UndefinedError: the manifest lacks something that the card states.
    """
    return _render(manifest, None)


def render_for_release(manifest: Mapping[str, Any], release: Release) -> dict[str, str]:
    """The same files with owner, address and authors, as ``publish`` puts them up.

    ``release.json`` among them says with which; ``check`` renders a published folder again from it.

    Raises:
        jinja2.UndefinedError: the manifest lacks something that the card states.
    """
    return _render(manifest, release) | {"release.json": release.text(), ".zenodo.json": zenodo(manifest, release)}


def _render(manifest: Mapping[str, Any], release: Release | None) -> dict[str, str]:
    view = _view(manifest, release)
    return {
        "README.md": _environment().get_template(f"{manifest['name']}.md.j2").render(view),
        "CITATION.cff": _environment().get_template("CITATION.cff.j2").render(view),
        "croissant.json": croissant(manifest, release),
    }


def _view(manifest: Mapping[str, Any], release: Release | None) -> dict[str, Any]:
    name = manifest["name"]
    authors = release.authors if release else DEVELOPERS
    shown = [file for file in manifest["files"] if file["config"] == manifest["default_config"]]
    first = next((file for file in shown if file["split"] in ("test", "train")), shown[0])
    return _made_from(manifest) | {
        "m": {"answers": None} | dict(manifest),
        "release": release,
        "authors": authors,
        "repo": release.repository(name) if release else None,
        "page": release.page(name) if release else None,
        "front": front_matter(manifest, release),
        "words": texts(name),
        "paper": PAPER,
        "schema_name": SCHEMA_OF[name],
        "columns": columns(name),
        "a_split": first["split"],
        "a_file": first["path"],
        "license_counts": license_counts(manifest),
        "spdx": single_license(manifest),
        "bibtex": {"key": f"cross_safety_{name}_{manifest['version']}", "authors": _bibtex_authors(authors)},
        "countries": table("countries"),
        "languages": table("languages"),
        "flag_words": table("flags"),
        "negative_types": table("negative_types"),
        "dimensions": table("dimensions"),
    }


def _made_from(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What the command that builds this version again needs."""
    commit = manifest["builder"]["commit"]
    configuration = manifest["configuration"]
    pinned = re.compile(r"[0-9a-f]{40}")
    read_here = [each["source"] for each in manifest["inputs"] if each["source"] in ("cvqa", "upstream")]
    local = {each["source"] for each in manifest["inputs"] if not pinned.fullmatch(each["revision"])} | {"upstream"}
    options = [f"--path {source}=FOLDER" for source in read_here if source in local]
    options += ["--labels FILE"] if configuration.get("labels") else []
    options += ["--exclude FILE"] if configuration.get("exclude") not in (None, "default") else []
    options += ["--against FOLDER"] * len(configuration.get("against", ()))
    return {
        "commit": commit.removesuffix("-dirty") if commit else None,
        "dirty": bool(commit) and commit.endswith("-dirty"),
        "epoch": int(datetime.fromisoformat(manifest["created"]).timestamp()),
        "more_options": "".join(f" {option}" for option in options),
    }


def _bibtex_authors(authors: tuple[Author, ...]) -> str:
    names = [author.inverted if author.given_names else f"{{{author.name}}}" for author in authors]
    text = " and ".join(names)
    for mark in "&%$#_":
        text = text.replace(mark, f"\\{mark}")
    return text
