"""``check``: everything wrong with a dataset folder at once: manifest, files, rows, pictures, card."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...cards import BadReleaseError, read_release, render_for_release, render_local
from ...schemas import Problem, problems
from ...store.dataset import iter_rows, read_manifest
from ...store.features import SCHEMA_OF
from ...store.hashes import sha256_file
from .answers import answers_problems
from .manifest import describe_config

Rows = list[tuple[dict[str, Any], dict[str, Any]]]


def check_folder(folder: Path) -> tuple[dict[str, Any], list[Problem]]:
    """The manifest of a dataset folder and all its problems, sorted.

    Raises:
        NoDatasetError: no readable manifest.
    """
    manifest = read_manifest(folder)
    found = problems("manifest", [manifest], key="name")
    if found:
        return manifest, found
    found += [*_file_problems(folder, manifest), *answers_problems(folder, manifest)]
    if not found:
        rows = [(file, row) for file in manifest["files"] for row in iter_rows(folder / file["path"])]
        found += problems(SCHEMA_OF[manifest["name"]], [row for _, row in rows])
        found += _row_problems(rows)
        found += _count_problems(manifest, rows) if not found else []
    return manifest, sorted([*found, *_card_problems(folder, manifest)])


def _file_problems(folder: Path, manifest: dict[str, Any]) -> Iterator[Problem]:
    listed = {file["path"]: file for file in manifest["files"]}
    there = {path.relative_to(folder).as_posix() for path in (folder / "data").rglob("*") if path.is_file()}
    for path, file in listed.items():
        if path not in there:
            yield Problem(path, "$", "missing", "every file that the manifest lists")
        elif sha256_file(folder / path) != file["sha256"]:
            yield Problem(path, "$.sha256", "the file's content has changed", f"sha256 {file['sha256']}")
    for path in there - set(listed):
        yield Problem(path, "$", "not listed in the manifest", "only files that the manifest lists")


def _row_problems(rows: Rows) -> Iterator[Problem]:
    ids = Counter(row["id"] for _, row in rows)
    for name, times in ids.items():
        if times > 1:
            yield Problem(str(name), "$.id", f"stands {times} times", "each id once over all configs and splits")
    for _, row in rows:
        shown = [row["image"]] if "image" in row else row["images"]
        for picture in shown:
            if picture is not None and picture["sha256"] != row["image_sha256"]:
                yield Problem(str(row["id"]), "$.image_sha256", "not the picture's hash", picture["sha256"])
    yield from _twin_problems(rows)


def _twin_problems(rows: Rows) -> Iterator[Problem]:
    """A benign row has its violation row, in the same config and over the same query."""
    violated = {(file["config"], row["pair_id"]): row["query"] for file, row in rows if file["split"] == "test"}
    for file, row in rows:
        if file["split"] == "benign" and violated.get((file["config"], row["pair_id"])) != row["query"]:
            yield Problem(
                str(row["id"]),
                "$.pair_id",
                "no violation row with this query",
                "a row in test with the same pair_id and query",
            )


def _count_problems(manifest: dict[str, Any], rows: Rows) -> Iterator[Problem]:
    for name, stated in manifest["configs"].items():
        own = [(file["split"], row) for file, row in rows if file["config"] == name]
        if not own:
            yield Problem(manifest["name"], f"$.configs.{name}", "no file holds this config", "a listed file")
            continue
        actual = describe_config([split for split, _ in own], [row for _, row in own])
        for key, value in actual.items():
            if stated[key] != value:
                yield Problem(manifest["name"], f"$.configs.{name}.{key}", "not what the rows say", str(value)[:120])


def _card_problems(folder: Path, manifest: dict[str, Any]) -> Iterator[Problem]:
    """Files that are rendered from the manifest; a published folder's ``release.json`` says with which owner."""
    published = folder / "release.json"
    try:
        rendered = (
            render_for_release(manifest, read_release(published)) if published.exists() else render_local(manifest)
        )
    except BadReleaseError as error:
        yield Problem("release.json", "$", str(error), "the file as publish wrote it")
        return
    for name, text in rendered.items():
        path = folder / name
        if not path.is_file():
            yield Problem(name, "$", "missing", "the rendering of the manifest")
        elif path.read_bytes() != text.encode():
            yield Problem(name, "$", "differs from the rendering of the manifest", "run cross-safety build again")


def sibling_builds(folder: Path, manifest: dict[str, Any]) -> list[str]:
    """Datasets beside this one that come from another build."""
    others = (folder.resolve().parent / name for name in SCHEMA_OF if name != manifest["name"])
    return [
        f"{each.name} beside it is of build {other['build_id']} (version {other['version']})"
        for each in others
        if (each / "manifest.json").is_file() and (other := read_manifest(each)).get("build_id") != manifest["build_id"]
    ]
