"""A chat endpoint on loopback that speaks the true protocol and does what a script tells it.

``Loopback(script)`` is a context manager; ``script`` is given every ``Ask`` and returns what to do: ``Say`` (also a
plain string), ``Status``, ``Hang``, ``CutOff`` or ``Raw``. Chat completions, models, files and batches are served.
Every picture has to decode as the type it is declared to be, else the call gets a 400 and stands in ``faults``.
"""

import asyncio
import base64
import io
import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self, TypeAlias

from aiohttp import web
from loopback.batches import Batches
from PIL import Image


@dataclass(frozen=True)
class Ask:
    """One call as it came in: its JSON, all its text in one, pictures as (type, bytes), the key that was sent."""

    body: dict[str, Any]
    text: str
    pictures: tuple[tuple[str, bytes], ...]
    key: str
    number: int
    tries: int

    @property
    def schema(self) -> dict[str, Any] | None:
        """The schema in ``response_format``."""
        form = self.body.get("response_format") or {}
        return form.get("json_schema", {}).get("schema")


@dataclass(frozen=True)
class Say:
    """An answer."""

    text: str | None
    finish: str = "stop"
    refusal: str | None = None
    usage: tuple[int, int] | None = (100, 20)
    cached: int = 0
    model: str | None = None
    delay_s: float = 0.0


@dataclass(frozen=True)
class Status:
    """A response of another status, with an error body as OpenAI writes it."""

    status: int
    message: str = "something went wrong"
    code: str | None = None
    param: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0


@dataclass(frozen=True)
class Hang:
    """No response at all until the client goes away."""


@dataclass(frozen=True)
class CutOff:
    """Headers and half a body, then the connection is gone."""


@dataclass(frozen=True)
class Raw:
    """These bytes with status 200."""

    content: bytes
    content_type: str = "application/json"


Behaviour: TypeAlias = "Say | Status | Hang | CutOff | Raw | str"
Script: TypeAlias = Callable[[Ask], Behaviour]
_DATA = re.compile(r"\Adata:(image/[a-z]+);base64,([A-Za-z0-9+/=]+)\Z")


class Loopback:
    """The server, in a thread of its own; ``url`` is its base address.

    Args:
        script: what to do with each call.
        models: what /models lists.
        batches: how batches behave.
    """

    def __init__(self, script: Script, models: tuple[str, ...] = ("scripted",), batches: Batches | None = None) -> None:
        self.script = script
        self.models = models
        self.batches = batches or Batches()
        self.asks: list[Ask] = []
        self.answered: Counter[str] = Counter()
        self.faults: list[str] = []
        self.most_at_once = 0
        self.port = 0
        self._at_once = 0
        self._seen: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def calls(self) -> int:
        """How many chat completions were asked for."""
        return len(self.asks)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.1)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", self.port)
        self._loop.run_until_complete(site.start())
        self.port = site._server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=2**30)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._list_models)
        self.batches.add_routes(app, self)
        return app

    async def _list_models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": name, "object": "model"} for name in self.models]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        ask = self.note(await request.json(), request.headers.get("Authorization", ""))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return await self._behave(ask, self.decide(ask), request)
        finally:
            self._at_once -= 1

    def note(self, body: dict[str, Any], key: str) -> Ask:
        """Take a call down, its pictures decoded."""
        parts = [part for message in body["messages"] for part in _parts(message)]
        text = "\n".join(part["text"] for part in parts if part["type"] == "text")
        pictures = tuple(self._picture(part) for part in parts if part["type"] == "image_url")
        # The same request asked again: what differs when a server's manners were learned is left out.
        name = json.dumps([body["model"], text, [hash(data) for _, data in pictures], body.get("seed")])
        self._seen[name] += 1
        ask = Ask(body, text, pictures, key.removeprefix("Bearer "), len(self.asks), self._seen[name])
        self.asks.append(ask)
        return ask

    def _picture(self, part: dict[str, Any]) -> tuple[str, bytes]:
        found = _DATA.match(part["image_url"]["url"])
        if not found:
            self.faults.append("a picture that is no data address")
            return "", b""
        data = base64.b64decode(found[2], validate=True)
        try:
            with Image.open(io.BytesIO(data)) as image:
                image.load()
                if Image.MIME[image.format or ""] != found[1]:
                    self.faults.append(f"{found[1]} is {image.format}")
        except OSError as error:
            self.faults.append(f"a picture that does not decode: {error}")
        return found[1], data

    def decide(self, ask: Ask) -> Behaviour:
        """What the script wants, or a 400 for a bad picture."""
        if self.faults:
            return Status(400, self.faults[-1], "invalid_image")
        return self.script(ask)

    async def _behave(self, ask: Ask, wanted: Behaviour, request: web.Request) -> web.StreamResponse:
        match wanted:
            case Hang():
                await asyncio.sleep(3600)
            case CutOff():
                return await self._cut_off(request)
            case Raw(content, kind):
                return web.Response(body=content, content_type=kind)
            case Status():
                await asyncio.sleep(wanted.delay_s)
                return web.json_response(error_body(wanted), status=wanted.status, headers=wanted.headers)
        said = Say(wanted) if isinstance(wanted, str) else wanted
        assert isinstance(said, Say)
        await asyncio.sleep(said.delay_s)
        self.answered[ask.text] += 1
        return web.json_response(completion(ask, said))

    async def _cut_off(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"choices": [{"message"')
        assert request.transport is not None
        request.transport.close()
        return response


def _parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def completion(ask: Ask, said: Say) -> dict[str, Any]:
    """The JSON of a chat completion."""
    message = {"role": "assistant", "content": said.text, "refusal": said.refusal}
    answer: dict[str, Any] = {
        "id": f"chatcmpl-{ask.number}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": said.model or ask.body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": said.finish, "logprobs": None}],
    }
    if said.usage is not None:
        prompt, written = said.usage
        answer["usage"] = {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written}
        answer["usage"]["prompt_tokens_details"] = {"cached_tokens": said.cached}
    return answer


def error_body(wanted: Status) -> dict[str, Any]:
    """An error as OpenAI writes it."""
    told = {"message": wanted.message, "type": "invalid_request_error", "param": wanted.param, "code": wanted.code}
    return {"error": told}


class Faulty:
    """A script that meets faults on the way to what ``script`` answers.

    A share of all tries, drawn by a seed from the call's text and how often it was asked, gets a fault; after
    ``most`` tries of a call there are none, so that bounded retries come through.
    """

    def __init__(self, script: Script, share: float, faults: tuple[Behaviour, ...], most: int = 3) -> None:
        self.script, self.share, self.faults, self.most = script, share, faults, most

    def __call__(self, ask: Ask) -> Behaviour:
        dice = random.Random(f"{ask.text}{ask.tries}{len(ask.pictures)}")
        if ask.tries <= self.most and dice.random() < self.share:
            return dice.choice(self.faults)
        return self.script(ask)
