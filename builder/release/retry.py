"""Bounded retries for what the hub's client does not retry itself, and only for faults that pass."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

from ...console.errors import UserError

T = TypeVar("T")
TRIES = 6
_LONGEST = 60.0
# The base of every fault of the client's transport, also of those where no answer came.
TRANSPORT_FAULT = cast(type[Exception], HfHubHTTPError.__bases__[0])


def status_of(error: BaseException) -> int | None:
    """The HTTP status that the hub answered with; None where no answer came."""
    return error.response.status_code if isinstance(error, HfHubHTTPError) and error.response is not None else None


def passes(error: BaseException) -> bool:
    """Tell faults that may be gone in a moment: 429, 5xx, a connection that failed."""
    status = status_of(error)
    if status is not None:
        return status == 429 or status >= 500
    if isinstance(error, OfflineModeIsEnabled):
        return False
    # JSONDecodeError: the client reads an answer as JSON before it looks at its status
    return isinstance(error, TRANSPORT_FAULT | ConnectionError | LocalEntryNotFoundError | json.JSONDecodeError)


def retrying(call: Callable[[], T], found: Callable[[], T | None] = lambda: None, wait: float = 0.5) -> T:
    """Call until it succeeds, at most six times.

    Args:
        call: what to do.
        found: looks whether an attempt whose answer was lost has taken effect; what it finds is the result, and
            nothing is done twice. It is asked after every fault that passes and after a conflict (409, 412).
        wait: seconds before the second attempt; doubled each time, or what the hub asks for, up to a minute.

    Raises:
        Exception: whatever ``call`` raised last.
    """
    for attempt in range(TRIES):
        try:
            return call()
        except Exception as error:
            if not passes(error) and status_of(error) not in (409, 412):
                raise
            done = retrying(found, wait=wait)
            if done is not None:
                return done
            if attempt == TRIES - 1 or not passes(error):
                raise
            time.sleep(_pause(error, wait * 2**attempt))
    raise AssertionError("unreachable")


def _pause(error: BaseException, usual: float) -> float:
    asked = error.response.headers.get("Retry-After", "") if isinstance(error, HfHubHTTPError) else ""
    return min(float(asked) if asked.isdigit() else usual, _LONGEST)


def in_words(error: BaseException, repo: str) -> UserError:
    """A refusal of the hub by its status alone: its text and addresses are not repeated."""
    status, again = status_of(error), "the same command again: it goes on where it stopped"
    match status:
        case None:
            return UserError(f"{repo}: the hub can't be reached ({type(error).__name__})", again)
        case 401 | 403:
            return UserError(
                f"{repo}: the hub refuses this (HTTP {status}); a token with write access is needed", "hf auth login"
            )
        case 404:
            return UserError(
                f"{repo}: no such dataset or revision on the hub (HTTP 404), or no access to it", "hf auth whoami"
            )
        case 409 | 412:
            return UserError(f"{repo}: somebody else changed it meanwhile (HTTP {status})", again)
        case _:
            return UserError(f"{repo}: the hub answers HTTP {status}", again)


@contextmanager
def hub_errors(repo: str) -> Iterator[None]:
    """Refusals and faults of the hub inside become a ``UserError``."""
    try:
        yield
    except (HfHubHTTPError, TRANSPORT_FAULT, ConnectionError, LocalEntryNotFoundError) as error:
        raise in_words(error, repo) from None
    except RuntimeError as error:  # the client's word for an upload that failed; the cause has the status
        if error.__cause__ is None:
            raise
        raise in_words(error.__cause__, repo) from None
