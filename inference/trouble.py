"""What went wrong with a call, in words that hold neither key nor request, and what follows from it."""

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from .endpoint import NO_KEY, Endpoint
from .limits import retry_after
from .request import Request

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAIError

LONGEST = 240
_ECHO = 24

Kind = Literal[
    "timeout", "unreachable", "broken", "rate_limited", "refused", "no_schema", "no_max_tokens", "bad", "stop"
]

_SECRETS = re.compile(
    r"(?i)\b(bearer\s+)\S+|\b(sk|hf|gsk|key)[-_][A-Za-z0-9_\-*]{6,}|data:[\w/+.-]+;base64,\S*|[A-Za-z0-9+/=_\-]{48,}"
)
_NO_CREDIT = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
_FILTERED = {"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"}
_NO_MODEL = re.compile(r"(?i)model.{0,120}(not found|does not exist|not a valid)|unknown model")
_FORMAT = re.compile(r"(?i)response_format|json_schema|structured output|guided|grammar|invalid schema")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a call gave no completion.

    Attributes:
        kind: ``timeout`` (deadline), ``unreachable`` (no connection), ``broken`` (an error of the server, or a
            response cut off or of no known shape), ``rate_limited``, ``refused`` (by a filter), ``no_schema`` (the
            server lacks ``response_format``), ``no_max_tokens`` (it wants ``max_completion_tokens``), ``bad`` (it does
            not take this request), ``stop`` (no call can succeed).
        detail: in words, scrubbed.
        wait_s: seconds that the endpoint asks to wait.
        status: HTTP status, 0 where there was no response.
        code: the server's own word for it.
    """

    kind: Kind
    detail: str
    wait_s: float | None = None
    status: int = 0
    code: str = ""


def of_error(error: "OpenAIError", request: Request | None, endpoint: Endpoint) -> Trouble:
    """Make sense of what the openai client raised."""
    from openai import APIStatusError

    if isinstance(error, APIStatusError):
        return of_status(error, request, endpoint)
    if _has_no_connection(error):
        return Trouble("unreachable", "no connection")
    return Trouble("broken", "connection lost")


def of_status(error: "APIStatusError", request: Request | None, endpoint: Endpoint) -> Trouble:
    """Make sense of a response with a status that is none of success."""
    status, message = error.status_code, _message(error.body)
    met = _known(status, error.body, message)
    if 300 <= status < 400:
        message = f"to {error.response.headers.get('location', 'nowhere')}"
    detail = scrub(f"{status} {met.code} {message}", request, endpoint)
    return replace(met, detail=detail, wait_s=retry_after(error.response.headers))


def of_line(status: int, error: dict[str, Any]) -> Trouble:
    """Make sense of an error in a line of a batch; without the server's words, which may quote the request."""
    return _known(status, error, _message(error))


def _known(status: int, body: Any, message: str) -> Trouble:
    told = body if isinstance(body, dict) else {}
    code = _word(told.get("code"))
    kind = _kind(status, {code, _word(told.get("type"))}, _word(told.get("param")), message)
    return Trouble(kind, f"{status} {code}".strip(), status=status, code=code)


def _kind(status: int, codes: set[str], param: str, message: str) -> Kind:
    match status:
        case 401 | 402 | 403 | 404 | 301 | 302 | 303 | 307 | 308:
            return "stop"
        case 429:
            return "stop" if codes & _NO_CREDIT else "rate_limited"
        case 408 | 409 | 425:
            return "broken"
        case _ if status >= 500:
            return "broken" if status != 501 else "bad"
    if codes & _FILTERED:
        return "refused"
    if "model_not_found" in codes or param == "model" or _NO_MODEL.search(message):
        return "stop"
    if "max_completion_tokens" in message:
        return "no_max_tokens"
    return "no_schema" if param.startswith("response_format") or _FORMAT.search(message) else "bad"


def _message(body: Any) -> str:
    told = body.get("message") or body.get("detail") or body.get("error") if isinstance(body, dict) else body
    return told if isinstance(told, str) else ""


def _word(value: Any) -> str:
    return value[:80] if isinstance(value, str) else ""


def _has_no_connection(error: BaseException) -> bool:
    """Whether the server was never reached, by the errors that led to this one."""
    import aiohttp

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            return True
        cause = cause.__cause__
    return False


def scrub(text: str, request: Request | None, endpoint: Endpoint) -> str:
    """Words of a server made fit to be kept: no key, nothing of the request, one line, at most 240 characters.

    Servers quote what they were sent, keys included; whatever looks like one goes, and so does every passage of 24
    characters and more that stands in the request.
    """
    line = " ".join(text[: 20 * LONGEST].split())
    key = endpoint.key_or_none()
    if key and key != NO_KEY:
        line = line.replace(key, "[key]")
        # Some servers quote the first or last characters of a wrong key.
        line = re.sub(rf"{re.escape(key[:8])}\S*", "[key]", line) if len(key) >= 12 else line
    line = _SECRETS.sub("[…]", line)
    for part in request.texts if request else ():
        line = _without_echo(line, " ".join(part.split()))
    line = "".join(c if c.isprintable() else "�" for c in line)
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def _without_echo(line: str, sent: str) -> str:
    if len(sent) < _ECHO:
        return line.replace(sent, "[…]") if len(sent) > 3 else line
    at = 0
    while at + _ECHO <= len(line):
        if line[at : at + _ECHO] in sent:
            end = at + _ECHO
            while end < len(line) and line[at : end + 1] in sent:
                end += 1
            line = f"{line[:at]}[…]{line[end:]}"
        at += 1
    return line
