"""The typed call against a server on loopback: every answer and every kind of failure."""

import base64
import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest
from cross_safety.console.errors import UserError
from cross_safety.inference import Answer, Endpoint, Failure, Journal, Message, Request, Sampling, Usage, system, user
from cross_safety.inference.limits import Patience
from loopback.asking import Asked, picture, request
from loopback.server import Ask, CutOff, Hang, Loopback, Raw, Say, Status

SCHEMA = {
    "type": "object",
    "properties": {"label": {"type": "integer", "enum": [0, 1]}, "why": {"type": "string"}},
    "required": ["label", "why"],
    "additionalProperties": False,
}


def test_an_answer(asked: Asked) -> None:
    with Loopback(
        lambda ask: Say(f"said {ask.text}", usage=(120, 7), cached=64, model="scripted-2026-01-02")
    ) as server:
        found = asked(server.url, [request(3)])
    usage = Usage(120, 7, 64)
    assert found == {0: Answer("said question 3", None, "scripted-2026-01-02", "stop", usage, replayed=False)}


def test_what_is_sent(asked: Asked) -> None:
    pictures = [picture(i, kind) for i, kind in enumerate(("PNG", "JPEG", "WEBP", "GIF"))]
    messages = (system("be brief"), user("one", *pictures, "two"))
    sampling = Sampling(temperature=0.5, max_tokens=50, seed=7, reasoning_effort="low")
    with Loopback(lambda ask: '{"label": 0, "why": "b"}') as server:
        asked(server.url, [Request("scripted", messages, sampling, SCHEMA, "verdict")])
    (ask,) = server.asks
    assert not server.faults
    assert [kind for kind, _ in ask.pictures] == ["image/png", "image/jpeg", "image/webp", "image/gif"]
    assert [data for _, data in ask.pictures] == [p.data for p in pictures]
    assert ask.body["messages"][0] == {"role": "system", "content": "be brief"}
    assert [part["type"] for part in ask.body["messages"][1]["content"]] == ["text", *["image_url"] * 4, "text"]
    assert {name: ask.body[name] for name in ("temperature", "max_tokens", "seed", "reasoning_effort")} == {
        "temperature": 0.5, "max_tokens": 50, "seed": 7, "reasoning_effort": "low",
    }  # fmt: skip
    form = ask.body["response_format"]
    assert form == {"type": "json_schema", "json_schema": {"name": "verdict", "schema": SCHEMA, "strict": True}}


def test_an_empty_answer_is_an_answer(asked: Asked) -> None:
    with Loopback(lambda ask: Say(None if "0" in ask.text else "")) as server:
        found = asked(server.url, [request(0), request(1)])
    assert [found[i].text for i in range(2)] == ["", ""]  # type: ignore[union-attr]


REASONS: dict[str, tuple[Any, str, str]] = {
    "refused by the model": (Say("", refusal="I will not."), "refused", "by the model"),
    "refused by a filter": (Say("half", finish="content_filter"), "refused", "by a filter"),
    "refused before": (Status(400, "filtered", "content_filter"), "refused", "400 content_filter filtered"),
    "truncated": (Say('{"label": 1, "wh', finish="length"), "truncated", "token limit"),
    "no JSON": (Say("label: 1"), "unparseable", "no JSON"),
    "words around": (Say('Sure! {"label": 1, "why": "x"}'), "unparseable", "no JSON"),
    "other schema": (Say('{"label": 2, "why": "secret"}'), "off_schema", "$.label: enum"),
    "a bad request": (Status(400, "context length exceeded", "context_length_exceeded"), "api_error", "context"),
    "too large": (Status(413, "too large"), "api_error", "413 too large"),
    "broken for good": (Status(500, "oops"), "api_error", "500 oops, 6 times"),
    "cut off for good": (CutOff(), "api_error", "connection lost, 6 times"),
    "a page": (Raw(b"<html>proxy</html>", "text/html"), "api_error", "no JSON, 6 times"),
    "no choices": (Raw(b'{"object": "chat.completion", "choices": []}'), "api_error", "JSON without choices"),
    "an error as 200": (Raw(b'{"error": {"message": "overloaded"}}'), "api_error", "an error in a response"),
    "rate limited": (Status(429, "slow down"), "rate_limited", "still, after 12 tries: 429 slow down"),
    "hangs": (Hang(), "timeout", "no answer within 0.3 s, 3 times"),
}


