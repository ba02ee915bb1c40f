"""What comes back: either an answer or a failure with its reason, never both, never a default."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Reason = Literal[
    "api_error", "rate_limited", "timeout", "refused", "truncated", "unparseable", "off_schema", "not_asked"
]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call as the server counted them.

    Attributes:
        prompt: tokens of the request, pictures included.
        completion: tokens of the answer, reasoning included.
        cached: how many of ``prompt`` the server had in its cache.
    """

    prompt: int = 0
    completion: int = 0
    cached: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said.

    Attributes:
        text: the answer as it came; may be empty.
        parsed: the JSON value, checked against the request's schema; None where no schema was asked for.
        model: the model name that came back (often a dated snapshot of the one asked for).
        finish_reason: as the server told it (``stop``).
        usage: tokens, None where the server counts none.
        replayed: True where the answer came from the journal and cost nothing now.
    """

    text: str
    parsed: Any
    model: str
    finish_reason: str
    usage: Usage | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer. It says nothing about what the answer would have been.

    Attributes:
        reason: ``api_error`` (no usable response, after all retries), ``rate_limited`` (still, after all retries),
            ``timeout``, ``refused`` (by the model or a filter), ``truncated`` (the answer hit its token limit),
            ``unparseable`` (JSON was asked for and none came), ``off_schema`` (JSON that misses the schema),
            ``not_asked`` (``--retry-failed`` leaves alone what was never asked before).
        detail: in words, with nothing of the request or the key in it.
        usage: tokens that were paid for nonetheless, where known.
        model: the model name that came back, where one did.
    """

    reason: Reason
    detail: str
    usage: Usage | None = None
    model: str | None = None


Result: TypeAlias = Answer | Failure
