"""Money: prices, totals, the limit and the estimate."""

import asyncio
import json
from pathlib import Path

import pytest
from cross_safety.console.errors import UserError
from cross_safety.inference import Answer, Endpoint, Job, Journal, Sampling, Usage, ask_all, run
from cross_safety.inference.cost import Ledger, estimate
from cross_safety.inference.prices import BUNDLED, Price, Prices, read_prices
from loopback.asking import FAST, Asked, request
from loopback.server import Loopback, Say, Status

PRICES = Prices("2026-01-01", {"scripted": Price(10.0, 1.0, 100.0, 0.5)})


def test_a_price_by_hand() -> None:
    price = Price(input=2.0, cached=0.5, output=8.0, batch=0.5)
    usage = Usage(prompt=1_000_000, completion=250_000, cached=400_000)
    assert price.cost(usage) == pytest.approx(0.6 * 2 + 0.4 * 0.5 + 0.25 * 8)
    assert price.cost(usage, batch=True) == pytest.approx(price.cost(usage) / 2)


def test_bundled_prices_are_dated_and_sane() -> None:
    prices = read_prices()
    assert prices.as_of == json.loads(BUNDLED.read_text())["as_of"]
    assert all(p.cached <= p.input <= p.output for p in prices.models.values())
    assert prices.of("gpt-4o-2024-11-20") == prices.of("gpt-4o") != prices.of("gpt-4o-2024-05-13")
    assert prices.of("gpt-4o-mini-tts") is None
    assert prices.of("unknown-2024-11-20", "gpt-4.1") == prices.of("gpt-4.1")


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        '{"as_of": "x", "models": {"m": {"input": 1}}}',
        '{"as_of": "x", "models": {"m": {"input": -1, "output": 1}}}',
        '{"as_of": "x", "models": {"m": {"input": "1", "output": 1}}}',
        '{"as_of": "x", "models": {"m": {"input": NaN, "output": 1}}}',
        '{"as_of": "x", "models": {"m": {"input": 1, "output": 1, "outptu": 2}}}',
        '{"models": {}}',
    ],
)
def test_a_file_of_prices_that_is_none(text: str, tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text(text)
    with pytest.raises(UserError, match=r"no file of prices .* the form is"):
        read_prices(file)


def test_totals_by_stage_and_model_survive_and_replays_cost_nothing(asked: Asked, journal: Journal) -> None:
    requests = [request(n, stage="a" if n < 3 else "b") for n in range(5)]

    def script(ask: object) -> Say:
        return Say("fine", usage=(1000, 100), cached=400, model="scripted-x")

    with Loopback(script) as server:
        asked(server.url, requests[:2])
        asked(server.url, requests)
    ledger = Ledger(journal, PRICES)
    one = (600 * 10 + 400 * 1 + 100 * 100) / 1e6
    lines = ledger.lines()
    assert {key: (line.calls, line.prompt) for key, line in lines.items()} == {
        ("a", "scripted"): (3, 3000),
        ("b", "scripted"): (2, 2000),
    }
    assert lines["a", "scripted"].usd == pytest.approx(3 * one)
    assert ledger.summary()["usd"] == pytest.approx(5 * one)
    assert "no price" in Ledger(journal, Prices("x", {})).text()
    assert Ledger(journal, Prices("x", {})).summary()["usd"] is None


def test_retries_and_failures_are_in_the_totals(asked: Asked, journal: Journal) -> None:
    with Loopback(lambda ask: Status(500) if ask.tries == 1 else Say("", refusal="no")) as server:
        asked(server.url, [request(n) for n in range(4)])
    line = Ledger(journal, PRICES).lines()["test", "scripted"]
    assert (line.calls, line.retries, line.failures, line.prompt) == (4, 4, {"refused": 4}, 400)


def limited(journal: Journal, url: str, count: int, usd: float, slots: int = 8) -> int:
    """How many answers come under a limit; raises what stops the run."""

    async def main() -> int:
        async with Job(journal, Ledger(journal, PRICES, usd), patience=FAST) as job:
            client = job.connect(Endpoint(url, concurrency=slots))
            asks = ((n, request(n, sampling=Sampling(max_tokens=100))) for n in range(count))
            return len([r async for _, r in ask_all(job, client, asks) if isinstance(r, Answer)])

    return run(main())


def test_the_limit_stops_before_the_call_that_would_pass_it(journal: Journal) -> None:
    # Each call takes $0.012; its upper bound is about $0.027, for a picture and 100 tokens of answer.
    with Loopback(lambda ask: Say("fine", usage=(1000, 20), delay_s=0.005)) as server:
        with pytest.raises(UserError, match=r"--max-usd 0\.5 is reached") as stopped:
            limited(journal, server.url, 200, 0.5)
        spent = Ledger(journal, PRICES).summary()["usd"]
        assert 0.4 < spent <= 0.5
        assert "higher --max-usd goes on" in (stopped.value.next_command or "")
        calls = server.calls
        # Every call that was sent is in the journal: nothing that was paid for is lost.
        assert sum(1 for _ in journal.answers()) == calls
        with pytest.raises(UserError, match="is reached"):
            limited(journal, server.url, 200, 0.5)
        assert server.calls == calls
        assert limited(journal, server.url, 60, 50.0) == 60
        assert server.calls == max(calls, 60)


def test_a_limit_holds_where_calls_are_lost(journal: Journal) -> None:
    with Loopback(lambda ask: Status(413)) as server:
        assert limited(journal, server.url, 5, 1.0) == 0
    with Loopback(lambda ask: Say("fine", usage=None)) as server, pytest.raises(UserError, match="is reached"):
        # A server that counts no tokens: what was set aside counts as spent.
        limited(journal, server.url, 200, 0.5)
    assert 10 <= server.calls <= 30


def test_a_limit_wants_a_price(journal: Journal) -> None:
    async def main() -> None:
        async with Job(journal, Ledger(journal, Prices("2026-01-01", {}), 5.0), patience=FAST) as job:
            await job.connect(Endpoint(server.url)).ask(request())

    with Loopback(lambda ask: "fine") as server, pytest.raises(UserError, match="scripted has no price") as refused:
        run(main())
    assert server.calls == 0
    assert "--prices FILE" in (refused.value.next_command or "")


def test_an_estimate_by_hand() -> None:
    told = estimate([1.0, 2.0, 3.0], 10)
    assert (told.sampled, told.rows, told.usd) == (3, 10, 20.0)
    # s = 1; 7 rows to come: 1.96 · sqrt(7² / 3 + 7)
    assert told.low is not None and told.high is not None
    assert told.high - 20 == pytest.approx(1.959964 * (49 / 3 + 7) ** 0.5)
    assert told.low == pytest.approx(40 - told.high)
    assert estimate([1.0, None], 10).usd is None
    assert (estimate([2.0], 10).usd, estimate([2.0], 10).low) == (20.0, None)
    assert estimate([1.0, 2.0, 3.0], 3).high == pytest.approx(6.0)


def test_rows_tell_what_they_cost(journal: Journal) -> None:
    async def main() -> list[float | None]:
        async with Job(journal, Ledger(journal, PRICES), patience=FAST) as job:
            client = job.connect(Endpoint(server.url))

            async def work(number: int) -> None:
                await client.ask(request(number))
                await asyncio.gather(client.ask(request(number, sample=1)), client.ask(request(number, sample=2)))

            async for _ in job.each(range(4), work):
                pass
            return list(job.row_costs)

    with Loopback(lambda ask: Say("fine", usage=(1000, 20))) as server:
        first, again = run(main()), run(main())
    assert first == again == [pytest.approx(3 * 0.012)] * 4
    assert server.calls == 12
