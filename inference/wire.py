"""Requests as the bytes that chat completions want, and answers read from what comes back."""

from typing import Any

import orjson
import pybase64

from .request import Message, Picture, Request
from .result import Usage


def body(request: Request) -> bytes:
    """The JSON body of a chat completion; pictures as data addresses of their real type."""
    content: dict[str, Any] = {
        "model": request.model,
        "messages": [_message(message) for message in request.messages],
        **request.sampling.given(),
    }
    if request.schema is not None:
        shape = {"name": request.schema_name, "schema": request.schema, "strict": False}
        content["response_format"] = {"type": "json_schema", "json_schema": shape}
    return orjson.dumps(content)


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


def usage(answer: dict[str, Any]) -> Usage | None:
    """Tokens that a response tells; None where it tells none."""
    told = answer.get("usage")
    if not isinstance(told, dict):
        return None
    details = told.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    return Usage(_count(told.get("prompt_tokens")), _count(told.get("completion_tokens")), _count(cached))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 1 << 40 else 0
