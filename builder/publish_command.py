"""``publish`` and ``versions`` on the command line."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..console.errors import Exit, UserError
from ..console.options import common_options
from ..console.output import Output, table
from ..store.reference import BadReferenceError, parse_reference

if TYPE_CHECKING:
    from ..cards import Release
    from .release.publish import Plan
    from .release.remote import Remote


@click.command(short_help="Put a version on the hub: loaded back and compared before it is served.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--repo", required=True, metavar="OWNER/NAME", help="The dataset on the hub; it is made if need be.")
@click.option(
    "--release",
    "release_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default="release.toml",
    show_default=True,
    help="Who publishes: owner, address, contact, authors.",
)
@click.option(
    "--private", is_flag=True, help="Only for those whom the owner lets in; also an existing dataset becomes so."
)
@click.option("--gated", type=click.Choice(["auto", "manual"]), help="Readers give their name first; safety-dpo: auto.")
@click.option("--ungated", is_flag=True, help="No gate, also for safety-dpo, which holds unsafe answers.")
@click.option("--dry-run", is_flag=True, help="Check and show everything; change nothing on the hub.")
@common_options
def publish(
    folder: Path,
    repo: str,
    release_file: Path,
    private: bool,
    gated: str | None,
    ungated: bool,
    dry_run: bool,
    output: Output,
) -> int:
    r"""Publish the dataset FOLDER as its version X.Y.Z: on the branch `main` and under a tag that never moves.

    It is checked, goes up on a branch of its own, is loaded back from there with `datasets` in a fresh cache, and
    every file and every row is compared with the manifest. Only then does `main` get it, in one commit, and the
    commit its tag. Interrupted anywhere, the same command goes on; of a version that is there nothing is done.

    \b
    Examples:
      hf auth login
      cross-safety publish data/cross --repo someone/cross --dry-run
      cross-safety publish data/cross --repo someone/cross
      cross-safety publish data/safety-dpo --repo someone/safety-dpo --gated manual
    """
    if gated and ungated:
        raise click.UsageError("--gated and --ungated exclude each other")
    from .release import publish as publishing
    from .release.retry import hub_errors

    remote = _remote(repo, output)
    with hub_errors(repo):
        plan = publishing.make_plan(folder, remote, _release(release_file))
        gate = publishing.gate_for(plan.manifest["name"], gated, ungated)
        output.say(_plan_text(plan, gate))
        if dry_run:
            output.result(_plan_data(plan, gate), "a dry run: nothing was changed on the hub")
            return Exit.DONE
        done = publishing.publish(plan, remote, gate, private, output.say)
    words = "published" if done.changed else "was published before; nothing to do"
    output.result(asdict(done), f"{done.repo} {done.version} {words} (commit {done.commit[:12]})", done.commit)
    return Exit.DONE


def _release(path: Path) -> "Release":
    from ..cards import BadReleaseError, read_release

    try:
        return read_release(path)
    except BadReleaseError as error:
        raise UserError(str(error), f"fill in {path}, then the same command again") from None


def _remote(repo: str, output: Output) -> "Remote":
    from huggingface_hub import HfApi
    from huggingface_hub.utils.tqdm import disable_progress_bars

    from .release.remote import Remote

    try:
        reference = parse_reference(repo)
    except BadReferenceError as error:
        raise UserError(str(error)) from None
    if reference.repo is None or reference.revision:
        raise UserError(f"{repo}: a dataset on the hub is wanted, OWNER/NAME without a revision")
    if output.mode != "human":
        disable_progress_bars()
    return Remote(reference.repo, HfApi(library_name="cross-safety"))


def _plan_data(plan: "Plan", gate: object) -> dict[str, object]:
    return {
        "repo": plan.repo,
        "version": plan.version,
        "previous": plan.previous,
        "bump": plan.bump,
        "changes": plan.changes,
        "changelog": plan.changelog,
        "bytes": plan.size,
        "gated": gate,
        "published": plan.there,
        "files": [{"path": item.path, "bytes": item.size, "sha256": item.sha256} for item in plan.items],
    }


def _plan_text(plan: "Plan", gate: object) -> str:
    files = table(["file", "bytes"], [[item.path, f"{item.size:,}"] for item in plan.items])
    since = f"{plan.bump} bump from {plan.previous}" if plan.previous else "the first version there"
    lines = [f"{plan.manifest['name']} {plan.version} → {plan.repo} ({since})", files]
    lines.append(
        f"{len(plan.items)} files, {plan.size:,} bytes; gate: {'as it is' if gate is None else gate or 'none'}"
    )
    lines += [f"changes {plan.changes}"] if plan.changes else []
    return "\n".join([*lines, "changelog:", *(f"  {line}" for line in plan.changelog.splitlines() or ["(no entry)"])])


@click.command(short_help="List the versions of a dataset on the hub.")
@click.argument("repo", metavar="OWNER/NAME")
@common_options
def versions(repo: str, output: Output) -> int:
    """List the tags X.Y.Z of OWNER/NAME on the hub, the newest first: date, rows, bump, first line of the changelog."""
    from .release.retry import hub_errors
    from .release.versions import list_versions

    remote = _remote(repo, output)
    with hub_errors(repo):
        found = list_versions(remote)
    if not found:
        raise UserError(f"{repo}: no version is published there", f"cross-safety publish FOLDER --repo {repo}")
    rows = [[each.version, each.date, f"{each.rows:,}", each.bump, each.words] for each in found]
    output.result(
        [asdict(each) for each in found],
        table(["version", "date", "rows", "bump", "changes"], rows),
        "\n".join(each.version for each in found),
    )
    return Exit.DONE
