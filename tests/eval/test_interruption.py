"""Killed with no warning at any moment: totals as if nothing had been, nothing asked again but what was in flight."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from loopback.scripted import script
from loopback.server import Ask, Behaviour, Loopback, Say

KILLS, SLOTS = 3, 8
CODE = "from cross_safety.cli import main; main()"
TOTALS = ("answers.jsonl", "verdicts.jsonl", "rows.jsonl")


def slow(ask: Ask) -> Behaviour:
    """Answers in another order each time: late by what the clock says."""
    said = script(ask)
    return Say(said.text, delay_s=0.01 + (time.monotonic_ns() % 97) / 4000)


def command(server: Loopback, data: Path, out: Path) -> list[str]:
    words = (
        f"eval run {data} --base-url {server.url} --model careful-2026-01-15 --judge steady-2026-02-01 --output quiet"
    )
    more = ["--limit", "12", "--runs", "2", "--concurrency", str(SLOTS), "--out", str(out)]
    return [sys.executable, "-c", CODE, *words.split(), *more]


def killed_after(server: Loopback, words: list[str], calls: int) -> int:
    """Run until so many more calls have come in, then kill; the exit code where it was faster."""
    target = server.calls + calls
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and server.calls < target:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    return process.wait(10)


def test_totals_are_equal_whether_killed_or_not(built: Path, tmp_path: Path) -> None:
    dice = random.Random(7)
    with Loopback(slow) as server:
        whole = command(server, built / "cross", tmp_path / "whole")
        done = subprocess.run(whole, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        undisturbed = server.calls
        assert undisturbed == 12 * 2 * (1 + 4) + 12 * 2 * (1 + 1)
    with Loopback(slow) as server:
        words = command(server, built / "cross", tmp_path / "killed")
        codes = [killed_after(server, words, dice.randint(1, 40)) for _ in range(KILLS)]
        assert codes.count(-signal.SIGKILL) >= 2
        report = subprocess.run(
            [sys.executable, "-c", CODE, "report", str(tmp_path / "killed")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (report.returncode, "not finished" in report.stderr) == (1, True), report.stderr
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        # In flight at a kill: what holds a slot, and answers that wait for the disk, no more than a commit's worth.
        assert undisturbed <= server.calls <= undisturbed + KILLS * 2 * SLOTS
    for name in TOTALS:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes(), name
    assert not list((tmp_path / "killed").glob(".*.tmp"))
