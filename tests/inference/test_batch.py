"""The Batch API: waves over chained calls, limits of files, and another process that goes on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cross_safety.console.errors import UserError
from cross_safety.inference import Answer, Client, Endpoint, Failure, Job, Journal, Request, Result, Sampling, run, user
from cross_safety.inference.batch import Batches
from cross_safety.inference.cost import Ledger
from cross_safety.inference.prices import Price, Prices
from loopback.asking import FAST, picture, request
from loopback.batches import Batches as Fake
from loopback.server import Ask, Loopback, Say, Status

PRICES = Prices("2026-01-01", {"scripted": Price(10.0, 1.0, 100.0, 0.5)})
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def through(
    journal: Journal, url: str, rows: Sequence[int], usd: float | None = None, lines: int = 50_000, size: int = 10**8
) -> dict[int, Result]:
    """Two calls a row, the second one made of the first one's answer, all in batches."""

    async def main() -> dict[int, Result]:
        async with Job(journal, Ledger(journal, PRICES, usd), patience=FAST, batch=True) as job:
            pace(job, most_lines=lines, most_bytes=size)
            client = job.connect(Endpoint(url))
            return dict([done async for done in job.each(rows, lambda row: two_calls(client, row))])

    return run(main())


def pace(job: Job, **limits: Any) -> Batches:
    """Batches as a job has them, with limits for tests."""
    assert job.batches is not None
    job.batches.close()
    job.batches = Batches(job, poll_s=0.01, **limits)
    return job.batches


async def two_calls(client: Client, row: int) -> tuple[int, Result]:
    first = await client.ask(request(row, stage="first", schema=SCHEMA))
    if isinstance(first, Failure):
        return row, first
    asked = Request("scripted", (user(f"second {row} {first.parsed['n']}", picture(row)),), stage="second")
    return row, await client.ask(asked)


def script(ask: Ask) -> Any:
    return f'{{"n": {ask.text.split()[1]}}}' if ask.text.startswith("question") else f"end of {ask.text}"


def test_all_rows_in_two_waves_at_half_the_price(journal: Journal) -> None:
    with Loopback(script) as server:
        found = through(journal, server.url, range(25), lines=10)
        assert server.calls == 50
        assert server.batches.lines == [10, 10, 5] * 2
        again = through(journal, server.url, range(25))
        assert server.calls == 50
        assert len(server.batches.made) == 6
        # Neither the uploaded files nor the local ones are left lying.
        assert not list(journal.path.with_name("journal.sqlite.batches").glob("*.jsonl"))
    assert not server.faults
    assert {n: r.text for n, r in found.items()} == {n: f"end of second {n} {n}" for n in range(25)}  # type: ignore[union-attr]
    assert {n: r.text for n, r in again.items()} == {n: r.text for n, r in found.items()}  # type: ignore[union-attr]
    usd = Ledger(journal, PRICES).summary()["usd"]
    assert usd == pytest.approx(50 * (100 * 10 + 20 * 100) / 1e6 / 2)


def test_files_stay_under_their_size(journal: Journal) -> None:
    with Loopback(script) as server:
        through(journal, server.url, range(20), size=3000)
        assert len(server.batches.made) > 4
        assert server.calls == 40


def test_another_process_goes_on(journal: Journal) -> None:
    with Loopback(script, batches=Fake(hold=True)) as server:

        async def stopped() -> None:
            async with Job(journal, patience=FAST, batch=True) as job:
                pace(job)
                client = job.connect(Endpoint(server.url))

                async def pause(_: float) -> None:
                    raise KeyboardInterrupt

                job.pause = pause  # type: ignore[method-assign]
                async for _ in job.each(range(12), lambda row: two_calls(client, row)):
                    pass

        with pytest.raises(KeyboardInterrupt):
            run(stopped())
        assert len(server.batches.made) == 1
        server.batches.hold = False
        again = Journal(journal.path)
        found = through(again, server.url, range(12))
        again.close()
        assert len(found) == 12
        assert server.calls == 24
        assert len(server.batches.made) == 2


@pytest.mark.parametrize("moment", ["before the upload", "after the upload", "after the batch was made"])
def test_a_kill_around_the_submission_makes_no_second_batch(moment: str, journal: Journal) -> None:
    with Loopback(script) as server:

        async def cut() -> None:
            async with Job(journal, patience=FAST, batch=True) as job:
                pace(job)
                client = job.connect(Endpoint(server.url))
                assert job.batches is not None
                spool = job.batches._spool
                note = spool.note

                def killed(name: str, file_id: str | None, batch_id: str | None) -> None:
                    if moment == "after the upload":
                        note(name, file_id, batch_id)
                        raise KeyboardInterrupt
                    if moment == "before the upload" or batch_id is not None:
                        raise KeyboardInterrupt
                    note(name, file_id, batch_id)

                spool.note = killed  # type: ignore[method-assign]
                async for _ in job.each(range(5), lambda row: two_calls(client, row)):
                    pass

        with pytest.raises(KeyboardInterrupt):
            run(cut())
        assert len(through(journal, server.url, range(5))) == 5
        assert server.calls == 10
        assert len(server.batches.made) == 2