@pytest.mark.parametrize("case", REASONS)
def test_a_failure_has_its_reason(case: str, asked: Asked, journal: Journal) -> None:
    wanted, reason, detail = REASONS[case]
    # One good answer beside, so that the endpoint counts as alive.
    with Loopback(lambda ask: '{"label": 1, "why": "y"}' if ask.text == "question 0" else wanted) as server:
        asked(server.url, [request(0, schema=SCHEMA)])
        found = asked(server.url, [request(1, schema=SCHEMA)], timeout_s=0.3)
    result = found[0]
    assert isinstance(result, Failure)
    assert result.reason == reason
    assert detail in result.detail
    assert "secret" not in result.detail
    assert journal.answer(request(1, schema=SCHEMA).key) is None
    assert journal.outcome(request(1, schema=SCHEMA).key) == reason
    assert (result.usage is not None) == isinstance(wanted, Say)


@pytest.mark.parametrize("fault", [Status(500), Status(503), Status(429), Status(408), CutOff(), Hang(), Raw(b"{")])
def test_what_passes_is_tried_again(fault: Any, asked: Asked) -> None:
    with Loopback(lambda ask: "fine" if ask.tries > 2 else fault) as server:
        found = asked(server.url, [request(i) for i in range(5)], timeout_s=0.3)
    assert all(isinstance(result, Answer) for result in found.values())
    assert server.calls == 15


def test_retry_after_is_honoured_by_all(asked: Asked) -> None:
    times: list[float] = []

    def script(ask: Ask) -> Any:
        times.append(time.monotonic())
        return Status(429, headers={"Retry-After": "1"}) if len(times) == 1 else "fine"

    with Loopback(script) as server:
        found = asked(server.url, [request(i) for i in range(20)], slots=1)
    assert len(found) == 20
    assert all(isinstance(result, Answer) for result in found.values())
    assert times[1] - times[0] >= 0.95


def test_nothing_answered_is_asked_twice(asked: Asked) -> None:
    requests = [request(i % 10, sample=i % 2) for i in range(60)]
    with Loopback(lambda ask: Say("fine", delay_s=0.05)) as server:
        first = asked(server.url, requests, slots=60)
        assert server.calls == 10
        again = asked(server.url, requests)
        assert server.calls == 10
    assert all(isinstance(result, Answer) and result.replayed for result in again.values())
    assert [first[i].text for i in range(60)] == [again[i].text for i in range(60)]  # type: ignore[union-attr]


def test_failures_are_never_served(asked: Asked) -> None:
    state = {"well": False}
    with Loopback(lambda ask: "fine" if state["well"] else Say("", refusal="no")) as server:
        assert {r.reason for r in asked(server.url, [request(1), request(2)]).values()} == {"refused"}  # type: ignore[union-attr]
        state["well"] = True
        assert all(isinstance(r, Answer) for r in asked(server.url, [request(1), request(2)]).values())
        assert server.calls == 4


def test_retry_failed_asks_just_them(asked: Asked) -> None:
    state = {"well": False}
    with Loopback(lambda ask: "fine" if state["well"] or "1" in ask.text else Status(413)) as server:
        asked(server.url, [request(1), request(2)])
        state["well"] = True
        found = asked(server.url, [request(1), request(2), request(3)], asking="failed")
    assert isinstance(found[0], Answer) and isinstance(found[1], Answer)
    assert isinstance(found[2], Failure) and found[2].reason == "not_asked"
    assert server.calls == 3


def test_without_calls_the_journal_is_enough_or_the_run_stops(asked: Asked) -> None:
    with Loopback(lambda ask: "fine") as server:
        asked(server.url, [request(1)])
    assert isinstance(asked("http://127.0.0.1:9/v1", [request(1)], asking="nothing")[0], Answer)
    with pytest.raises(UserError, match="has no answer to a request of stage test"):
        asked("http://127.0.0.1:9/v1", [request(2)], asking="nothing")


def test_a_server_without_response_format_is_found_out_once(asked: Asked) -> None:
    def script(ask: Ask) -> Any:
        if ask.schema is not None:
            return Status(400, "response_format is not supported", param="response_format")
        return '```json\n{"label": 1, "why": "it is"}\n```' if "JSON Schema" in ask.text else "prose"

    with Loopback(script) as server:
        found = asked(server.url, [request(i, schema=SCHEMA) for i in range(20)], slots=1)
    assert [r.parsed for r in found.values()] == [{"label": 1, "why": "it is"}] * 20  # type: ignore[union-attr]
    assert sum(ask.schema is not None for ask in server.asks) == 1


def test_a_server_that_ignores_response_format_is_found_out_too(asked: Asked) -> None:
    def script(ask: Ask) -> Any:
        return '<think>hm {"label": 0}</think>\n{"label": 1, "why": "x"}' if "JSON Schema" in ask.text else "prose"

    with Loopback(script) as server:
        found = asked(server.url, [request(i, schema=SCHEMA) for i in range(10)], slots=1)
    assert all(isinstance(result, Answer) for result in found.values())
    # Two rows were on their way when the first one found out.
    assert 11 <= server.calls <= 12


