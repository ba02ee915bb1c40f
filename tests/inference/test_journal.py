"""The journal: kills, two processes, and the file that it is carried in."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from cross_safety.console.errors import UserError
from cross_safety.inference import Answer, Journal, Usage, run
from cross_safety.inference.carry import export_answers, load_answers
from cross_safety.inference.cost import Ledger
from cross_safety.inference.journal import Call
from hypothesis import given, settings
from hypothesis import strategies as st
from loopback.asking import Asked, request, two_calls_a_row
from loopback.server import CutOff, Faulty, Loopback, Say, Status
from PIL import Image

KILLS = int(os.environ.get("CROSS_SAFETY_KILLS", "4"))
WORKER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from cross_safety.inference import Answer, Journal, run
from loopback.asking import two_calls_a_row
found = run(two_calls_a_row(Journal(Path(sys.argv[2])), sys.argv[3], int(sys.argv[4])))
assert len(found) == int(sys.argv[4]) and all(isinstance(result, Answer) for result in found)
"""


def worker(root: Path, journal: Path, url: str, rows: int) -> "subprocess.Popen[bytes]":
    words = [sys.executable, "-c", WORKER, str(root / "tests"), str(journal), url, str(rows)]
    return subprocess.Popen(words, stderr=subprocess.PIPE)


def finish(process: "subprocess.Popen[bytes]") -> None:
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors.decode()


def test_a_run_killed_at_random_moments_repeats_only_what_was_in_flight(root: Path, tmp_path: Path) -> None:
    rows, path = 20 * KILLS, tmp_path / "journal.sqlite"
    dice = random.Random(4)
    script = Faulty(lambda ask: Say(f"to {ask.text[:12]}", delay_s=0.02), 0.1, (Status(500), CutOff(), Status(429)))
    with Loopback(script) as server:
        for _ in range(KILLS):
            process = worker(root, path, server.url, rows)
            before, until = server.calls, dice.randrange(5, 60)
            deadline = time.monotonic() + 30
            while server.calls < before + until and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        finish(worker(root, path, server.url, rows))
        journal = Journal(path)
        assert Counter(call.stage for call in journal.answers()) == {"first": rows, "second": rows}
        # What was under way at a kill: at most one call of each of the 12 rows in work.
        assert server.answered.total() - 2 * rows <= KILLS * 12
        assert sum(line.calls for line in Ledger(journal).lines().values()) == 2 * rows
        calls = server.calls
        assert all(r.replayed for r in run(two_calls_a_row(journal, server.url, rows)))  # type: ignore[union-attr]
        assert server.calls == calls
    with Loopback(lambda ask: Say(f"to {ask.text[:12]}")) as server:
        calm = Journal(tmp_path / "calm.sqlite")
        run(two_calls_a_row(calm, server.url, rows))
    assert export_answers(journal) == export_answers(calm)
    for each in (journal, calm):
        each.close()


def test_two_processes_on_one_journal(root: Path, tmp_path: Path) -> None:
    rows, path = 100, tmp_path / "journal.sqlite"
    with Loopback(lambda ask: Say(f"{ask.number}", delay_s=0.01)) as server:
        both = [worker(root, path, server.url, rows) for _ in range(2)]
        for process in both:
            finish(process)
        journal = Journal(path)
        answers = list(journal.answers())
        assert sum(call.stage == "first" for call in answers) == rows
        # Each process goes on with the answer that stands, so the second calls agree too.
        assert len(answers) == 2 * rows
        with sqlite3.connect(path) as base:
            assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert base.execute("SELECT count(*) FROM calls").fetchone() == (server.calls,)
        base.close()
        journal.close()


def test_anyone_can_read_it(asked: Asked, journal: Journal) -> None:
    with Loopback(lambda ask: "fine" if "1" in ask.text else Say("", refusal="no")) as server:
        asked(server.url, [request(1), request(2)])
    base = sqlite3.connect(journal.path)
    found = base.execute(
        "SELECT outcome, text, prompt_tokens, completion_tokens FROM calls ORDER BY outcome"
    ).fetchall()
    base.close()
    assert found == [("answer", "fine", 100, 20), ("refused", "no", 100, 20)]


def test_what_is_no_journal(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"not a database at all, but long enough to be taken for one" * 20)
    with pytest.raises(UserError, match="cannot be used as a journal"):
        Journal(path)
    newer = tmp_path / "newer.sqlite"
    base = sqlite3.connect(newer)
    base.execute("PRAGMA user_version = 99")
    base.close()
    with pytest.raises(UserError, match="format 99"):
        Journal(newer)


