"""One endpoint: requests in, answers or failures out."""

import time
from typing import TYPE_CHECKING, Any

import orjson

from . import wire
from .endpoint import Endpoint
from .journal import Call, Journal
from .request import Request
from .result import Answer, Failure, Result

if TYPE_CHECKING:
    from openai import AsyncOpenAI


class Client:
    """Asks one endpoint, through the job's journal. Made by ``Job.connect``; use from many tasks at once."""

    def __init__(self, endpoint: Endpoint, journal: Journal, api: "AsyncOpenAI") -> None:
        self.endpoint = endpoint
        self._journal = journal
        self._api = api

    async def ask(self, request: Request) -> Result:
        """The answer from the journal, else from the model; on disk before it is returned.

        Waits for a free slot of the endpoint, retries what may pass, and gives a ``Failure`` for what does not.

        Raises:
            UserError: the whole run has to stop (401, 403, 404, unknown model, budget, dead endpoint); the message
                says what to type next.
        """
        found = self._journal.answer(request.key)
        if found is not None:
            return Answer(found.text or "", None, found.model or "", found.finish_reason or "", found.usage, True)
        started = time.monotonic()
        raw = await self._api.post("/chat/completions", content=wire.body(request), cast_to=bytes)
        result, text = _read(orjson.loads(raw))
        outcome = result.reason if isinstance(result, Failure) else "answer"
        finish = result.finish_reason if isinstance(result, Answer) else None
        call = Call(request.key, request.stage, request.model, outcome, result.model, finish, text, None, result.usage)
        await self._journal.record(call)
        return result


def _read(answer: dict[str, Any]) -> tuple[Result, str]:
    choice = answer["choices"][0]
    text = choice["message"].get("content") or ""
    return Answer(text, None, answer["model"], choice["finish_reason"], wire.usage(answer)), text
