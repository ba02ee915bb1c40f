"""The build: read sources, make rows, validate them, write the folders aside, and put them in place at once."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...cards import render_local
from ...console.errors import UserError
from ...schemas import format_problems, problems
from ...store.atomic import abandon_work, commit_work, recover, start_work, write_bytes, write_text
from ...store.dataset import NoDatasetError, iter_since, read_manifest
from ...store.diff import Diff, bump_between, describe, diff_folders
from ...store.features import SCHEMA_OF
from ..sources.items import Input, Reject, SourceResult
from ..sources.pictures import Spool
from ..stages import Prepare, Prepared, prepare_offline
from .against import read_against
from .answers import ANSWERS, describe_answers
from .gather import Gathered, gather
from .manifest import Made, creation_time, make_manifest
from .rows import Placed
from .writing import DataFile, write_split

DATASETS = tuple(SCHEMA_OF)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be built: where, under which version, from what."""

    out: Path
    version: str
    configuration: dict[str, Any]
    only: tuple[str, ...] = DATASETS
    replace: bool = False
    against: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """What is kept of the version that stands in a dataset's folder."""

    version: str | None
    parent: str | None
    added_in: dict[str, str]
    changelog: str
    withdrawn: str


def build(
    plan: Plan,
    read: Callable[[Spool], Sequence[SourceResult]],
    warn: Callable[[str], None] = lambda _: None,
    prepare: Prepare = prepare_offline,
) -> list[dict[str, Any]]:
    """Build the datasets that the sources feed and put them in place together.

    Args:
        plan: where and under which version.
        read: reads the sources, once the folder was found fit; pictures of streams go into the spool it is given.
        warn: told where the version number is raised by less than the rows ask for.
        prepare: the generator, which makes norms, texts and test rows of the sources' items.

    Returns:
        The manifests of the folders written.

    Raises:
        UserError: a folder in the way, another version without ``replace``, invalid rows, nothing to write.
    """
    plan.out.mkdir(parents=True, exist_ok=True)
    recover(plan.out)
    standing = {name: look_at(plan, name) for name in plan.only}
    against, named = read_against(plan.against)
    new = start_work(plan.out)
    try:
        with Spool(new.with_name("pictures")) as spool:
            sources = read(spool)
        prepared = prepare([item for source in sources for item in source.train])
        gathered = gather(sources, plan.version, prepared, against)
        placed = _in_order(gathered, plan.only)
        _keep_added_in(placed, standing)
        _validate(placed)
        made = _made(plan, sources, gathered, prepared, named)
        build_id = made.build_id(placed)
        names = [name for name in plan.only if any(each.dataset == name for each in placed)]
        manifests = [
            _write(new / name, name, made, build_id, placed, gathered.rejects.get(name, []), standing[name])
            for name in names
        ]
        if prepared.answers is not None:
            for name in names:
                write_bytes(new / name / ANSWERS, prepared.answers)
        for manifest in manifests:
            _log_changes(plan, new / manifest["name"], manifest, standing[manifest["name"]], warn)
        commit_work(plan.out)
    finally:
        abandon_work(plan.out)
    return manifests


def look_at(plan: Plan, name: str) -> Standing:
    """What stands where a dataset is to be written.

    Raises:
        UserError: something that is not ours, or another version and no ``replace``.
    """
    folder = plan.out / name
    if not folder.exists():
        return Standing(None, None, {}, "", "")
    try:
        manifest = read_manifest(folder)
        version, files = manifest["version"], manifest["files"]
        added = {name: since for file in files for name, since in iter_since(folder / file["path"])}
    except (NoDatasetError, KeyError, OSError) as error:
        raise UserError(
            f"{folder} is in the way: it is no complete dataset of ours ({error})",
            "move it away, or build with another --out",
        ) from None
    if version != plan.version and not plan.replace:
        raise UserError(
            f"{folder} holds version {version}, and this build makes {plan.version}",
            f"cross-safety build --version {plan.version} --replace, or another --out",
        )
    parent = manifest["parent"] if version == plan.version else version
    return Standing(version, parent, added, _read(folder / "CHANGELOG.md"), _read(folder / "withdrawn.jsonl"))


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _in_order(gathered: Gathered, only: Sequence[str]) -> list[Placed]:
    kept = [each for each in gathered.placed if each.dataset in only]
    if not kept:
        reasons = Counter(reject.reason for name in only for reject in gathered.rejects.get(name, ()))
        told = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items())) or "none was read"
        first = next((f"; first: {r.detail}" for name in only for r in gathered.rejects.get(name, ())), "")
        answer = "the same command with --labels FILE (ID and Label of each row; CVQA's own rows hold no answers)"
        hint = answer if "label_unreleased" in reasons else "cross-safety build --help"
        raise UserError(f"no row is left for {', '.join(only)} ({told}{first})", hint)
    return sorted(kept, key=lambda each: (each.dataset, each.config, each.split, each.row["id"]))


