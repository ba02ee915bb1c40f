"""How full the inference room keeps an endpoint, beside raw aiohttp, the plain openai client and inspect-ai.

Run: python benchmarks/inference.py [--calls 3000] [--slots 64 --slots 256] [--only NAME]
A server in a process of its own answers each call 200 ms after its last byte; each call carries a picture of 150 KB.
Client and server are each held on one core where there are two. Every contender runs in a fresh process; `full` is the
mean share of the slots that were in use (calls/s × 0.2 s ÷ slots), `of raw` the rate beside raw aiohttp + uvloop.
"""

import argparse
import asyncio
import importlib.util
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

LATENCY_S = 0.2
PICTURE_BYTES = 150_000
ANSWER = {
    "id": "x",
    "object": "chat.completion",
    "created": 0,
    "model": "scripted",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "An answer. " * 30}}],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 60, "total_tokens": 1060},
}
NEEDS = {
    "raw": ("aiohttp", "orjson", "pybase64"),
    "ours": ("cross_safety.inference", "openai", "aiohttp", "orjson", "pybase64"),
    "openai": ("openai", "openai.resources.chat"),
    "inspect": ("inspect_ai", "inspect_ai.model", "openai", "openai.resources.chat"),
}
CONTENDERS = tuple(NEEDS)


class Answering(asyncio.Protocol):
    """HTTP/1.1, just enough: reads a request to its end, answers later."""

    answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport, self.head, self.left = transport, b"", -1

    def data_received(self, data: bytes) -> None:
        """Count the body down."""
        if self.left < 0:
            self.head += data
            head, mark, body = self.head.partition(b"\r\n\r\n")
            if not mark:
                return
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            self.left, data, self.head = int(lengths[0].split(b":")[1]) if lengths else 0, body, b""
        self.left -= len(data)
        if self.left == 0:
            self.left = -1
            asyncio.get_running_loop().call_later(LATENCY_S, self.respond)

    def respond(self) -> None:
        """The answer."""
        if not self.transport.is_closing():
            self.transport.write(self.answer)  # type: ignore[attr-defined]


def serve() -> None:
    """Serve until killed; the port goes to stdout."""
    import uvloop

    body = json.dumps(ANSWER).encode()
    Answering.answer = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0, backlog=1024)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    uvloop.run(main())


def picture(number: int) -> bytes:
    """150 KB that begin like a JPEG, different for each number."""
    return b"\xff\xd8\xff" + number.to_bytes(8, "big") + NOISE[number % 64 : PICTURE_BYTES - 11 + number % 64]


NOISE = random.Random(0).randbytes(PICTURE_BYTES + 64)
QUESTION = "What should I know before I do what this picture shows? Answer in three sentences."


async def pooled(slots: int, calls: int, one: Callable[[int], Awaitable[object]]) -> None:
    """Keep ``slots`` calls going until all are done."""
    numbers = iter(range(calls))

    async def worker() -> None:
        for number in numbers:
            await one(number)

    await asyncio.gather(*(worker() for _ in range(slots)))


async def raw(url: str, slots: int, calls: int, folder: Path) -> None:
    """Raw aiohttp: no checks, no journal, no retries."""
    import aiohttp
    import orjson
    import pybase64

    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=slots))

    async def one(number: int) -> None:
        data = "data:image/jpeg;base64," + pybase64.b64encode_as_string(picture(number))
        parts = [{"type": "text", "text": f"{QUESTION} {number}"}, {"type": "image_url", "image_url": {"url": data}}]
        body = orjson.dumps({"model": "scripted", "messages": [{"role": "user", "content": parts}]})
        headers = {"Content-Type": "application/json", "Authorization": "Bearer none"}
        async with session.post(f"{url}/chat/completions", data=body, headers=headers) as response:
            answer = orjson.loads(await response.read())
        assert answer["choices"][0]["message"]["content"]

    async with session:
        await pooled(slots, calls, one)


async def ours(url: str, slots: int, calls: int, folder: Path) -> None:
    """The inference room with its journal on disk."""
    from cross_safety.inference import Answer, Endpoint, Job, Journal, Picture, Request, ask_all, user

    def requests() -> object:
        for number in range(calls):
            yield number, Request("scripted", (user(f"{QUESTION} {number}", Picture(picture(number))),), stage="bench")

    journal = Journal(folder / "journal.sqlite")
    async with Job(journal) as job:
        client = job.connect(Endpoint(url, concurrency=slots))
        async for _, result in ask_all(job, client, requests()):  # type: ignore[arg-type]
            assert isinstance(result, Answer), result
    assert sum(1 for _ in journal.answers()) == calls
    journal.close()


