"""``check`` and ``diff`` on the command line."""

from dataclasses import asdict
from pathlib import Path

import click

from ..console.errors import Exit, UserError
from ..console.options import common_options
from ..console.output import Output
from ..schemas import format_problems
from ..store.diff import Diff, diff_sides
from ..store.opened import open_dataset
from ..store.reference import BadReferenceError
from ..store.sides import side
from .release.checking import check_folder, sibling_builds


@click.command(short_help="Tell what changed between two versions of a dataset.")
@click.argument("old")
@click.argument("new")
@common_options
def diff(old: str, new: str, output: Output) -> int:
    """Compare OLD and NEW, folders or OWNER/NAME@REV: rows added, removed, withdrawn, changed, annotated.

    Of versions on the hub no picture is fetched, and no file that both have.

    Exit code 0: the same rows; 3: they differ. The last line names the least version bump that the changes ask for.
    """
    try:
        found = diff_sides(side(old), side(new))
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
    """Check REF, a folder or OWNER/NAME@REV: manifest, files, rows, pictures and card, all problems at once.

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
        return open_dataset(ref, verify=False).folder
    except BadReferenceError as error:
        raise UserError(str(error), "cross-safety build") from None
