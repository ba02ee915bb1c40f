"""The commands as a user types them: what they print, leave behind and answer to bad input."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cross_safety.eval.record import Record, read_record
from cross_safety.eval.run import evaluate
from cross_safety.eval.scores import labels_of
from cross_safety.inference import Job, Journal
from cross_safety.inference import run as run_loop
from loopback.scripted import script
from loopback.server import Ask, Behaviour, Loopback, Say, Status

Run = Callable[..., Any]
Evaluated = Callable[..., Record]
KEY = "sk-a-secret-that-is-nowhere"


def words(server: Loopback, built: Path, out: Path, *more: str) -> list[str]:
    head = f"eval run {built / 'cross'} --base-url {server.url} --model careful-2026-01-15 --judge steady-2026-02-01"
    return [*head.split(), "--limit", "4", "--runs", "2", "--out", str(out), *more]


def test_a_run_its_report_and_no_key_anywhere(server: Loopback, run: Run, built: Path, tmp_path: Path) -> None:
    out = tmp_path / "runs" / "mine"
    done = run(*words(server, built, out), env={"OPENAI_API_KEY": KEY})
    assert done.returncode == 0, done.stderr
    assert re.search(r"^awareness +\d", done.stdout, re.MULTILINE)
    assert "judge-education" in done.stderr
    assert {ask.key for ask in server.asks} == {KEY}
    told = run("report", out, "--by", "domain", "--output", "json")
    assert told.returncode == 0, told.stderr
    figure = json.loads(told.stdout)["runs"][0]["figures"]["awareness"]["micro"]
    assert {"value", "low", "high", "n", "clusters", "failures", "worst", "best", "seed"} <= figure.keys()
    assert figure["low"] is None
    for path in out.rglob("*"):
        assert KEY.encode() not in path.read_bytes(), path
        assert server.url.encode() not in path.read_bytes(), path
    assert KEY not in done.stdout + done.stderr


def test_failed_verdicts_end_with_3_and_are_asked_again(run: Run, built: Path, tmp_path: Path) -> None:
    broken = True

    def flaky(ask: Ask) -> Behaviour:
        if broken and ask.schema and "education" in ask.schema["properties"]:
            return Say("I'd say one.")
        return script(ask)

    with Loopback(flaky) as server:
        first = run(*words(server, built, tmp_path / "run"))
        assert first.returncode == 3, first.stderr
        assert "more than 2 % of the verdicts are missing" in first.stderr
        assert "! 20.0% of the verdicts are missing" in first.stdout
        before = read_record(tmp_path / "run")
        broken, calls = False, server.calls
        second = run(*words(server, built, tmp_path / "run", "--retry-failed"))
        assert second.returncode == 0, second.stderr
        assert server.calls - calls == 8
    after = read_record(tmp_path / "run")
    known = {key: label for key, label in labels_of(before).items() if label is not None}
    assert {key: labels_of(after)[key] for key in known} == known
    assert None not in labels_of(after).values()


def test_an_estimate_spends_on_a_sample_alone(server: Loopback, run: Run, built: Path, tmp_path: Path) -> None:
    prices = tmp_path / "prices.json"
    models = {name: {"input": 1e3, "output": 1e3} for name in ("careful-2026-01-15", "steady-2026-02-01")}
    prices.write_text(json.dumps({"as_of": "2026-06-30", "models": models}), "utf-8")
    out = tmp_path / "run"
    more = ("--prices", str(prices), "--limit", "24", "--runs", "1")
    done = run(*words(server, built, out, *more, "--estimate", "--output", "json"))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["calls"] == 24 * (5 + 2)
    # 120 tokens a call at 1,000 USD a million are 0.12 USD.
    assert found["usd"] == pytest.approx(0.12 * found["calls"], rel=0.02)
    assert server.calls < found["calls"] * 0.7
    assert not (out / "run.json").exists()
    sampled = server.calls
    stopped = run(*words(server, built, out, *more, "--max-usd", "15"))
    assert stopped.returncode == 1
    assert "--max-usd 15 is reached" in stopped.stderr
    assert server.calls <= 15 / 0.12
    whole = run(*words(server, built, out, *more))
    assert whole.returncode == 0, whole.stderr
    # The sample was not asked again; what the limit cut off in flight may have been.
    assert sampled < found["calls"] <= server.calls <= found["calls"] + 64


@pytest.mark.parametrize(
    ("more", "code", "words_told"),
    [
        (("--blind", "--shuffle-images"), 2, "one control at a time"),
        (("--judge", "steady-2026-02-01"), 2, "named twice"),
        (("--config", "opne"), 2, "no config opne; it has open, open-multilingual"),
        (("--protocol", "mine"), 1, "no such judge protocol; there are cross-1"),
        (("--max-usd", "1"), 1, "has no price"),
    ],
)
def test_bad_input(
    server: Loopback, run: Run, built: Path, tmp_path: Path, more: tuple[str, ...], code: int, words_told: str
) -> None:
    done = run(*words(server, built, tmp_path / "run", *more))
    assert (done.returncode, server.calls) == (code, 0), done.stderr
    assert words_told in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_no_dataset_and_no_run(run: Run, built: Path, tmp_path: Path) -> None:
    done = run("eval", "run", tmp_path, "--model", "m", "--judge", "j", "--out", tmp_path / "x")
    assert (done.returncode, "next: cross-safety build" in done.stderr) == (1, True), done.stderr
    done = run("eval", "run", built / "safety-sft", "--model", "m", "--judge", "j", "--out", tmp_path / "x")
    assert (done.returncode, "this is safety-sft" in done.stderr) == (2, True), done.stderr
    done = run("report", tmp_path)
    assert (done.returncode, "no run.json" in done.stderr) == (1, True), done.stderr


def test_a_wrong_key_stops_at_once(run: Run, built: Path, tmp_path: Path) -> None:
    with Loopback(lambda ask: Status(401, "Incorrect API key provided", "invalid_api_key")) as server:
        done = run(*words(server, built, tmp_path / "run"), env={"OPENAI_API_KEY": KEY})
        assert done.returncode == 1
        assert "OPENAI_API_KEY" in done.stderr
        assert KEY not in done.stderr
        assert server.calls <= 64


def test_batches_give_the_same_lines(server: Loopback, evaluated: Evaluated, plan_of: Any, tmp_path: Path) -> None:
    record = evaluated(server)
    plan = plan_of(server)
    calls = len(server.batches.lines)

    async def whole() -> Any:
        async with Job(Journal(tmp_path / "batch.sqlite"), batch=True) as job:
            assert job.batches is not None
            job.batches._poll_s = 0.01
            return await evaluate(plan, job)

    outcome = run_loop(whole())
    assert (outcome.answers, outcome.verdicts) == (record.answers, record.verdicts)
    assert len(server.batches.lines) - calls == 2  # the answers, then the verdicts