def test_a_model_that_wants_max_completion_tokens(asked: Asked) -> None:
    def script(ask: Ask) -> Any:
        if "max_tokens" in ask.body:
            return Status(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", param="x")
        return str(ask.body["max_completion_tokens"])

    with Loopback(script) as server:
        found = asked(server.url, [request(i, sampling=Sampling(max_tokens=9)) for i in range(10)], slots=4)
    assert {r.text for r in found.values()} == {"9"}  # type: ignore[union-attr]
    assert sum("max_tokens" in ask.body for ask in server.asks) <= 4


STOPS: dict[str, tuple[Status, str, str]] = {
    "no key": (Status(401, "Incorrect API key"), "wants a key, and there is none in TEST_KEY", "export TEST_KEY="),
    "forbidden": (Status(403, "no access"), "does not let this key use scriptde", "--model"),
    "no model": (Status(404, "no", "model_not_found"), "it offers: scripted, other", "--model scripted"),
    "no model as 400": (Status(400, "The model `x` does not exist"), "knows no model", "--model scripted"),
    "no credit": (Status(429, "quota", "insufficient_quota"), "no credit is left", "add credit"),
    "a long wait": (Status(429, "daily", headers={"Retry-After": "7200"}), "wait for 120 minutes", "after that"),
    "nothing taken": (Status(400, "no pictures please"), "took none of the first 8 requests", "--model"),
}


@pytest.mark.parametrize("case", STOPS)
def test_what_stops_the_run(case: str, asked: Asked) -> None:
    wanted, what, next_command = STOPS[case]
    with Loopback(lambda ask: wanted, models=("scripted", "other")) as server, pytest.raises(UserError) as stopped:
        asked(server.url, [request(i, model="scriptde") for i in range(200)], slots=4)
    assert what in str(stopped.value).replace("OPENAI_API_KEY", "TEST_KEY")
    assert next_command in (stopped.value.next_command or "").replace("OPENAI_API_KEY", "TEST_KEY")
    assert server.calls <= 24


def test_a_dead_endpoint_stops_the_run_and_it_goes_on_later(asked: Asked) -> None:
    requests = [request(i) for i in range(40)]
    with Loopback(lambda ask: "fine") as server:
        asked(server.url, requests[:10])
    began = time.monotonic()
    with pytest.raises(UserError, match="gave no usable response for 1 s") as stopped:
        asked(server.url, requests)
    assert time.monotonic() - began < 10
    assert "/models), then the same command again" in (stopped.value.next_command or "")
    with Loopback(lambda ask: "fine") as server:
        assert len(asked(server.url, requests)) == 40
        assert server.calls == 30


def test_an_endpoint_that_gives_nothing_but_errors_is_dead(asked: Asked) -> None:
    with Loopback(lambda ask: Status(503, "loading")) as server, pytest.raises(UserError, match="no usable response"):
        asked(server.url, [request(i) for i in range(200)], patience=Patience(pause_s=0.05, dead_after_s=0.5))


KEY = "sk-test-0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_the_key_is_found_nowhere(
    status: int,
    asked: Asked,
    journal: Journal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    secret = "the whole prompt with what nobody else may read in it"

    def script(ask: Ask) -> Any:
        assert ask.key == KEY
        return Status(status, f"Bearer {ask.key}, {KEY[:12]}***, {base64.b64encode(KEY.encode())!r}: {ask.text}")

    told = ""
    with Loopback(script) as server:
        try:
            found = asked(server.url, [request(1, messages=(user(secret),))])
            told = repr(found)
        except UserError as error:
            told = f"{error} {error.next_command} {error!r} {error.__cause__!r}"
    journal.close()
    on_disk = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()).decode(errors="replace")
    for text in (told, caplog.text, on_disk):
        assert KEY[:12] not in text
        assert secret[:30] not in text
    assert str(status) in told


@pytest.mark.parametrize(
    "url", ["http://user:pass@host/v1", "http://host/v1?key=abc", "ftp://host/v1", "host:8000/v1", "", "http:///v1"]
)
def test_addresses_that_are_none_or_hold_a_key(url: str) -> None:
    with pytest.raises(UserError) as refused:
        Endpoint(url or "x")
    assert "pass" not in str(refused.value) and "abc" not in str(refused.value)


def test_openai_wants_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UserError, match="OPENAI_API_KEY is not set"):
        Endpoint().key()
    assert Endpoint("http://localhost:1/v1").key() == "none"


def test_a_message_of_several_turns(asked: Asked) -> None:
    turns = (user("a", picture()), Message("assistant", ("b",)), user("c"))
    with Loopback(lambda ask: json.dumps([m["role"] for m in ask.body["messages"]])) as server:
        found = asked(server.url, [Request("scripted", turns)])
    assert found[0].text == '["user", "assistant", "user"]'  # type: ignore[union-attr]
