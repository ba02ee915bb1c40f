"""How many calls at one time: up while all is well, down when the endpoint says that it is too many.

One limiter an endpoint, shared by all calls. A call that has to wait, for a slot or before it is tried again, holds no
slot; a rate limit met by one call holds back all of them.
"""

import asyncio
import email.utils
import random
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from ..console.errors import UserError

# Slots at the start. Above it the endpoint has to show that it keeps up: a slot more for each good answer.
START = 64
CUT = 0.7
LONGEST_WAIT_S = 600.0


@dataclass(frozen=True)
class Patience:
    """How long to go on.

    Attributes:
        tries: most tries of a call that met an error of the server or lost its connection.
        timeouts: most tries of a call that ran into its deadline.
        rate_limited: most tries of a call that met a rate limit.
        pause_s: first pause between tries in seconds; doubled each time, with jitter of a half.
        longest_pause_s: what doubling ends at.
        dead_after_s: seconds without one good response after which an endpoint counts as dead.
        dead_after: calls in a row without a good response that have to come together with that.
    """

    tries: int = 6
    timeouts: int = 3
    rate_limited: int = 12
    pause_s: float = 0.5
    longest_pause_s: float = 30.0
    dead_after_s: float = 40.0
    dead_after: int = 5

    def pause(self, tried: int) -> float:
        """Seconds to wait before the next try, after ``tried`` tries."""
        return min(self.longest_pause_s, self.pause_s * 2.0 ** min(tried - 1, 10)) * random.uniform(0.5, 1.5)


class Limiter:
    """Slots of one endpoint: at most ``most``, fewer while it says that it is too many."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = float(min(most, START))
        self.active = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._cuts = 0
        self._open_at = 0.0
        self._stopped: UserError | None = None

    async def acquire(self) -> int:
        """Wait for a slot; gives a ticket for ``crowded``. The slot has to be released.

        Raises:
            UserError: the run was stopped.
        """
        if self._stopped:
            raise self._stopped
        if self._waiting or not self._has_room():
            await self._wait()
        else:
            self.active += 1
        return self._cuts

    async def _wait(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.release()
            raise

    def release(self) -> None:
        """Give a slot back."""
        self.active -= 1
        self._admit()

    def good(self) -> None:
        """An answer came: grow, fast until the first cut, then by one a round."""
        if self.limit < self.most:
            self.limit = min(self.most, self.limit + (1 if not self._cuts else 1 / self.limit))
            self._admit()

    def crowded(self, ticket: int, wait_s: float | None) -> None:
        """The endpoint said that it is too much: fewer slots (once for all calls begun before), and all wait."""
        if ticket == self._cuts:
            self._cuts += 1
            self.limit = max(1.0, self.limit * CUT)
        if wait_s:
            self._open_at = max(self._open_at, time.monotonic() + wait_s)
            asyncio.get_running_loop().call_later(wait_s + 0.001, self._admit)

    def stop(self, error: UserError) -> None:
        """Wake all that wait for a slot with ``error``; none is given from now on."""
        self._stopped = error
        for turn in self._waiting:
            if not turn.done():
                turn.set_exception(error)
        self._waiting.clear()

    def _has_room(self) -> bool:
        return self.active < int(self.limit) and time.monotonic() >= self._open_at

    def _admit(self) -> None:
        while self._waiting and self._has_room():
            turn = self._waiting.popleft()
            if not turn.done():
                self.active += 1
                turn.set_result(None)


class Pulse:
    """Whether an endpoint is alive: when its last good response came, and how many calls failed since."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._good_at: float | None = None
        self._silent_since: float | None = None
        self.bad = 0

    def good(self) -> None:
        """A response came that a living endpoint gives."""
        self._good_at = self._silent_since = time.monotonic()
        self.bad = 0

    def good_since(self, moment: float) -> bool:
        """Whether a good response came after ``moment`` (of the monotonic clock)."""
        return self._good_at is not None and self._good_at > moment

    def is_dead_after_bad(self) -> bool:
        """Count a call that got none; True when it is time to give the endpoint up."""
        now = time.monotonic()
        # The clock of an endpoint that never answered starts with its first failure.
        self._silent_since = now if self._silent_since is None else self._silent_since
        self.bad += 1
        return self.bad >= self._patience.dead_after and now - self._silent_since >= self._patience.dead_after_s


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a response asks to wait (``retry-after-ms``, or ``Retry-After`` in seconds or as a date)."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        told = headers.get("retry-after")
        if told is None:
            return None
        if told.strip().replace(".", "", 1).isdigit():
            return float(told)
        return max(0.0, email.utils.parsedate_to_datetime(told).timestamp() - time.time())
    except ValueError:
        return None
