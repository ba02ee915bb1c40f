"""``build`` on the command line."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..console.errors import Exit
from ..console.options import common_options
from ..console.output import Output, table
from ..inference.options import InferenceOptions, inference_options
from .chat_command import EstimateOnly, chat_prepare, replay_prepare
from .release.build import DATASETS, Plan
from .release.build import build as make
from .release.regenerate import check_inputs, differing_configs, read_recipe
from .sources.items import SourceResult
from .sources.pictures import Spool
from .sources.starter import read_starter
from .stages import Prepare, prepare_offline

SOURCES = ("starter", "cvqa", "upstream")
SETTLED = ("sources", "revisions", "version", "only", "countries", "limit", "licenses")


@dataclass(frozen=True, slots=True)
class Sourcing:
    """What is to be read: sources in order, with the options that each of them takes."""

    sources: tuple[str, ...]
    paths: dict[str, Path]
    revisions: dict[str, str]
    fetch: bool
    exclude: str | None
    labels: Path | None
    countries: tuple[str, ...]
    limit: int | None
    licenses: str

    def configuration(self) -> dict[str, Any]:
        """The part of the manifest's configuration that says what was read; no absolute path."""
        told: dict[str, Any] = {"sources": list(self.sources), "revision": self.revisions or None}
        if self.exclude is not None:
            told["exclude"] = Path(self.exclude).name
        if "cvqa" in self.sources:
            told |= {"licenses": self.licenses, "countries": list(self.countries), "limit": self.limit}
            told["labels"] = self.labels.name if self.labels else None
        return told


