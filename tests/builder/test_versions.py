"""Versions of a dataset: changelog, a bump that is too small, `--against`, and a version built from its manifest."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cross_safety.builder.release.build import Plan, build
from cross_safety.builder.sources.items import SourceResult
from cross_safety.builder.sources.starter import read_starter


def made(out: Path, version: str, change: Any = lambda found: found, **options: Any) -> list[str]:
    """Build `cross` of Japan alone, changed; what was warned of."""

    def read(_: object) -> list[SourceResult]:
        found = read_starter()
        found.cross = [row for row in found.cross if row.country == "JP"]
        found.train = []
        change(found)
        return [found]

    warnings: list[str] = []
    build(Plan(out, version, {"sources": ["starter"]}, ("cross",), replace=True, **options), read, warnings.append)
    return warnings


def without_first(found: SourceResult) -> None:
    del found.cross[0]


def reworded(found: SourceResult) -> None:
    found.cross[0] = dataclasses.replace(found.cross[0], query=found.cross[0].query + " Thanks!")


def annotated(found: SourceResult) -> None:
    found.cross[0] = dataclasses.replace(found.cross[0], practice="Everywhere.")


@pytest.mark.parametrize(
    ("change", "version", "told", "asked"),
    [
        (without_first, "2.0.0", "1 removed", None),
        (without_first, "1.1.0", "1 removed", "major"),
        (reworded, "1.0.1", "1 changed (query)", "major"),
        (annotated, "1.1.0", "1 annotated (practice)", None),
        (annotated, "1.0.1", "1 annotated (practice)", "minor"),
    ],
)
def test_changelog_and_bump(tmp_path: Path, change: Any, version: str, told: str, asked: str | None) -> None:
    assert made(tmp_path, "1.0.0") == []
    warnings = made(tmp_path, version, change)
    log = (tmp_path / "cross" / "CHANGELOG.md").read_text("utf-8")
    assert f"## {version} (2026-01-01)\n\n" in log
    assert f"since 1.0.0: {told}." in log
    assert log.index(version) < log.index("## 1.0.0")
    assert bool(warnings) == (asked is not None)
    assert asked is None or f"ask for a {asked} version" in warnings[0]


def test_a_rebuild_keeps_its_entry(tmp_path: Path) -> None:
    made(tmp_path, "1.0.0")
    made(tmp_path, "1.1.0", annotated)
    before = (tmp_path / "cross" / "CHANGELOG.md").read_text("utf-8")
    made(tmp_path, "1.1.0", annotated)
    assert (tmp_path / "cross" / "CHANGELOG.md").read_text("utf-8") == before


def test_against_a_dataset_built_elsewhere(built: Path, tmp_path: Path) -> None:
    """A training norm that stands in a test set elsewhere is rejected, although this build's own test set lacks it."""
    elsewhere = tmp_path / "elsewhere"

    def planted(found: SourceResult) -> None:
        norm = read_starter().train[0].norm
        assert norm is not None
        found.cross[0] = dataclasses.replace(found.cross[0], norm=norm.text("norm"))

    made(elsewhere, "1.0.0", planted)
    leaking = read_starter().train[0].norm
    plan = Plan(tmp_path / "out", "1.0.0", {"sources": ["starter"]}, ("safety-sft",), against=(elsewhere / "cross",))
    manifest = build(plan, lambda _: [read_starter()])[0]
    assert leaking is not None
    assert manifest["leakage"]["rejected"] == {"near_norm": len(leaking.scenes)}
    assert manifest["configuration"]["against"][0]["version"] == "1.0.0"
    assert str(tmp_path) not in json.dumps(manifest)


def test_against_wants_a_cross(built: Path, tmp_path: Path, run: Any) -> None:
    done = run("build", "--out", tmp_path, "--against", built / "safety-sft")
    assert done.returncode == 1
    assert "a folder of cross is wanted" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["cross", "safety-dpo"])
def test_built_again_from_its_manifest(built: Path, tmp_path: Path, run: Any, name: str) -> None:
    done = run("build", "--from-manifest", built / name / "manifest.json", "--out", tmp_path, "--output", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["differing_configs"] == []
    assert f"{name} 1.0.0: the same rows as in the manifest" in done.stderr


def recipe(built: Path, tmp_path: Path, change: Any) -> Path:
    manifest = json.loads((built / "cross" / "manifest.json").read_text("utf-8"))
    change(manifest)
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(manifest), "utf-8")
    return path


def test_rows_that_differ_are_told(built: Path, tmp_path: Path, run: Any) -> None:
    path = recipe(built, tmp_path, lambda m: m["configs"]["open"].update(rows_sha256="0" * 64))
    done = run("build", "--from-manifest", path, "--out", tmp_path / "out")
    assert done.returncode == 3
    assert "rows differ from the manifest in open\n" in done.stderr


def test_other_inputs_are_refused(built: Path, tmp_path: Path, run: Any) -> None:
    path = recipe(built, tmp_path, lambda m: m["inputs"][0].update(sha256="0" * 64))
    done = run("build", "--from-manifest", path, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "starter: not the content that cross 1.0.0 was made of" in done.stderr
    assert not (tmp_path / "out" / "cross").exists()


@pytest.mark.parametrize("content", ["{", "[]", '{"name": "cross"}'])
def test_no_manifest(tmp_path: Path, run: Any, content: str) -> None:
    (tmp_path / "m.json").write_text(content)
    done = run("build", "--from-manifest", tmp_path / "m.json", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "m.json" in done.stderr
    assert "Traceback" not in done.stderr


def test_options_that_the_manifest_settles(built: Path, tmp_path: Path, run: Any) -> None:
    done = run("build", "--from-manifest", built / "cross" / "manifest.json", "--version", "2.0.0", "--out", tmp_path)
    assert done.returncode == 2
    assert "--from-manifest settles version" in done.stderr


def test_diff_command(built: Path, tmp_path: Path, run: Any) -> None:
    made(tmp_path / "a", "1.0.0")
    made(tmp_path / "b", "1.1.0", annotated)
    same = run("diff", built / "cross", built / "cross")
    assert (same.returncode, same.stdout.splitlines()[-1]) == (0, "version bump asked for: none")
    done = run("diff", tmp_path / "a" / "cross", tmp_path / "b" / "cross", "--output", "json")
    assert done.returncode == 3
    found = json.loads(done.stdout)
    assert list(found["annotated"].values()) == [["practice"]]
    assert found["bump"] == "minor"
    wrong = run("diff", built / "cross", built / "safety-sft")
    assert wrong.returncode == 1
    assert "not versions of one dataset" in wrong.stderr


def test_an_exchange_cut_off_is_finished_first(built: Path, tmp_path: Path, run: Any) -> None:
    """Killed between two renames: the next build first finishes the exchange, then sees what stands there."""
    work = tmp_path / ".cross-safety-build"
    shutil.copytree(built, work / "new")
    (work / "ready").touch()
    refused = run("build", "--out", tmp_path, "--version", "1.1.0")
    assert refused.returncode == 1
    assert "holds version 1.0.0" in refused.stderr
    assert run("check", tmp_path / "cross").returncode == 0
