"""kill -9 at random moments of a build by the chat generator, under faults: nothing lost, torn or paid for twice.

Run: python benchmarks/kill_chat.py [kills, default 50] [rows, default 300]
A scripted endpoint on loopback meets a tenth of all tries with 429 (Retry-After), 500, a hang or a cut connection, and
refuses or garbles one call in fifty for good. The build is killed again and again and started again each time; at the
end its datasets are compared with those of a build that nobody disturbed. Every answer carries its call's number as its
token count, so the journal tells which calls it holds: one that it held at a kill must never be asked again.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from cross_safety.builder.release.checking import check_folder
from cross_safety.store.hashes import fraction, sha256_bytes
from loopback.author import scripted, stage_of
from loopback.cvqa_rows import gifts, write_folder
from loopback.server import Ask, Behaviour, CutOff, Faulty, Hang, Loopback, Say, Status

CODE = "from cross_safety.cli import main; main()"
TRANSIENT = (Status(429, "slow down", headers={"Retry-After": "0.05"}), Status(500), Hang(), CutOff())
SLOTS = 16
MODELS = ("scripted", "checker")


def script(ask: Ask) -> Behaviour:
    """Answers that take a while; for a few calls, always the same ones, a refusal or broken JSON."""
    draw = fraction("permanent", identity(ask))
    delay = 0.02 + 0.06 * fraction("delay", identity(ask))
    if draw < 0.01:
        return Say(None, refusal="No.", usage=(ask.number, 1), delay_s=delay)
    if draw < 0.02:
        return Say("{ this is no JSON", usage=(ask.number, 1), delay_s=delay)
    told = scripted()(ask)
    assert isinstance(told, str)
    return Say(told, usage=(ask.number, 1), delay_s=delay)


def identity(ask: Ask) -> str:
    """What makes a call the same call, whether its schema stands in ``response_format`` or in words."""
    seen = [sha256_bytes(data) for _, data in ask.pictures]
    return json.dumps([ask.body["model"], stage_of(ask), ask.text.partition(">>>data")[0], seen])


@dataclass
class Outcome:
    """What a trial saw; the lists should be empty."""

    kills: int = 0
    struck_while_asking: int = 0
    calls: int = 0
    answers_in_journal: int = 0
    asked_again: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    rows_differ: list[str] = field(default_factory=list)


def command(folder: Path, url: str, out: Path) -> list[str]:
    """The build."""
    chat = ["--generator", "chat", "--model", "scripted", "--verify-model", "checker", "--base-url", url]
    words = ["build", "--source", "cvqa", "--path", str(folder), *chat, "--out", str(out), "--output", "quiet"]
    return [sys.executable, "-c", CODE, *words, "--timeout", "1", "--concurrency", str(SLOTS)]


def start(folder: Path, url: str, out: Path) -> "subprocess.Popen[bytes]":
    """The build in a process of its own; what it says goes nowhere."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command(folder, url, out), env=os.environ | {"OPENAI_API_KEY": "sk-loopback"}, **quiet)


def journaled(out: Path) -> set[int]:
    """Numbers of the calls whose answers the journal holds."""
    path = out / "journal.sqlite"
    if not path.is_file():
        return set()
    with sqlite3.connect(path) as base:
        tables = base.execute("SELECT name FROM sqlite_master WHERE name = 'calls'").fetchall()
        query = "SELECT prompt_tokens FROM calls WHERE outcome = 'answer'"
        return {number for (number,) in base.execute(query)} if tables else set()


def datasets_of(out: Path, found: Outcome) -> dict[str, Any]:
    """What each dataset holds: rows by hash, rejects by reason."""
    told = {}
    for path in sorted(out.glob("*/manifest.json")):
        manifest, problems = check_folder(path.parent)
        found.problems += map(str, problems)
        told[path.parent.name] = (manifest["configs"], manifest["rejects"])
    return told


def trial(folder: Path, work: Path, kills: int, seed: int = 0) -> Outcome:
    """Build undisturbed, then killed ``kills`` times, and compare."""
    found, rng = Outcome(), random.Random(seed)
    with Loopback(Faulty(script, 0.1, TRANSIENT), MODELS) as server:
        began = time.monotonic()
        if start(folder, server.url, work / "whole").wait(1200) != 3:
            raise SystemExit("the undisturbed build failed")
        pause = 2 * (time.monotonic() - began) / kills
        wanted = datasets_of(work / "whole", found)
    with Loopback(Faulty(script, 0.1, TRANSIENT), MODELS) as server:
        out, held = work / "killed", []
        while found.kills < kills:
            held.append(strike(found, server, start(folder, server.url, out), out, rng.uniform(0, pause)))
        if start(folder, server.url, out).wait(1200) != 3:
            raise SystemExit("the last build failed")
        for names, since in held:
            found.asked_again += [name[:80] for name in map(identity, server.asks[since:]) if name in names]
        found.calls, found.answers_in_journal = server.calls, len(journaled(out))
        told = datasets_of(out, found)
        found.rows_differ = [name for name in wanted if told.get(name) != wanted[name]]
    return found


def strike(
    found: Outcome, server: Loopback, child: "subprocess.Popen[bytes]", out: Path, after: float
) -> tuple[set[str], int]:
    """Kill a build some time after its first call; what its journal held then, and how many calls had come."""
    before, limit = server.calls, time.monotonic() + 60
    while server.calls == before and child.poll() is None and time.monotonic() < limit:
        time.sleep(0.01)
    time.sleep(after)
    found.struck_while_asking += child.poll() is None and server.calls > before
    child.send_signal(signal.SIGKILL)
    child.wait(30)
    found.kills += 1
    time.sleep(0.2)
    return {identity(server.asks[number]) for number in journaled(out)}, len(server.asks)


def main() -> None:
    """Run the trial and print what it saw."""
    kills, rows = (int(word) for word in (sys.argv[1:3] if len(sys.argv) > 2 else ("50", "300")))
    with tempfile.TemporaryDirectory() as place:
        found = trial(write_folder(Path(place) / "cvqa", gifts(rows)), Path(place), kills)
    for name in ("kills", "struck_while_asking", "calls", "answers_in_journal"):
        print(f"{name}: {getattr(found, name)}")
    for name in ("asked_again", "problems", "rows_differ"):
        print(f"{name}: {len(getattr(found, name))} {getattr(found, name)[:3]}")


if __name__ == "__main__":
    main()
