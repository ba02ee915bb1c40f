"""``build``, ``check`` and ``diff`` on the command line."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..console.errors import Exit, UserError
from ..console.options import common_options
from ..console.output import Output, table
from ..schemas import format_problems
from ..store.diff import Diff, diff_folders
from ..store.reference import BadReferenceError, parse_reference
from .release.build import DATASETS, Plan
from .release.build import build as make
from .release.checking import check_folder, sibling_builds
from .release.regenerate import check_inputs, differing_configs, read_recipe
from .sources.items import SourceResult
from .sources.starter import read_starter

SOURCES = ("starter", "upstream")


@click.command(short_help="Make the datasets.")
@click.option(
    "--source",
    "sources",
    type=click.Choice(SOURCES),
    multiple=True,
    default=("starter",),
    show_default=True,
    help="starter: the bundled corpus, offline; upstream: the authors' files (feeds cross alone). Repeatable.",
)
@click.option(
    "--path",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of the authors' files: data/casa, data/safeworld and images/.",
)
@click.option("--revision", help="Which version of the authors' files the folder holds, to be recorded.")
@click.option(
    "--fetch/--no-fetch",
    default=False,
    show_default=True,
    help="Fetch pictures that the folder lacks by https, into a cache.",
)
@click.option(
    "--exclude",
    metavar="FILE",
    help="Leave out reviewed rows of the authors' files: JSON lines of id and reason, or `default` for our list.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    show_default="here",
    help="Folder that the dataset folders go into.",
)
@click.option("--version", default="1.0.0", show_default=True, metavar="X.Y.Z", help="Dataset version to make.")
@click.option("--only", type=click.Choice(DATASETS), multiple=True, help="Make this dataset alone. Repeatable.")
@click.option("--replace", is_flag=True, help="Replace a folder that holds another version.")
@click.option(
    "--against",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    multiple=True,
    help="A folder of cross built elsewhere, that training rows of this build must not repeat. Repeatable.",
)
@click.option(
    "--from-manifest",
    "recipe_path",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Build the version that this manifest.json describes, and compare rows_sha256.",
)
@common_options
@click.pass_context
def build(
    context: click.Context,
    sources: tuple[str, ...],
    path: Path | None,
    revision: str | None,
    fetch: bool,
    exclude: str | None,
    out: Path,
    version: str,
    only: tuple[str, ...],
    replace: bool,
    against: tuple[Path, ...],
    recipe_path: Path | None,
    output: Output,
) -> int:
    """Make the folders cross/, safety-sft/ and safety-dpo/ in --out.

    \b
    cross-safety build                                  the bundled corpus, offline, into this folder
    cross-safety build --out data --version 1.1.0 --replace
    cross-safety build --source upstream --path CROSS --out theirs
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    recipe = _recipe(context, recipe_path)
    if recipe is not None:
        told = recipe["configuration"]
        sources, revision, only = tuple(told["sources"]), told["revision"], tuple(told["only"])
        version, exclude = recipe["version"], told.get("exclude") if exclude is None else exclude
    _check_usage(sources, path, exclude, version)
    chosen = tuple(dict.fromkeys(sources))
    configuration: dict[str, Any] = {
        "sources": list(chosen),
        "generator": "offline",
        "only": sorted(only),
        "revision": revision,
    }
    if exclude is not None:
        configuration["exclude"] = Path(exclude).name
    plan = Plan(out, version, configuration, only or DATASETS, replace, against)

    def read() -> list[SourceResult]:
        found = [_read(source, path, revision, fetch, exclude, output) for source in chosen]
        if recipe is not None:
            check_inputs(recipe, found)
        return found

    manifests = make(plan, read, output.warn)
    return _report(manifests, out, recipe, output)


def _recipe(context: click.Context, path: Path | None) -> dict[str, Any] | None:
    """The manifest to build from; options that it settles must not be typed beside it."""
    if path is None:
        return None
    typed = click.core.ParameterSource.COMMANDLINE
    beside = [
        name for name in ("sources", "revision", "version", "only") if context.get_parameter_source(name) == typed
    ]
    if beside:
        raise click.UsageError(f"--from-manifest settles {', '.join(beside)}; leave that out")
    return read_recipe(path)


def _report(manifests: list[dict[str, Any]], out: Path, recipe: dict[str, Any] | None, output: Output) -> int:
    rejected = sum(sum(each["rejects"].values()) for each in manifests)
    differ = differing_configs(recipe, manifests) if recipe is not None else []
    data: dict[str, Any] = {"out": str(out), "build_id": manifests[0]["build_id"]}
    data["datasets"] = [_summary(m) for m in manifests]
    if recipe is not None:
        data["differing_configs"] = differ
    output.result(data, _built_text(manifests, out), "\n".join(str(out / m["name"]) for m in manifests))
    if rejected:
        output.warn(f"{rejected} rows were left out; rejects.jsonl in each folder has each with its reason")
    if recipe is not None and not differ:
        output.say(f"{recipe['name']} {recipe['version']}: the same rows as in the manifest")
    if differ:
        output.warn(f"rows differ from the manifest in {', '.join(differ)}")
    return Exit.INCOMPLETE if rejected or differ else Exit.DONE