def test_failures_in_a_batch_have_their_reasons(journal: Journal) -> None:
    wanted: dict[int, Any] = {
        0: Status(400, "too long: question 0", "context_length_exceeded"),
        1: Status(400, "no", "content_filter"),
        2: Say("no JSON"),
        3: Say("", refusal="I will not"),
        4: Say('{"n": "x"}'),
        5: Say('{"n": ', finish="length"),
        6: Status(500, "oops"),
    }
    with Loopback(lambda ask: wanted.get(int(ask.text.split()[1]), script(ask))) as server:
        found = through(journal, server.url, range(8))
        reasons = {n: r.reason for n, r in found.items() if isinstance(r, Failure)}
        assert reasons == {
            0: "api_error", 1: "refused", 2: "unparseable", 3: "refused", 4: "off_schema", 5: "truncated",
            6: "api_error",
        }  # fmt: skip
        assert isinstance(found[7], Answer)
        assert "question" not in repr([r.detail for r in found.values() if isinstance(r, Failure)])
        # A failure is not tried again in the same run, and is in the next one.
        assert server.calls == 9
        through(journal, server.url, range(8))
        assert server.calls == 16


def test_a_batch_that_expires_keeps_what_it_has(journal: Journal) -> None:
    with Loopback(script, batches=Fake(expire=0.4)) as server:
        found = through(journal, server.url, range(10))
        late = [r for r in found.values() if isinstance(r, Failure)]
        assert len(late) == 4 + 2
        assert {r.reason for r in late} == {"timeout"}
        server.batches.expire = 0.0
        assert all(isinstance(r, Answer) for r in through(journal, server.url, range(10)).values())
        assert server.calls == 20


def test_a_batch_that_is_refused_stops_the_run(journal: Journal) -> None:
    with Loopback(script, batches=Fake(fail="Enqueued token limit reached")) as server:
        with pytest.raises(UserError, match=r"refused a batch of 6 requests \(Enqueued token limit reached"):
            through(journal, server.url, range(6))
        server.batches.fail = ""
        assert len(through(journal, server.url, range(6))) == 6


def test_an_endpoint_without_batches(journal: Journal) -> None:
    with Loopback(script) as server, pytest.raises(UserError, match=r"took no batch \(404") as stopped:
        through(journal, server.url.replace("/v1", "/v2"), range(3))
    assert "without --batch" in (stopped.value.next_command or "")


def test_a_model_that_wants_max_completion_tokens_is_understood_in_a_batch(journal: Journal) -> None:
    def picky(ask: Ask) -> Any:
        if "max_tokens" in ask.body:
            return Status(400, "Use 'max_completion_tokens' instead.", "unsupported_parameter")
        return "fine"

    async def main(url: str) -> list[Result]:
        async with Job(journal, patience=FAST, batch=True) as job:
            pace(job)
            client = job.connect(Endpoint(url))
            asks = [request(n, sampling=Sampling(max_tokens=50)) for n in range(4)]
            return [result async for result in job.each(asks, client.ask)]

    with Loopback(picky) as server:
        assert all(isinstance(result, Answer) for result in run(main(server.url)))


def test_a_limit_that_a_wave_would_pass_sends_nothing(journal: Journal) -> None:
    with Loopback(script) as server, pytest.raises(UserError, match="--max-usd"):
        through(journal, server.url, range(200), usd=0.1)
    assert server.calls == 0
    assert not server.batches.made


def test_a_limit_that_was_passed_leaves_nothing_to_be_sent_later(journal: Journal) -> None:
    with Loopback(script) as server:
        with pytest.raises(UserError, match="--max-usd"):
            through(journal, server.url, range(60), usd=2.0, lines=5)
        assert not list(journal.path.with_name("journal.sqlite.batches").glob("*.jsonl"))
        assert len(through(journal, server.url, range(3), usd=2.0)) == 3
        assert server.calls == 6


def test_one_process_at_a_time(journal: Journal) -> None:
    first = Job(journal, batch=True)
    with pytest.raises(UserError, match=r"another process works on the batches of journal\.sqlite"):
        Job(journal, batch=True)
    assert first.batches is not None
    first.batches.close()
    second = Job(journal, batch=True)
    assert second.batches is not None
    second.batches.close()


def test_rows_have_to_be_there_more_than_once(journal: Journal) -> None:
    with Loopback(script) as server, pytest.raises(TypeError, match="several times"):
        through(journal, server.url, iter(range(3)))  # type: ignore[arg-type]


def test_no_key_in_what_lies_on_disk(journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789abcdefghij")
    with Loopback(script, batches=Fake(fail="sk-test-0123456789abcdefghij is over its limit")) as server:
        with pytest.raises(UserError) as stopped:
            through(journal, server.url, range(3))
        assert "sk-test" not in f"{stopped.value} {stopped.value.next_command}"
    assert all(b"sk-test" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
