"""What is asked: messages of text and pictures, a response schema, sampling parameters; and the key that names it."""

import hashlib
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Literal

KEY_VERSION = 1

Role = Literal["system", "user", "assistant"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]


class UnknownPictureError(ValueError):
    """Bytes that are no PNG, JPEG, WebP or GIF: chat endpoints take no others."""


def sniff(data: bytes) -> str:
    """The MIME type of a picture by its first bytes, never by a name.

    Raises:
        UnknownPictureError: the bytes are none of the four kinds that chat endpoints take.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    raise UnknownPictureError(f"{len(data)} bytes that are no PNG, JPEG, WebP or GIF picture")


@dataclass(frozen=True)
class Picture:
    """A picture's bytes as they are; ``mime`` is read from them.

    Raises:
        UnknownPictureError: see ``sniff``.
    """

    data: bytes = field(repr=False)
    mime: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "mime", sniff(self.data))

    @cached_property
    def sha256(self) -> str:
        """Hash of the bytes, in hex."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Message:
    """One message: who speaks, and its parts in order."""

    role: Role
    parts: tuple[str | Picture, ...]


def system(text: str) -> Message:
    """A system message."""
    return Message("system", (text,))


def user(*parts: str | Picture) -> Message:
    """A user's message of text and pictures."""
    return Message("user", parts)


@dataclass(frozen=True)
class Sampling:
    """Sampling parameters; what is None is left to the server.

    Attributes:
        temperature: 0 for the likeliest tokens.
        max_tokens: the most tokens of the answer (reasoning included, where a server counts it so).
        seed: for servers that sample reproducibly.
        reasoning_effort: for models that reason.
    """

    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    reasoning_effort: Effort | None = None

    def given(self) -> dict[str, Any]:
        """The parameters that are not None, by name."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}


@dataclass(frozen=True)
class Request:
    """One call to a chat model.

    Attributes:
        model: the name that the endpoint knows it by.
        messages: at least one.
        sampling: parameters.
        schema: JSON Schema that the answer has to meet (self-contained: references point inside it), or None for text.
        schema_name: what servers are told the schema is called; letters, digits, ``_`` and ``-``.
        sample: number of the draw, from 0: the same request with another number is asked anew.
        stage: what the call is for (``respond``, ``judge-awareness``, ``extract``); cost is counted by it. Not part
            of the key.
    """

    model: str
    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    schema: dict[str, Any] | None = None
    schema_name: str = "answer"
    sample: int = 0
    stage: str = "ask"

    @cached_property
    def key(self) -> str:
        """SHA-256 of the canonical request: all that can change the answer and nothing else.

        That is the key version, model, parameters, messages with each picture as its hash, schema and sample number.
        The endpoint's address is left out: a journal stays good when a model moves to another machine.
        """
        import orjson

        canonical = {
            "key_version": KEY_VERSION,
            "model": self.model,
            "sampling": self.sampling.given(),
            "messages": [[m.role, [_part(part) for part in m.parts]] for m in self.messages],
            "schema": self.schema,
            "sample": self.sample,
        }
        return hashlib.sha256(orjson.dumps(canonical, option=orjson.OPT_SORT_KEYS)).hexdigest()

    @property
    def pictures(self) -> list[Picture]:
        """All pictures, in order."""
        return [part for message in self.messages for part in message.parts if isinstance(part, Picture)]

    @property
    def texts(self) -> list[str]:
        """All text parts, in order."""
        return [part for message in self.messages for part in message.parts if isinstance(part, str)]


def _part(part: str | Picture) -> Any:
    return part if isinstance(part, str) else {"picture": part.sha256}