texts = st.text(max_size=40)
calls = st.builds(
    Call,
    key=st.text("0123456789abcdef", min_size=64, max_size=64),
    stage=st.sampled_from(["respond", "judge"]),
    asked_model=st.just("m"),
    outcome=st.just("answer"),
    model=texts,
    finish_reason=st.none() | texts,
    text=texts,
    usage=st.none() | st.builds(Usage, st.integers(0, 10**9), st.integers(0, 10**9)),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(calls, max_size=8, unique_by=lambda call: call.key))
def test_carried_and_back(tmp_path_factory: pytest.TempPathFactory, made: list[Call]) -> None:
    folder = tmp_path_factory.mktemp("carry")
    one, other = Journal(folder / "one.sqlite"), Journal(folder / "other.sqlite")
    one.write(made)
    data = export_answers(one)
    file = folder / "journal.jsonl.zst"
    file.write_bytes(data)
    assert load_answers(file, other) == load_answers(file, other) == len(made)
    assert export_answers(other) == data
    assert Ledger(other).lines() == {}
    for each in (one, other):
        each.close()


def test_only_the_answers_that_are_wanted(journal: Journal, tmp_path: Path) -> None:
    keys = [f"{n:064x}" for n in range(3)]
    journal.write(Call(key, "s", "m", "answer", "m", "stop", "t") for key in keys)
    file = tmp_path / "j.zst"
    file.write_bytes(export_answers(journal, keys[:2]))
    other = Journal(tmp_path / "other.sqlite")
    assert load_answers(file, other) == 2
    other.close()
    with pytest.raises(KeyError, match="has no answer to ff"):
        export_answers(journal, ["ff"])


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (b"", None),
        (b'{"key": "short"}\n', "line 1: not a line of a journal"),
        (b"[]\n", "line 1: not a line of a journal"),
        (b"{\n", "line 1: no JSON"),
        (b'{"key":', "ends within a line"),
    ],
)
def test_a_carried_file_that_is_damaged(lines: bytes, told: str | None, journal: Journal, tmp_path: Path) -> None:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(lines)
    file = tmp_path / "journal.jsonl.zst"
    file.write_bytes(sink.getvalue().to_pybytes())
    if told is None:
        assert load_answers(file, journal) == 0
        return
    with pytest.raises(UserError, match=told):
        load_answers(file, journal)


def test_a_carried_file_that_is_none(journal: Journal, tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl.zst"
    file.write_bytes(b"plain text")
    with pytest.raises(UserError, match="cannot be read as zstandard"):
        load_answers(file, journal)


def test_a_carried_answer_is_checked_again(asked: Asked, journal: Journal) -> None:
    wanted = request(1, schema={"type": "object", "required": ["label"]})
    journal.write([Call(wanted.key, "test", "scripted", "answer", "m", "stop", '{"other": 1}', tries=0)])
    found: dict[int, Any] = asked("http://127.0.0.1:9/v1", [wanted], asking="nothing")
    assert found[0].reason == "off_schema"


def test_answers_loaded_serve_without_a_model(asked: Asked, journal: Journal, tmp_path: Path) -> None:
    with Loopback(lambda ask: "fine") as server:
        asked(server.url, [request(n) for n in range(5)])
    file = tmp_path / "journal.jsonl.zst"
    file.write_bytes(export_answers(journal))
    os.truncate(tmp_path / "journal.jsonl.zst", file.stat().st_size)
    again = Journal(tmp_path / "again.sqlite")
    assert load_answers(file, again) == 5
    assert all(again.answer(request(n).key) for n in range(5))
    again.close()
    assert isinstance(asked("http://127.0.0.1:9/v1", [request(3)], asking="nothing")[0], Answer)


MEMORY = """
import sys
from pathlib import Path
from cross_safety.inference import Answer, Endpoint, Job, Journal, Picture, Request, ask_all, run, user
page = Path(sys.argv[1]).read_bytes()

async def main():
    journal = Journal(Path(sys.argv[2]))
    async with Job(journal) as job:
        client = job.connect(Endpoint(sys.argv[3], concurrency=64))
        pages = (Picture(page + bytes([n % 256, n // 256])) for n in range(600))
        asks = ((n, Request("scripted", (user(str(n), page),))) for n, page in enumerate(pages))
        async for _, result in ask_all(job, client, asks):
            assert isinstance(result, Answer), result
run(main())
# Not ru_maxrss: that begins with what the process was forked from.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """600 rows with a picture of 150 KB each (90 MB of them) in less than 200 MB."""
    file = tmp_path / "page.png"
    Image.frombytes("RGB", (224, 224), random.Random(0).randbytes(224 * 224 * 3)).save(file)
    assert file.stat().st_size > 150_000
    with Loopback(lambda ask: Say("fine", delay_s=0.05)) as server:
        words = [sys.executable, "-c", MEMORY, str(file), str(tmp_path / "journal.sqlite"), server.url]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not server.faults
    assert int(done.stdout) / 1024 < 200
