"""Requests as the bytes that chat completions want, and results read from what comes back."""

from dataclasses import dataclass, replace
from typing import Any

import orjson
import pybase64

from . import structured
from .journal import Call
from .request import Message, Picture, Request
from .result import Answer, Failure, Result, Usage


@dataclass
class Manners:
    """What an endpoint's model turned out to want; found out once, by its refusals.

    Attributes:
        plain_json: it lacks ``response_format``, the schema goes into the prompt.
        completion_limit: it wants ``max_completion_tokens`` for ``max_tokens``.
        proved: one answer at least met a schema, in the way of ``plain_json``.
    """

    plain_json: bool = False
    completion_limit: bool = False
    proved: bool = False


def body(request: Request, manners: Manners) -> bytes:
    """The JSON body of a chat completion; pictures as data addresses of their real type."""
    given = request.sampling.given()
    if manners.completion_limit and "max_tokens" in given:
        given["max_completion_tokens"] = given.pop("max_tokens")
    content: dict[str, Any] = {"model": request.model, "messages": [_message(m) for m in _messages(request, manners)]}
    if request.schema is not None and not manners.plain_json:
        content["response_format"] = structured.response_format(request)
    return orjson.dumps(content | given)


def _messages(request: Request, manners: Manners) -> tuple[Message, ...]:
    if request.schema is None or not manners.plain_json:
        return request.messages
    *before, last = request.messages
    return (*before, replace(last, parts=(*last.parts, structured.in_words(request.schema))))


def _message(message: Message) -> dict[str, Any]:
    match message.parts:
        case (str() as text,):
            # A plain string is what every server takes; lists of parts are younger.
            return {"role": message.role, "content": text}
        case parts:
            return {"role": message.role, "content": [_part(part) for part in parts]}


def _part(part: str | Picture) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    # Base64 has nothing to escape, so it is put into the JSON as it is.
    data = b'"data:%s;base64,%s"' % (part.mime.encode(), pybase64.b64encode(part.data))
    return {"type": "image_url", "image_url": {"url": orjson.Fragment(data)}}


@dataclass(frozen=True, slots=True)
class Reply:
    """A response that had the shape of a chat completion.

    Attributes:
        result: what it comes to.
        text: what the model wrote, also where that is of no use.
        finish_reason: as told by the server.
    """

    result: Result
    text: str
    finish_reason: str


class NoCompletionError(ValueError):
    """A response that is no chat completion; the text says in what way, without quoting it."""


def read(request: Request, raw: bytes) -> Reply:
    """The result that a response body holds.

    Raises:
        NoCompletionError: it is no JSON, or JSON of another shape.
    """
    try:
        return _reply(request, orjson.loads(raw))
    except orjson.JSONDecodeError:
        raise NoCompletionError(f"{len(raw)} bytes that are no JSON") from None


def read_parsed(request: Request, completion: Any) -> Reply:
    """``read`` for a response body that is parsed already (a line of a batch)."""
    return _reply(request, completion)


def _reply(request: Request, completion: Any) -> Reply:
    match completion:
        case {"choices": [{"message": dict() as message, **choice}, *_]}:
            model = _word(completion.get("model")) or request.model
            finish = _word(choice.get("finish_reason"))
            text = message.get("content") or ""
            if not isinstance(text, str):
                raise NoCompletionError("a message whose content is no text")
            refusal = _word(message.get("refusal"))
            return Reply(judge(request, text, finish, model, usage(completion), bool(refusal)), text or refusal, finish)
        case {"error": _}:
            raise NoCompletionError("an error in a response of status 200")
        case _:
            raise NoCompletionError("JSON without choices")


def judge(
    request: Request, text: str, finish: str, model: str, spent: Usage | None, refused: bool = False
) -> Answer | Failure:
    """What a text that came back, now or in the journal, is worth."""
    if refused or finish == "content_filter":
        return Failure("refused", "by a filter" if finish == "content_filter" else "by the model", spent, model)
    if finish == "length":
        return Failure("truncated", f"the answer hit its token limit after {len(text)} characters", spent, model)
    if request.schema is None:
        return Answer(text, None, model, finish, spent)
    value, failure = structured.parse(text, request.schema)
    if failure is not None:
        return replace(failure, usage=spent, model=model)
    return Answer(text, value, model, finish, spent)


def recorded(key: str, stage: str, asked_model: str, reply: Reply) -> Call:
    """A reply as the journal keeps it."""
    result = reply.result
    outcome, detail = (result.reason, result.detail) if isinstance(result, Failure) else ("answer", None)
    finish = reply.finish_reason or None
    return Call(key, stage, asked_model, outcome, result.model, finish, reply.text, detail, result.usage)


def _word(value: Any) -> str:
    return value[:200] if isinstance(value, str) else ""


def usage(answer: dict[str, Any]) -> Usage | None:
    """Tokens that a response tells; None where it tells none."""
    told = answer.get("usage")
    if not isinstance(told, dict) or not isinstance(told.get("prompt_tokens"), int):
        return None
    details = told.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    return Usage(_count(told.get("prompt_tokens")), _count(told.get("completion_tokens")), _count(cached))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 1 << 40 else 0
