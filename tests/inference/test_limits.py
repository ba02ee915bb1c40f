"""Limits: slots, rate limits, memory of rows, stops in mid-run, and what the options make of them."""

import asyncio
import time
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from cross_safety.console.errors import UserError
from cross_safety.inference import Answer, Endpoint, Job, Journal, Picture, UnknownPictureError, ask_all, run
from cross_safety.inference.limits import Limiter, Patience, retry_after
from cross_safety.inference.options import InferenceOptions, inference_options
from cross_safety.inference.structured import is_strict, parse
from cross_safety.inference.trouble import scrub
from hypothesis import given
from hypothesis import strategies as st
from loopback.asking import FAST, Asked, request
from loopback.server import Ask, Loopback, Say, Status


def test_slots_are_bounded_and_full(asked: Asked) -> None:
    with Loopback(lambda ask: Say("fine", delay_s=0.05)) as server:
        began = time.monotonic()
        asked(server.url, [request(n) for n in range(100)], slots=10)
        took = time.monotonic() - began
    assert server.most_at_once == 10
    assert took < 3 * 100 / 10 * 0.05 + 2


def test_the_limiter_by_hand() -> None:
    async def main() -> None:
        limiter = Limiter(100)
        assert limiter.limit == 64
        for _ in range(50):
            limiter.good()
        assert limiter.limit == 100
        early = [await limiter.acquire() for _ in range(3)]
        for ticket in early:
            limiter.crowded(ticket, None)
        # Three calls of one crowd cut once.
        assert limiter.limit == pytest.approx(70)
        limiter.crowded(await limiter.acquire(), None)
        assert limiter.limit == pytest.approx(49)
        limiter.good()
        assert limiter.limit == pytest.approx(49 + 1 / 49)
        for _ in range(20):
            limiter.crowded(limiter._cuts, None)
        assert limiter.limit == 1

    run(main())


def test_a_slot_is_not_lost_when_its_waiter_is_cancelled() -> None:
    async def main() -> None:
        limiter = Limiter(1)
        await limiter.acquire()
        waiting = [asyncio.create_task(limiter.acquire()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        limiter.release()
        waiting[1].cancel()
        await asyncio.sleep(0.01)
        await asyncio.wait_for(waiting[2], 1)
        assert limiter.active == 1

    run(main())


def test_a_rate_limit_is_used_and_not_overrun(asked: Asked) -> None:
    """A bucket of 100 calls a second: most of it is used, few calls are refused, none is lost."""
    state = {"tokens": 10.0, "at": time.monotonic()}

    def bucket(ask: Ask) -> Any:
        now = time.monotonic()
        state["tokens"] = min(10.0, state["tokens"] + (now - state["at"]) * 100)
        state["at"] = now
        if state["tokens"] < 1:
            return Status(429, "slow down", headers={"retry-after-ms": "50"})
        state["tokens"] -= 1
        return Say("fine", delay_s=0.1)

    with Loopback(bucket) as server:
        began = time.monotonic()
        found = asked(server.url, [request(n) for n in range(300)], slots=32)
        rate = 300 / (time.monotonic() - began)
    assert all(isinstance(result, Answer) for result in found.values())
    assert rate > 50
    assert server.calls < 300 * 1.5


def test_rows_are_drawn_as_there_is_room(journal: Journal) -> None:
    drawn, most = 0, 0

    def rows() -> Any:
        nonlocal drawn
        for number in range(200):
            drawn += 1
            yield number, request(number)

    async def main(url: str) -> None:
        nonlocal most
        done = 0
        async with Job(journal, patience=FAST) as job:
            client = job.connect(Endpoint(url, concurrency=8))
            async for _ in ask_all(job, client, rows()):
                done += 1
                most = max(most, drawn - done)

    with Loopback(lambda ask: "fine") as server:
        run(main(server.url))
    assert drawn == 200
    assert most <= 12


def test_rows_may_come_from_an_async_source_and_leave_early(journal: Journal) -> None:
    async def rows() -> Any:
        for number in range(50):
            await asyncio.sleep(0)
            yield number

    async def main(url: str) -> None:
        async with Job(journal, patience=FAST) as job:
            client = job.connect(Endpoint(url, concurrency=4))
            async for result in job.each(rows(), lambda number: client.ask(request(number))):
                assert isinstance(result, Answer)
                break

    with Loopback(lambda ask: Say("fine", delay_s=0.02)) as server:
        run(main(server.url))


def test_what_work_raises_ends_the_job(journal: Journal) -> None:
    async def main(url: str) -> None:
        async with Job(journal, patience=FAST) as job:
            client = job.connect(Endpoint(url, concurrency=4))

            async def work(number: int) -> None:
                await client.ask(request(number))
                raise ZeroDivisionError

            async for _ in job.each(range(50), work):
                pass

    with Loopback(lambda ask: "fine") as server, pytest.raises(ZeroDivisionError):
        run(main(server.url))


def test_calls_under_way_come_in_when_the_run_stops(asked: Asked, journal: Journal) -> None:
    def script(ask: Ask) -> Any:
        return Status(401, "revoked") if ask.number == 20 else Say("fine", delay_s=0.2)

    with Loopback(script) as server, pytest.raises(UserError, match="revoked"):
        asked(server.url, [request(n) for n in range(100)], slots=8)
    assert server.answered.total() == sum(1 for _ in journal.answers())


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "x"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


@given(st.integers(1, 40))
def test_pauses_grow_within_bounds(tried: int) -> None:
    assert 0.25 <= Patience().pause(tried) <= 45


@pytest.mark.parametrize(
    "data", [b"", b"GIF", b"<svg/>", b"BM" + bytes(60), b"\x00\x00\x00\x20ftypavif", b"RIFF1234WAVE"]
)
def test_pictures_that_no_endpoint_takes(data: bytes) -> None:
    with pytest.raises(UnknownPictureError):
        Picture(data)


def test_what_a_key_is_made_of() -> None:
    base = request(1)
    same = request(1, stage="other", schema_name="other")
    others = [
        request(2), request(1, model="m"), request(1, sample=1), request(1, schema={}), request(1, messages=()),
        request(1, sampling=base.sampling.__class__(seed=1)),
    ]  # fmt: skip
    assert same.key == base.key
    assert len({each.key for each in [base, *others]}) == 7
    # Fixed for good: another value would make every journal worthless. A change of the form is a new KEY_VERSION.
    assert request(1, messages=()).key == "e30a2dacea078ec6a1beef03ecefca7a171342096a9103509c7ff50b4f195e5d"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        (' \n{"a": 1}\n', {"a": 1}),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('```\n{"a": 1}\n```\n', {"a": 1}),
        ('<think>{"a": 2}</think>{"a": 1}', {"a": 1}),
        ("[1]", [1]),
        ('{"a": 1} {"a": 2}', None),
        ('score: {"a": 1}', None),
        ('```json\n{"a": 1}\n```\nand more', None),
        ('{"a": NaN}', None),
        ("[" * 5000 + "]" * 5000, None),
        ("", None),
    ],
)
def test_which_texts_hold_a_value(text: str, value: Any) -> None:
    found, failure = parse(text, {})
    assert found == value
    assert (failure is None) == (value is not None)
    assert failure is None or failure.reason == "unparseable"