@click.command(short_help="Make the datasets.")
@click.option(
    "--source",
    "sources",
    type=click.Choice(SOURCES),
    multiple=True,
    default=("starter",),
    show_default=True,
    help="starter: the bundled corpus, offline; cvqa: photographs of CVQA, from the hub or --path; upstream: the "
    "authors' files (feeds cross alone). Repeatable.",
)
@click.option(
    "--path",
    "paths",
    multiple=True,
    metavar="[SOURCE=]DIR",
    help="Folder of the authors' files (data/casa, data/safeworld, images/), or of parquet files in CVQA's shape.",
)
@click.option(
    "--revision",
    "revisions",
    multiple=True,
    metavar="[SOURCE=]REV",
    help="cvqa: the hub's commit, 40 digits (default: the one this version was made for); upstream: which version of "
    "the files the folder holds, to be recorded.",
)
@click.option(
    "--labels",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="cvqa: answers, which its rows lack: CSV or JSON lines of ID and Label. A row without one is left out.",
)
@click.option("--countries", default="", metavar="CC,CC…", help="cvqa: only these countries (ISO codes, as in JP,KR).")
@click.option("--limit", type=click.IntRange(min=1), help="cvqa: read at most so many rows of these countries.")
@click.option(
    "--licenses",
    type=click.Choice(["open", "all"]),
    default="open",
    show_default=True,
    help="cvqa: rows under an open licence alone (CC0, public domain, CC BY, CC BY-SA, Apache-2.0, OFL), or all, which "
    "is for local use.",
)
@click.option(
    "--fetch/--no-fetch",
    default=False,
    show_default=True,
    help="upstream: fetch pictures that the folder lacks by https, into a cache.",
)
@click.option(
    "--exclude",
    metavar="FILE",
    help="upstream: leave out reviewed rows: JSON lines of id and reason, or `default` for our list.",
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
@click.option(
    "--generator",
    type=click.Choice(["offline", "chat"]),
    default="offline",
    show_default=True,
    help="offline: texts from the corpus, no model; chat: norms and texts by --model, checked by --verify-model.",
)
@click.option("--verify-model", metavar="NAME", help="The model that checks what --model wrote; best another one.")
@inference_options
@common_options
@click.pass_context
def build(
    context: click.Context,
    /,
    out: Path,
    version: str,
    only: tuple[str, ...],
    replace: bool,
    against: tuple[Path, ...],
    recipe_path: Path | None,
    generator: str,
    verify_model: str | None,
    inference: InferenceOptions,
    output: Output,
    **reading: Any,
) -> int:
    """Make the folders cross/, safety-sft/ and safety-dpo/ in --out.

    \b
    cross-safety build                                  the bundled corpus, offline, into this folder
    cross-safety build --out data --version 1.1.0 --replace
    cross-safety build --source starter --source cvqa --labels labels.csv --out data
    cross-safety build --source upstream --path CROSS --out theirs
    cross-safety build --generator chat --model NAME --base-url http://localhost:8000/v1 --out made
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    recipe = _recipe(context, recipe_path)
    if recipe is not None:
        told = recipe["configuration"]
        version, only = recipe["version"], tuple(told["only"])
        reading |= _told(told, reading)
        generator = told["generator"]
    _check_version(version)
    sourcing = _sourcing(**reading)
    configuration = {"generator": generator, "only": sorted(only), **sourcing.configuration()}
    plan = Plan(out, version, configuration, only or DATASETS, replace, against)

    def read(spool: Spool) -> list[SourceResult]:
        found = [_read(source, sourcing, spool, output) for source in sourcing.sources]
        if recipe is not None:
            check_inputs(recipe, found)
        return found

    prepare = _preparing(generator, recipe, recipe_path, inference, verify_model, out, output)
    try:
        manifests = make(plan, read, output.warn, prepare)
    except EstimateOnly as told_only:
        return _estimate(told_only, output)
    return _report(manifests, out, recipe, output)


def _preparing(
    generator: str,
    recipe: dict[str, Any] | None,
    recipe_path: Path | None,
    inference: InferenceOptions,
    verify_model: str | None,
    out: Path,
    output: Output,
) -> Prepare:
    if generator == "offline":
        if inference.model or verify_model:
            raise click.UsageError("--model and --verify-model go with --generator chat")
        return prepare_offline
    if recipe is not None and recipe_path is not None:
        return replay_prepare(recipe, recipe_path.parent)
    return chat_prepare(inference, verify_model, out, output)


def _estimate(told: EstimateOnly, output: Output) -> int:
    data = {"sampled": told.sampled, "items": told.rows, "usd": told.usd}
    price = "no price is known for a model (--prices FILE)" if told.usd is None else f"about ${told.usd:,.2f}"
    output.result(data, f"{told.sampled} of {told.rows:,} items asked; all of them: {price}", str(told.usd))
    return Exit.DONE


def _recipe(context: click.Context, path: Path | None) -> dict[str, Any] | None:
    """The manifest to build from; options that it settles must not be typed beside it."""
    if path is None:
        return None
    typed = click.core.ParameterSource.COMMANDLINE
    beside = [name for name in SETTLED if context.get_parameter_source(name) == typed]
    if beside:
        raise click.UsageError(f"--from-manifest settles {', '.join(beside)}; leave that out")
    return read_recipe(path)


def _told(told: dict[str, Any], reading: dict[str, Any]) -> dict[str, Any]:
    """Options as a manifest's configuration has them; files are given beside it, as they lie with each user."""
    return {
        "sources": tuple(told["sources"]),
        "revisions": tuple(f"{source}={revision}" for source, revision in (told["revision"] or {}).items()),
        "exclude": told.get("exclude") if reading["exclude"] is None else reading["exclude"],
        "countries": ",".join(told.get("countries", ())),
        "limit": told.get("limit"),
        "licenses": told.get("licenses", "open"),
    }


def _check_version(version: str) -> None:
    if not re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", version, re.ASCII):
        raise click.UsageError(f"--version {version}: three numbers are wanted, as in 1.0.0")


def _sourcing(
    sources: tuple[str, ...],
    paths: tuple[str, ...],
    revisions: tuple[str, ...],
    countries: str,
    labels: Path | None,
    exclude: str | None,
    **rest: Any,
) -> Sourcing:
    chosen = tuple(dict.fromkeys(sources))
    for source, used in {
        "upstream": {"--exclude": exclude},
        "cvqa": {"--labels": labels, "--countries": countries, "--limit": rest["limit"]},
    }.items():
        idle = [name for name, value in used.items() if value]
        if source not in chosen and idle:
            raise click.UsageError(f"{', '.join(idle)} goes with --source {source}")
    folders = {source: Path(text) for source, text in _by_source(chosen, paths, "--path").items()}
    for folder in folders.values():
        if not folder.is_dir():
            raise click.UsageError(f"--path {folder}: no such folder")
    if "upstream" in chosen and "upstream" not in folders:
        raise click.UsageError("--source upstream needs --path, the folder that holds data/casa and data/safeworld")
    named = _by_source(chosen, revisions, "--revision")
    if "cvqa" in named and "cvqa" not in folders and not re.fullmatch(r"[0-9a-f]{40}", named["cvqa"]):
        raise click.UsageError(
            f"--revision {named['cvqa']}: a commit of 40 hexadecimal digits is wanted; names of branches move"
        )
    codes = tuple(sorted({code.strip().upper() for code in countries.split(",") if code.strip()}))
    return Sourcing(chosen, folders, named, rest["fetch"], exclude, labels, codes, rest["limit"], rest["licenses"])


def _by_source(chosen: tuple[str, ...], values: tuple[str, ...], option: str) -> dict[str, str]:
    """``SOURCE=VALUE`` by source; a bare value belongs to the one source that takes it."""
    takers = [source for source in chosen if source != "starter"]
    found: dict[str, str] = {}
    for value in values:
        source, sign, rest = value.partition("=")
        if not (sign and source in SOURCES):
            if len(takers) != 1:
                goes = "needs SOURCE= before it" if takers else "goes with --source cvqa or upstream"
                raise click.UsageError(f"{option} {value} {goes}; the bundled corpus takes none")
            source, rest = takers[0], value
        if source not in takers or source in found:
            raise click.UsageError(f"{option} {value}: once for each --source that takes it")
        found[source] = rest
    return found


def _read(source: str, sourcing: Sourcing, spool: Spool, output: Output) -> SourceResult:
    output.say(f"reading {source} …")
    path, revision = sourcing.paths.get(source), sourcing.revisions.get(source)
    if source == "cvqa":
        from .sources.cvqa import Wanted, read_cvqa

        only_open = sourcing.licenses == "open"
        wanted = Wanted(path, revision, sourcing.labels, sourcing.countries, sourcing.limit, only_open)
        return read_cvqa(wanted, spool, output.progress)
    if source == "starter" or path is None:
        return read_starter()
    from .sources.upstream import read_exclusions, read_upstream

    reviewed = read_exclusions(sourcing.exclude) if sourcing.exclude is not None else None
    return read_upstream(path, revision=revision, fetch=sourcing.fetch, exclude=reviewed, progress=output.progress)


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
