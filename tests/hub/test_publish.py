"""Publishing to a hub on loopback: verified before it is served, whatever fails on the way."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from cross_safety.builder.release.publish import _refuse_closed, gate_for
from cross_safety.console.errors import UserError
from loopback.hub import TOKEN, Fault, Hub
from loopback.small import change

REPO = "someone/cross"
WORDS = ("publish", "cross", "--repo", REPO)


def published(hub: Hub, version: str = "1.0.0", commits: int = 1) -> dict[str, Any]:
    """Assert one tag and so many commits on main; the manifest that main serves."""
    repo = hub.repos[REPO]
    assert repo.tags[version] == repo.branches["main"]
    assert len(repo.history("main")) == commits + 1
    assert set(repo.branches) == {"main"}
    tree = repo.resolve("main").tree  # type: ignore[union-attr]
    manifest: dict[str, Any] = json.loads(tree["manifest.json"].data)
    assert {file["path"]: file["sha256"] for file in manifest["files"]} == {
        path: entry.sha256 for path, entry in tree.items() if path.startswith("data/")
    }
    return manifest


def test_once_and_again(hub: Hub, folder: Path, to_hub: Callable) -> None:
    dry = to_hub(*WORDS, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert not hub.repos
    assert "13 files" in dry.stderr
    assert "the first version" in dry.stderr
    done = to_hub(*WORDS)
    assert done.returncode == 0, done.stderr
    published(hub)
    parquet = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    assert hub.uploaded == parquet
    at = hub.log.index(f"POST /api/datasets/{REPO}/commit/main")
    for path in folder.rglob("*.parquet"):
        assert any(line.startswith("GET") and path.name in line for line in hub.log[:at])
    before = len(hub.log)
    again = to_hub(*WORDS)
    assert again.returncode == 0, again.stderr
    assert "nothing to do" in again.stdout
    assert all(line.startswith("GET") for line in hub.log[before:])
    assert TOKEN not in "".join([*hub.log, *(run.stdout + run.stderr for run in (dry, done, again))])


def test_faults_that_pass(hub: Hub, folder: Path, to_hub: Callable) -> None:
    """Outages, limits and lost answers at every kind of request: still one commit and one tag."""
    hub.faults = [
        Fault("POST /api/repos/create", "lost"),
        Fault("POST .*/branch/", "status", status=429, headers={"Retry-After": "0"}),
        Fault("POST /api/validate-yaml", "status"),
        Fault("POST .*/commit/publish-1.0.0", "lost"),
        Fault("GET .*/tree/", "status"),
        Fault("POST .*/commit/main", "cut"),
        Fault("POST .*/commit/main", "lost"),
        Fault("POST .*/tag/", "lost"),
        Fault("DELETE .*/branch/", "lost"),
        Fault(r"GET .*\.parquet", "slow"),
    ]
    done = to_hub(*WORDS)
    assert done.returncode == 0, done.stderr
    assert all(fault.seen for fault in hub.faults)
    published(hub)


def test_an_outage_ends(hub: Hub, folder: Path, to_hub: Callable) -> None:
    """Retries are bounded; the hub's own text is not repeated."""
    hub.faults = [Fault("POST .*/branch/", "status", times=99, headers={"Retry-After": "0"})]
    done = to_hub(*WORDS)
    assert done.returncode == 1
    assert "HTTP 503" in done.stderr
    assert "html" not in done.stderr
    assert hub.faults[0].seen == 6
    assert not hub.repos[REPO].tags


def test_altered_bytes_are_never_served(hub: Hub, folder: Path, to_hub: Callable) -> None:
    altered = next((folder / "data" / "open").glob("test-*.parquet"))
    hub.faults = [Fault(f"GET .*{altered.name}", "alter", times=99)]
    done = to_hub(*WORDS)
    assert done.returncode == 1
    assert f"data/open/{altered.name}: sha256" in done.stderr
    repo = hub.repos[REPO]
    assert not repo.tags
    assert len(repo.history("main")) == 1
    hub.faults = []
    assert to_hub(*WORDS).returncode == 0
    published(hub)


STEPS = [
    "POST /api/repos/create",
    "POST .*/branch/",
    "PUT /lfs/",
    "POST .*/commit/publish",
    "GET .*resolve.*parquet",
    "POST .*/commit/main",
    "POST .*/tag/",
    "DELETE .*/branch/",
]


def killed_at(hub: Hub, home: Path, words: tuple[str, ...], step: str, what: str) -> int:
    """Run the command and kill it with SIGKILL when the hub meets ``step``, before or after it takes effect."""
    code = "from cross_safety.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        env=os.environ | hub.env(home / "home"),
        cwd=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    hub.faults = [Fault(step, what, call=process.kill)]
    return process.wait(timeout=120)


@pytest.mark.parametrize("what", ["cut", "lost"])
def test_killed_at_every_step(hub: Hub, folder: Path, tmp_path: Path, to_hub: Callable, what: str) -> None:
    """One publish, killed at every step in turn, each run going on from what the last one left."""
    for step in STEPS:
        assert killed_at(hub, tmp_path, WORDS, step, what) in (-9, 0), step
    hub.faults = []
    done = to_hub(*WORDS)
    assert done.returncode == 0, done.stderr
    published(hub)