def test_a_reference_in_a_schema_is_never_fetched() -> None:
    with Loopback(lambda ask: "fine") as server, pytest.raises(Exception, match="Unresolvable"):
        parse("{}", {"$ref": f"{server.url}/schema.json"})


def test_what_is_strict() -> None:
    closed = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    assert is_strict(closed)
    assert is_strict({"type": "array", "items": closed})
    assert not is_strict({**closed, "required": []})
    assert not is_strict({**closed, "properties": {"a": {"type": "string", "minLength": 1}}})
    assert not is_strict({"type": "array", "items": {"type": "object"}})


@given(st.text(min_size=24, max_size=60), st.text(max_size=300), st.text(max_size=300))
def test_nothing_of_the_request_is_left_in_words_of_a_server(sent: str, before: str, after: str) -> None:
    from cross_safety.inference import user

    asking = request(messages=(user(sent),))
    told = scrub(f"{before}{sent}{after}", asking, Endpoint("http://localhost/v1"))
    line = " ".join(sent.split())
    assert len(line) < 24 or line not in told
    assert told.isprintable() or not told
    assert len(told) <= 241


def test_the_options() -> None:
    @click.command()
    @inference_options
    def command(inference: InferenceOptions) -> None:
        click.echo(repr(inference))

    helped = CliRunner().invoke(command, ["--help"])
    for field in InferenceOptions.__dataclass_fields__:
        assert f"--{field.replace('_', '-')}" in helped.output
    assert CliRunner().invoke(command, []).output.strip() == repr(InferenceOptions())
    told = ["--model", "m", "--max-usd", "2.5", "--batch", "--retry-failed", "--concurrency", "8"]
    wanted = InferenceOptions(model="m", max_usd=2.5, batch=True, retry_failed=True, concurrency=8)
    assert CliRunner().invoke(command, told).output.strip() == repr(wanted)
    for wrong in (["--max-usd", "0"], ["--concurrency", "0"], ["--timeout", "0"], ["--prices", "no such file"]):
        assert CliRunner().invoke(command, wrong).exit_code == 2


def test_what_the_options_make(tmp_path: Path, journal: Journal) -> None:
    file = tmp_path / "prices.json"
    file.write_text('{"as_of": "2026-01-01", "models": {"m": {"input": 1, "output": 2}}}')
    options = InferenceOptions(
        model="m", base_url="http://localhost:1/v1/", max_usd=1.0, prices=file, retry_failed=True
    )
    assert options.endpoint() == Endpoint("http://localhost:1/v1/")
    assert options.endpoint().url == "http://localhost:1/v1"
    job = options.job(journal)
    assert (job.asking, job.ledger.max_usd, job.ledger.prices.file) == ("failed", 1.0, "prices.json")
    with pytest.raises(UserError, match="n has no price"):
        InferenceOptions(model="n", max_usd=1.0, prices=file).job(journal)
    with pytest.raises(click.UsageError, match="--model NAME is needed"):
        InferenceOptions().need_model()
