"""``build`` and ``check`` on the command line."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..console.errors import Exit, UserError
from ..console.options import common_options
from ..console.output import Output, table
from ..schemas import format_problems
from ..store.reference import BadReferenceError, parse_reference
from .release.build import DATASETS, Plan
from .release.build import build as make
from .release.checking import check_folder, sibling_builds
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
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    show_default="here",
    help="Folder that the dataset folders go into.",
)
@click.option("--version", default="1.0.0", show_default=True, metavar="X.Y.Z", help="Dataset version to make.")
@click.option("--only", type=click.Choice(DATASETS), multiple=True, help="Make this dataset alone. Repeatable.")
@click.option("--replace", is_flag=True, help="Replace a folder that holds another version.")
@common_options
def build(
    sources: tuple[str, ...],
    path: Path | None,
    revision: str | None,
    fetch: bool,
    out: Path,
    version: str,
    only: tuple[str, ...],
    replace: bool,
    output: Output,
) -> int:
    """Make the folders cross/, safety-sft/ and safety-dpo/ in --out.

    \b
    cross-safety build                                  the bundled corpus, offline, into this folder
    cross-safety build --out data --version 1.1.0 --replace
    cross-safety build --source upstream --path CROSS --out theirs
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    _check_usage(sources, path, version)
    chosen = tuple(dict.fromkeys(sources))
    configuration = {"sources": list(chosen), "generator": "offline", "only": sorted(only), "revision": revision}
    plan = Plan(out, version, configuration, only or DATASETS, replace)
    manifests = make(plan, lambda: [_read(source, path, revision, fetch, output) for source in chosen])
    rejected = sum(sum(each["rejects"].values()) for each in manifests)
    data = {"out": str(out), "build_id": manifests[0]["build_id"], "datasets": [_summary(m) for m in manifests]}
    output.result(data, _built_text(manifests, out), "\n".join(str(out / m["name"]) for m in manifests))
    if rejected:
        output.warn(f"{rejected} rows were left out; rejects.jsonl in each folder has each with its reason")
    return Exit.INCOMPLETE if rejected else Exit.DONE


def _check_usage(sources: tuple[str, ...], path: Path | None, version: str) -> None:
    if "upstream" in sources and path is None:
        raise click.UsageError("--source upstream needs --path, the folder that holds data/casa and data/safeworld")
    if "upstream" not in sources and path is not None:
        raise click.UsageError("--path goes with --source upstream; the bundled corpus needs none")
    numbers = version.split(".")
    if len(numbers) != 3 or not all(n.isascii() and n.isdigit() and str(int(n)) == n for n in numbers):
        raise click.UsageError(f"--version {version}: three numbers are wanted, as in 1.0.0")


def _read(source: str, path: Path | None, revision: str | None, fetch: bool, output: Output) -> SourceResult:
    output.say(f"reading {source} …")
    if source == "starter" or path is None:
        return read_starter()
    from .sources.upstream import read_upstream

    return read_upstream(path, revision=revision, fetch=fetch, progress=output.progress)


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