def test_next_version(hub: Hub, folder: Path, tmp_path: Path, to_hub: Callable) -> None:
    """A bump that is too small is refused; main never serves what was not verified."""
    assert to_hub(*WORDS).returncode == 0
    first = hub.repos[REPO].branches["main"]
    change(folder, "1.1.0", words="Another norm.")
    refused = to_hub(*WORDS)
    assert refused.returncode == 1
    assert "ask for a major one" in refused.stderr
    assert "--version 2.0.0" in refused.stderr
    shutil.copytree(folder, tmp_path / "kept")
    change(folder, "2.0.0", words="Another norm, again.")
    uploaded, served, stop = hub.uploaded, [], threading.Event()
    watcher = threading.Thread(target=watch, args=(hub, served, stop))
    watcher.start()
    done = to_hub(*WORDS)
    stop.set()
    watcher.join()
    assert done.returncode == 0, done.stderr
    manifest = published(hub, "2.0.0", commits=2)
    assert hub.repos[REPO].tags["1.0.0"] == first
    new = {file["path"] for file in manifest["files"]} - set(hub.repos[REPO].commits[first].tree)
    assert hub.uploaded - uploaded == sum((folder / path).stat().st_size for path in new)
    assert {version for version, _, _ in served} <= {"1.0.0", "2.0.0"}
    assert ("2.0.0" in {version for version, _, _ in served}) and all(whole for _, whole, _ in served)
    assert all(verified for version, _, verified in served if version == "2.0.0")

    hub.sent.clear()
    differs = to_hub("diff", f"{REPO}@1.0.0", f"{REPO}@2.0.0", "--output", "json", HF_HOME=str(tmp_path / "fresh"))
    assert differs.returncode == 3, differs.stderr
    assert len(json.loads(differs.stdout)["changed"]) == 1
    touched = {path: sent for path, sent in hub.sent.items() if path.endswith(".parquet") and sent}
    assert len(touched) == 2, "files that both versions have are not fetched"
    assert all("/data/open/test-" in path for path in touched)
    whole = sum(len(entry.data) for path, entry in hub.repos[REPO].resolve("2.0.0").tree.items() if "open/test" in path)  # type: ignore[union-attr]
    assert sum(touched.values()) < 1.2 * whole, "of two files about half: no pictures"
    listed = to_hub("versions", REPO, "--output", "json")
    told = json.loads(listed.stdout)
    assert [(each["version"], each["bump"]) for each in told] == [("2.0.0", "major"), ("1.0.0", "first")]
    assert told[0]["words"] == "Changed in a test."
    checked = to_hub("check", f"{REPO}@2.0.0")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def watch(hub: Hub, served: list[tuple[str, bool, bool]], stop: threading.Event) -> None:
    """What a reader of ``main`` meets over HTTP: version, are all its files there, had they been loaded back."""
    while not stop.is_set():
        base = f"{hub.url}/datasets/{REPO}/resolve/{hub.repos[REPO].branches['main']}"
        with urlopen(f"{base}/manifest.json") as answer:
            manifest = json.loads(answer.read())
        tree = hub.repos[REPO].resolve(base.rsplit("/", 1)[1]).tree  # type: ignore[union-attr]
        files = {file["path"]: file["sha256"] for file in manifest["files"]}
        whole = all(path in tree and tree[path].sha256 == sha256 for path, sha256 in files.items())
        log = "\n".join(line for line in hub.log if line.startswith("GET") and "resolve" in line)
        served.append((manifest["version"], whole, all(path in log for path in files)))
        time.sleep(0.02)


def test_gates(hub: Hub, folder: Path, to_hub: Callable) -> None:
    assert gate_for("safety-dpo", None, ungated=False) == "auto"
    assert gate_for("safety-dpo", None, ungated=True) is False
    assert gate_for("cross", None, ungated=False) is None
    done = to_hub(*WORDS, "--gated", "manual", "--private")
    assert done.returncode == 0, done.stderr
    assert (hub.repos[REPO].gated, hub.repos[REPO].private) == ("manual", True)
    at = [next(n for n, line in enumerate(hub.log) if part in line) for part in ("/settings", "/lfs/objects/batch")]
    assert at == sorted(at)
    refused = to_hub("check", f"{REPO}@1.0.0", HF_TOKEN="", HF_HOME=str(folder.parent / "other"))
    assert refused.returncode == 1
    assert "the hub refuses it" in refused.stderr


def test_rows_that_may_not_be_passed_on(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    counts = manifest["configs"]["open"]["counts"]
    counts["image_license"] = {"unknown": 3, "CC-BY-4.0": 9}
    with pytest.raises(UserError, match="3 rows with image_license unknown") as refused:
        _refuse_closed(folder, manifest)
    assert "--licenses open" in str(refused.value.next_command)


def test_placeholders(hub: Hub, folder: Path, to_hub: Callable, root: Path) -> None:
    done = to_hub(*WORDS, "--release", root / "release.toml")
    assert done.returncode == 1
    assert "placeholder" in done.stderr
    assert not hub.log
