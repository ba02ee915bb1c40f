"""``publish``: up on a branch, loaded back and compared, then the same content to ``main`` and a tag."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...cards import Release
from ...console.errors import UserError
from ...schemas import format_problems
from ...store.diff import Bump, Diff, bump_between, describe, diff_sides
from ...store.sides import folder_side, hub_side
from ..sources.licences import is_open
from .checking import check_folder
from .payload import Item, equal, payload
from .readback import read_back
from .versions import changelog_entry, version_tags

if TYPE_CHECKING:
    from .remote import Gate, Remote

_ORDER: tuple[Bump, ...] = ("none", "patch", "minor", "major")


@dataclass(frozen=True, slots=True)
class Plan:
    """What publishing a folder would do; ``there`` is the commit that already has the tag, if one has."""

    repo: str
    manifest: dict[str, Any]
    items: list[Item]
    previous: str | None
    bump: Bump
    changes: str
    changelog: str
    there: str | None

    @property
    def version(self) -> str:
        """The version that goes up."""
        return str(self.manifest["version"])

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(item.size for item in self.items)


@dataclass(frozen=True, slots=True)
class Published:
    """A version on the hub: its commit on ``main``, and whether this run changed anything."""

    repo: str
    version: str
    commit: str
    changed: bool


def make_plan(folder: Path, remote: "Remote", release: Release) -> Plan:
    """Check a folder and compare it with what the hub has; nothing is changed there.

    Raises:
        UserError: the folder has problems or rows that may not be passed on; the version exists with
            other content; its bump is less than its changes ask for.
    """
    manifest, found = check_folder(folder)
    if found:
        raise UserError(
            f"{folder}: not published, it has problems:\n{format_problems(found)}", f"cross-safety check {folder}"
        )
    _refuse_closed(folder, manifest)
    items = payload(folder, manifest, replace(release, repo=remote.repo))
    version, tags = str(manifest["version"]), remote.tags()
    known = version_tags(tags)
    previous = next((tag for tag in reversed(known) if tag != version), None) if known else None
    plan = Plan(remote.repo, manifest, items, previous, "none", "", changelog_entry(folder, version), tags.get(version))
    if plan.there:
        if not equal(remote.tree(plan.there), items):
            raise UserError(
                f"{remote.repo}: {version} is published with another content, and a published version never moves",
                "cross-safety build --version X.Y.Z with a higher version",
            )
        return plan
    if previous is None:
        return replace(plan, changes="the first version")
    difference = diff_sides(hub_side(remote.repo, tags[previous]), folder_side(folder))
    _refuse_small_bump(remote.repo, previous, version, difference)
    return replace(plan, bump=bump_between(previous, version), changes=describe(difference))


def _refuse_closed(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Rows whose picture or text may not be passed on stay here."""
    closed = {
        (kind, name): count
        for kind in ("image_license", "text_license")
        for name, count in _licences(manifest, kind).items()
        if not is_open(name)
    }
    if closed:
        told = ", ".join(f"{count:,} rows with {kind} {name}" for (kind, name), count in sorted(closed.items()))
        again = " ".join(
            f"--source {source}" for source in manifest["configuration"]["sources"] if source != "upstream"
        )
        raise UserError(
            f"{folder}: no right to pass these on: {told}",
            f"cross-safety build {again or '--source starter'} --licenses open --version {manifest['version']}",
        )


def _licences(manifest: Mapping[str, Any], kind: str) -> dict[str, int]:
    total: dict[str, int] = {}
    for config in manifest["configs"].values():
        for name, count in config["counts"].get(kind, {"unknown": sum(config["splits"].values())}).items():
            total[name] = total.get(name, 0) + count
    return total


def _refuse_small_bump(repo: str, previous: str, version: str, difference: Diff) -> None:
    made = bump_between(previous, version)
    if _ORDER.index(made) < _ORDER.index(difference.bump) or made == "none":
        told = "is not higher" if made == "none" else f"is a {made} bump"
        raise UserError(
            f"{repo}: {version} {told}, and the changes {describe(difference)} ask for a {difference.bump} one",
            f"cross-safety build --version {_next(previous, difference.bump)}",
        )


def _next(version: str, bump: Bump) -> str:
    major, minor, patch = map(int, version.split("."))
    match bump:
        case "major":
            return f"{major + 1}.0.0"
        case "minor":
            return f"{major}.{minor + 1}.0"
        case _:
            return f"{major}.{minor}.{patch + 1}"


def gate_for(name: str, asked: str | None, ungated: bool) -> "Gate | None":
    """Safety-DPO holds unsafe answers: behind a gate unless one types ``--ungated``; None leaves things as they are."""
    if ungated:
        return False
    if asked is None:
        return "auto" if name == "safety-dpo" else None
    return "manual" if asked == "manual" else "auto"


def publish(plan: Plan, remote: "Remote", gate: "Gate | None", private: bool, say: Callable[[str], None]) -> Published:
    """Carry a plan out; begun by an earlier run, it goes on from there.

    Raises:
        UserError: what the hub serves differs from what went up: ``main`` and tags are untouched then.
    """
    branch = f"publish-{plan.version}"
    if plan.there:
        remote.drop_branch(branch)
        return Published(plan.repo, plan.version, plan.there, changed=False)
    remote.create(private)
    remote.settle(gate, private)
    start = remote.head("main")
    if start is None:
        raise UserError(f"{plan.repo}: the repository has no branch main")
    remote.branch(branch, start)
    say(f"{len(plan.items)} files, {plan.size / 2**20:,.1f} MB, to the branch {branch}")
    commit = remote.put(branch, plan.items, f"{plan.manifest['name']} {plan.version}, to be verified")
    _verify(plan, commit, say)
    served = remote.put("main", plan.items, f"{plan.manifest['name']} {plan.version}")
    say(f"main has it: {served[:12]}")
    remote.tag(plan.version, served)
    remote.drop_branch(branch)
    return Published(plan.repo, plan.version, served, changed=True)


def _verify(plan: Plan, commit: str, say: Callable[[str], None]) -> None:
    say(f"loading {plan.repo} back at {commit[:12]} with datasets, in a fresh cache")
    wrong = differences(plan, read_back(plan.repo, commit))
    if wrong:
        lines = "\n".join(f"  {line}" for line in wrong)
        raise UserError(
            f"{plan.repo}: the hub serves at {commit[:12]} not what went up; main and tags are as they were:\n{lines}",
            "the same command again, and if it stays so, tell the hub",
        )
    say("every file and every row is as the manifest says")


def differences(plan: Plan, found: Mapping[str, Any]) -> list[str]:
    """What differs between a plan and what was loaded back, a line each, files first."""
    lines = []
    for item in plan.items:
        sha256 = found["files"].get(item.path)
        if sha256 != item.sha256:
            lines.append(f"{item.path}: {'missing' if sha256 is None else f'sha256 {sha256}, not {item.sha256}'}")
    for config, stated in plan.manifest["configs"].items():
        if found["rows"].get(config) != stated["rows_sha256"]:
            lines.append(f"config {config}: {found['errors'].get(config, 'other rows than the manifest states')}")
    return [*([f"download: {found['errors']['download']}"] if "download" in found["errors"] else []), *lines]
