"""The maintainers' command: draw every scene of the corpus, `python -m cross_safety.builder.starter.draw`."""

import json
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click

from .batch import jobs, tried
from .sheets import write_sheets

STARTER = Path(__file__).resolve().parent.parent


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".part")
    scratch.write_bytes(data)
    scratch.replace(path)


def _load(codes: tuple[str, ...]) -> list[dict[str, Any]]:
    corpus = STARTER / "corpus"
    known = sorted(path.stem for path in corpus.glob("*.json"))
    unknown = sorted(set(codes) - set(known))
    if unknown:
        raise click.BadParameter(f"no corpus file for {', '.join(unknown)}; there are {', '.join(known)}")
    return [json.loads((corpus / f"{code}.json").read_text(encoding="utf-8")) for code in codes or known]


def _sweep(out: Path, wanted: set[Path], folders: set[str], *, everything: bool) -> int:
    """Delete the pictures that no scene asks for; with `everything`, of countries that are gone as well."""
    stale = [
        path for path in out.glob("*/*.webp") if path not in wanted and (everything or path.parent.name in folders)
    ]
    for path in stale:
        path.unlink()
    return len(stale)


def _summary(sizes: list[int], stale: int) -> str:
    if not sizes:
        return "0 pictures"
    mean, most = sum(sizes) / len(sizes) / 1024, max(sizes) / 1024
    return f"{len(sizes)} pictures, {mean:.1f} KiB on average, {most:.1f} KiB at most; {stale} stale ones deleted"


@click.command()
@click.option("--country", "codes", multiple=True, help="Lower-case code of a country to draw; all by default.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=STARTER / "pictures",
    show_default=True,
    help="Folder for the pictures.",
)
@click.option("--sheet", type=click.Path(file_okay=False, path_type=Path), help="Folder for contact sheets.")
@click.option("--jobs", "workers", type=click.IntRange(1), default=2, show_default=True, help="Processes.")
def main(codes: tuple[str, ...], out: Path, sheet: Path | None, workers: int) -> None:
    """Draw every scene of the bundled corpus, and its benign twin where it has one."""
    countries = _load(codes)
    work = [job for country in countries for job in jobs(country)]
    problems: list[str] = []
    paths: dict[Path, int] = {}
    # Spawned workers start clean, whatever threads the caller's process has.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for job, data, problem in pool.map(tried, work, chunksize=4):
            path = out / job.code / f"{job.name}.webp"
            if problem:
                problems.append(f"{job.code}/{job.name}: {problem}")
                continue
            _write(path, data)
            paths[path] = len(data)
    twice = [name for name, times in Counter(f"{job.code}/{job.name}" for job in work).items() if times > 1]
    problems += [f"{name}: asked for twice" for name in twice]
    # A scene that failed keeps its old picture, if any, until it is mended.
    wanted = {out / job.code / f"{job.name}.webp" for job in work}
    stale = _sweep(out, wanted, {job.code for job in work}, everything=not codes)
    click.echo(_summary(list(paths.values()), stale))
    if sheet is not None:
        for written in write_sheets(list(paths), sheet):
            click.echo(written)
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise click.exceptions.Exit(1)


if __name__ == "__main__":
    main()