def _check_usage(sources: tuple[str, ...], path: Path | None, exclude: str | None, version: str) -> None:
    if "upstream" in sources and path is None:
        raise click.UsageError("--source upstream needs --path, the folder that holds data/casa and data/safeworld")
    if "upstream" not in sources and exclude is not None:
        raise click.UsageError("--exclude goes with --source upstream")
    if "upstream" not in sources and path is not None:
        raise click.UsageError("--path goes with --source upstream; the bundled corpus needs none")
    numbers = version.split(".")
    if len(numbers) != 3 or not all(n.isascii() and n.isdigit() and str(int(n)) == n for n in numbers):
        raise click.UsageError(f"--version {version}: three numbers are wanted, as in 1.0.0")


def _read(
    source: str, path: Path | None, revision: str | None, fetch: bool, exclude: str | None, output: Output
) -> SourceResult:
    output.say(f"reading {source} …")
    if source == "starter" or path is None:
        return read_starter()
    from .sources.upstream import read_exclusions, read_upstream

    reviewed = read_exclusions(exclude) if exclude is not None else None
    return read_upstream(path, revision=revision, fetch=fetch, exclude=reviewed, progress=output.progress)


def _summary(manifest: dict[str, Any]) -> dict[str, Any]:
    keys = ("name", "version", "rejects", "flags", "leakage", "notes")
    return {key: manifest[key] for key in keys} | {
        "configs": {name: config["splits"] for name, config in manifest["configs"].items()}
    }


def _built_text(manifests: list[dict[str, Any]], out: Path) -> str:
    rows = [
        [m["name"], config, split, f"{count:,}"]
        for m in manifests
        for config, described in m["configs"].items()
        for split, count in described["splits"].items()
    ]
    first = manifests[0]
    return (
        f"{table(['dataset', 'config', 'split', 'rows'], rows)}\n"
        f"version {first['version']}, build {first['build_id']}, in {out.resolve()}\n"
        f"next: cross-safety check {out / first['name']}"
    )


@click.command(short_help="Tell what changed between two versions of a dataset.")
@click.argument("old", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.argument("new", type=click.Path(path_type=Path, file_okay=False, exists=True))
@common_options
def diff(old: Path, new: Path, output: Output) -> int:
    """Compare the dataset folders OLD and NEW: rows added, removed, withdrawn, changed, annotated.

    Exit code 0: the same rows; 3: they differ. The last line names the least version bump that the changes ask for.
    """
    try:
        found = diff_folders(old, new)
    except ValueError as error:
        raise UserError(str(error)) from None
    output.result(asdict(found) | {"bump": found.bump}, _diff_text(found), found.bump)
    return Exit.INCOMPLETE if found.rows_differ or found.schema_changed else Exit.DONE


def _diff_text(found: Diff) -> str:
    lines = [f"{found.name} {found.old} → {found.new}"]
    for what in ("added", "removed", "withdrawn", "changed", "annotated"):
        rows = getattr(found, what)
        lines.append(f"{what:10} {len(rows):>7,}")
        for row in list(rows)[:10]:
            lines.append(f"  {row}" + (f"  {', '.join(rows[row])}" if isinstance(rows, dict) else ""))
        lines += [f"  … {len(rows) - 10:,} more"] if len(rows) > 10 else []
    return "\n".join([*lines, f"version bump asked for: {found.bump}"])


@click.command(short_help="Tell everything that is wrong with a dataset folder.")
@click.argument("ref")
@common_options
def check(ref: str, output: Output) -> int:
    """Check the dataset folder REF: manifest, files, rows, pictures and card, all problems at once.

    Each problem is a line: row id · JSON path · what is wrong · what is allowed.
    """
    folder = _folder(ref)
    manifest, found = check_folder(folder)
    siblings = [] if found else sibling_builds(folder, manifest)
    rows = sum(file["rows"] for file in manifest["files"]) if not found else 0
    data = {
        "ref": ref,
        "version": manifest.get("version"),
        "build_id": manifest.get("build_id"),
        "rows": rows,
        "problems": [asdict(problem) for problem in found],
        "other_builds": siblings,
    }
    if found:
        output.result(data, format_problems(found), format_problems(found))
        return Exit.FAILED
    output.result(
        data, f"{manifest['name']} {manifest['version']}: {rows} rows, build {manifest['build_id']}, no problem"
    )
    for line in siblings:
        output.warn(line)
    return Exit.INCOMPLETE if siblings else Exit.DONE


def _folder(ref: str) -> Path:
    try:
        reference = parse_reference(ref)
    except BadReferenceError as error:
        raise UserError(str(error), "cross-safety build") from None
    if reference.folder is None:
        raise UserError(
            f"{ref}: a dataset on the hub; this version checks folders",
            f"hf download --repo-type dataset {reference.repo} --local-dir FOLDER",
        )
    return reference.folder