def _keep_added_in(placed: Iterable[Placed], standing: dict[str, Standing]) -> None:
    for each in placed:
        known = standing[each.dataset].added_in
        each.row["added_in"] = known.get(each.row["id"], each.row["added_in"])


def _validate(placed: Sequence[Placed]) -> None:
    """Every row against its schema, and every id once in its dataset."""
    for dataset in sorted({each.dataset for each in placed}):
        rows = [each.row for each in placed if each.dataset == dataset]
        found = problems(SCHEMA_OF[dataset], rows)
        if found:
            raise UserError(f"{dataset}: rows that do not hold to the schema:\n{format_problems(found)}")
        twice = len(rows) - len({row["id"] for row in rows})
        if twice:
            raise UserError(f"{dataset}: {twice} row ids stand twice")


def _made(
    plan: Plan,
    sources: Sequence[SourceResult],
    gathered: Gathered,
    prepared: Prepared,
    named: Sequence[dict[str, Any]],
) -> Made:
    inputs: list[Input] = [each for source in sources for each in source.inputs]
    answers = describe_answers(prepared.answers) if prepared.answers is not None else None
    if answers is not None:
        model = str(prepared.generators[0]["name"])
        inputs.append(Input("answers", model, answers["content_sha256"], "unknown"))
    notes = [note for source in sources for note in source.notes]
    leakage = {"checked": gathered.checked, "rejected": dict(sorted(gathered.leaks.items())), "remaining": 0}
    configuration = plan.configuration | ({"against": list(named)} if named else {})
    return Made(
        plan.version,
        creation_time(),
        configuration,
        inputs,
        notes,
        leakage,
        prepared.generators,
        prepared.work,
        answers,
    )


def _write(
    folder: Path,
    dataset: str,
    made: Made,
    build_id: str,
    placed: Sequence[Placed],
    rejects: Sequence[Reject],
    standing: Standing,
) -> dict[str, Any]:
    own = [each for each in placed if each.dataset == dataset]
    groups = sorted({(each.config, each.split) for each in own})
    files: list[DataFile] = [
        write_split(folder, dataset, config, split, [e for e in own if (e.config, e.split) == (config, split)])
        for config, split in groups
    ]
    manifest = make_manifest(dataset, made, build_id, own, files, rejects, standing.parent)
    found = problems("manifest", [manifest], key="name")
    if found:
        raise UserError(f"{dataset}: the manifest does not hold to its schema:\n{format_problems(found)}")
    write_text(folder / "manifest.json", json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")
    write_text(folder / "rejects.jsonl", "".join(json.dumps(asdict(r), ensure_ascii=False) + "\n" for r in rejects))
    write_text(folder / "withdrawn.jsonl", standing.withdrawn)
    for name, text in render_local(manifest).items():
        write_text(folder / name, text)
    return manifest


def _log_changes(
    plan: Plan, folder: Path, manifest: dict[str, Any], standing: Standing, warn: Callable[[str], None]
) -> None:
    """Write the changelog, and warn where the number is raised by less than the changes ask for."""
    name, version = manifest["name"], manifest["version"]
    diff = diff_folders(plan.out / name, folder) if standing.version not in (None, version) else None
    write_text(folder / "CHANGELOG.md", changelog(manifest, standing, diff))
    order = ("none", "patch", "minor", "major")
    if diff and order.index(bump_between(diff.old, diff.new)) < order.index(diff.bump):
        warn(f"{name}: the changes since {diff.old} ask for a {diff.bump} version, and {version} is less")


def changelog(manifest: dict[str, Any], standing: Standing, diff: Diff | None) -> str:
    """The dataset's changelog with this version's entry on top; a rebuild of a version keeps its entry."""
    title = f"# Changelog of {manifest['name']}\n"
    old = standing.changelog.removeprefix(title)
    if diff is None and manifest["parent"]:
        return standing.changelog
    rows = sum(file["rows"] for file in manifest["files"])
    told = f"{rows} rows, the first version." if diff is None else f"{rows} rows; {describe(diff)}"
    entry = f"\n## {manifest['version']} ({manifest['created'][:10]})\n\n{told}\n"
    return title + entry + ("" if diff is None else old)