async def openai(url: str, slots: int, calls: int, folder: Path) -> None:
    """The openai client as its README shows it, a semaphore around it."""
    import base64

    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=url, api_key="none")

    async def one(number: int) -> None:
        data = "data:image/jpeg;base64," + base64.b64encode(picture(number)).decode()
        parts = [{"type": "text", "text": f"{QUESTION} {number}"}, {"type": "image_url", "image_url": {"url": data}}]
        answer = await client.chat.completions.create(
            model="scripted",
            messages=[{"role": "user", "content": parts}],  # type: ignore[list-item, misc]
        )
        assert answer.choices[0].message.content

    await pooled(slots, calls, one)


def inspect(url: str, slots: int, calls: int, folder: Path) -> None:
    """inspect-ai: a task with one sample a picture, no scorer, its log on disk."""
    import base64

    from inspect_ai import Task, eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import ChatMessageUser, ContentImage, ContentText, get_model
    from inspect_ai.solver import generate

    def sample(number: int) -> Sample:
        data = "data:image/jpeg;base64," + base64.b64encode(picture(number)).decode()
        return Sample(
            id=number,
            input=[ChatMessageUser(content=[ContentText(text=f"{QUESTION} {number}"), ContentImage(image=data)])],
        )

    model = get_model("openai-api/loopback/scripted", base_url=url, api_key="none")
    task = Task(dataset=MemoryDataset([sample(n) for n in range(calls)]), solver=generate())
    (log,) = eval(
        task, model=model, max_connections=slots, max_samples=slots * 2, log_dir=str(folder), display="none",
        log_images=False, fail_on_error=True,
    )  # fmt: skip
    assert log.status == "success", log.error


def client(name: str, url: str, slots: int, calls: int) -> None:
    """Run one contender; its figures go to stdout as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        runner: Callable[..., object] = globals()[name]
        # What is loaded once a process is left out of everybody's time.
        for module in NEEDS[name]:
            importlib.import_module(module)
        began = time.perf_counter()
        busy = time.process_time()
        if name == "inspect":
            runner(url, slots, calls, Path(folder))
        elif name == "openai":
            asyncio.run(runner(url, slots, calls, Path(folder)))  # type: ignore[arg-type]
        elif name == "ours":
            importlib.import_module("cross_safety.inference").run(runner(url, slots, calls, Path(folder)))
        else:
            import uvloop

            uvloop.run(runner(url, slots, calls, Path(folder)))  # type: ignore[arg-type]
        took, busy = time.perf_counter() - began, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": took, "rate": calls / took, "cpu_ms": busy / calls * 1e3, "rss": peak}), flush=True)


def pinned(core: int, *words: str) -> list[str]:
    """The command line of this program with other words, on one core where there is a choice."""
    code = f"import os, runpy, sys; hasattr(os, 'sched_setaffinity') and os.cpu_count() > 1 and os.sched_setaffinity(0, {{{core}}}); sys.argv = {[__file__, *words]!r}; runpy.run_path({__file__!r}, run_name='__main__')"  # noqa: E501
    return [sys.executable, "-c", code]


def measure(name: str, slots: int, calls: int) -> dict[str, float]:
    """One contender against a fresh server."""
    server = subprocess.Popen(pinned(1, "serve"), stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    url = f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
    try:
        done = subprocess.run(
            pinned(0, "client", name, url, str(slots), str(calls)), stdout=subprocess.PIPE, text=True, check=True,
            env={**os.environ, "OPENAI_API_KEY": "none"},
        )  # fmt: skip
        return dict(json.loads(done.stdout.splitlines()[-1]))
    finally:
        server.kill()
        server.wait()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--slots", type=int, action="append")
    parser.add_argument("--only", action="append", choices=CONTENDERS)
    options = parser.parse_args()
    print(
        f"{'':8} {'slots':>5} {'calls':>6} {'calls/s':>8} {'of raw':>7} {'full':>5} {'CPU ms/call':>12} {'RSS MB':>7}"
    )
    for slots in options.slots or [64, 256]:
        base = 0.0
        for name in options.only or CONTENDERS:
            if name == "inspect" and importlib.util.find_spec("inspect_ai") is None:
                print(f"{name:8} {slots:5} left out: inspect_ai is not installed for {sys.executable}")
                continue
            # The slow ones do not need as many calls for a steady figure.
            calls = options.calls if name in ("raw", "ours") else options.calls // 3
            found = measure(name, slots, calls)
            base = found["rate"] if name == "raw" else base
            share = f"{found['rate'] / base:7.2f}" if base else "      –"
            full = found["rate"] * LATENCY_S / slots
            line = f"{name:8} {slots:5} {calls:6} {found['rate']:8.0f} {share} {full:5.2f}"
            print(f"{line} {found['cpu_ms']:12.2f} {found['rss']:7.0f}", flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve"]:
            serve()
        case ["client", name, url, slots, calls]:
            client(name, url, int(slots), int(calls))
        case _:
            main()
