"""A whole evaluation beside the time that raw aiohttp needs for the same calls, a sequential loop and inspect-ai.

Run: python benchmarks/eval.py [--rows 1284] [--slots 64] [--inspect-python PYTHON]
1,284 rows with one answer and four verdicts each are 6,420 calls, every one with the row's picture of 150 KB; a server
in a process of its own answers each 200 ms after its last byte. `ours` is everything from reading the parquet file to
the written record, journal on disk. `raw` is the calls alone: no journal, no checks, no order between answer and
verdict. The sequential loop is measured on a few rows and extrapolated; inspect-ai (a task with a scorer that asks four
times) runs a tenth of the rows, under another Python where `--inspect-python` names one.
"""

import argparse
import asyncio
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inference import LATENCY_S, Answering, picture, pinned, pooled

QUESTIONS = ("awareness", "education", "violation", "helpfulness")
WORDS = "People there would notice this at once, since it stands for mourning. Take sweets from next door instead. " * 4
# About as long as what the judge reads beside the picture.
PROMPT = "The picture above was sent with this question. " * 60


class Judging(Answering):
    """The same server; who asks for a schema gets the verdict that the schema wants."""

    answers: dict[bytes, bytes] = {}  # noqa: RUF012 - filled once

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        super().connection_made(transport)
        self.tail = b""

    def data_received(self, data: bytes) -> None:
        """Keep the end of the body: the schema stands there."""
        self.tail = (self.tail + data)[-4096:]
        super().data_received(data)

    def respond(self) -> None:
        """The verdict that the schema's name asks for, else an answer in words."""
        # Calls of one connection follow each other, so the tail is still that of the call that is answered.
        found = next((name for name in self.answers if b'"name":"%s"' % name in self.tail), b"")
        if not self.transport.is_closing():
            self.transport.write(self.answers[found])  # type: ignore[attr-defined]


def completion(text: str) -> bytes:
    """A whole HTTP response."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 1000, "completion_tokens": 60, "total_tokens": 1060}
    head = {"id": "x", "object": "chat.completion", "created": 0, "model": "scripted-2026-01-01"}
    body = json.dumps(head | {"choices": [choice], "usage": usage}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def serve() -> None:
    """Serve until killed; the port goes to stdout."""
    import uvloop

    Judging.answers = {b"": completion(WORDS)} | {
        name.encode(): completion(json.dumps({"reasoning": "As the words say. " * 10, name: 1})) for name in QUESTIONS
    }
    # The empty name is in every body: it has to come last.
    Judging.answers[b""] = Judging.answers.pop(b"")

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Judging, "127.0.0.1", 0, backlog=1024)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    uvloop.run(main())


def dataset(folder: Path, rows: int) -> Path:
    """A folder in the shape of `cross` with one split of ``rows`` rows and 150 KB pictures."""
    import hashlib

    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "cross" / "data" / "open" / "test-00000-of-00001-000000000000.parquet"
    path.parent.mkdir(parents=True)
    words = {"query": "Which of these should I take along?", "norm": "This is not given there. " * 6, "item": "clock"}
    more = {
        "meaning": "It stands for mourning. " * 4,
        "alternative": "Sweets. " * 4,
        "region": None,
        "domain": "shopping",
    }
    schema = pa.schema(
        [(name, pa.string()) for name in ("id", "pair_id", "norm_id", "country", "country_name", "topic", "language",
         "source", "image_sha256", *words, *more)]
        + [("wording", pa.int64()), ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())]))]
    )  # fmt: skip
    with pq.ParquetWriter(path, schema, compression="none") as writer:
        for number in range(rows):
            data = picture(number)
            row: dict[str, Any] = {"id": f"r{number}", "pair_id": f"p{number // 3}", "norm_id": f"n{number // 3}"}
            row |= {"country": "JP", "country_name": "Japan", "topic": "gifts", "language": "en", "source": "bench"}
            row |= words | more | {"wording": number % 3, "image_sha256": hashlib.sha256(data).hexdigest()}
            row["image"] = {"bytes": data, "path": "x.jpg"}
            writer.write_batch(pa.RecordBatch.from_pylist([row], schema=schema))
    name = path.relative_to(folder / "cross").as_posix()
    held = {"splits": {"test": rows}, "rows_sha256": "0" * 64, "ids_sha256": "0" * 64}
    files = [{"path": name, "config": "open", "split": "test", "sha256": "0" * 64, "rows": rows, "bytes": 0}]
    manifest = {
        "name": "cross",
        "version": "1.0.0",
        "default_config": "open",
        "configs": {"open": held},
        "files": files,
    }
    (folder / "cross" / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return folder / "cross"


def ours(url: str, slots: int, rows: int, folder: Path) -> None:
    """`eval run` from the parquet file to the written record."""
    from cross_safety.console import Output
    from cross_safety.eval.asking import Subject
    from cross_safety.eval.protocols import load_protocol
    from cross_safety.eval.record import read_record
    from cross_safety.eval.rows import select
    from cross_safety.eval.run import Judge, Plan
    from cross_safety.eval.scores import failures
    from cross_safety.eval.session import conduct
    from cross_safety.inference import Endpoint
    from cross_safety.inference.options import InferenceOptions
    from cross_safety.store.opened import open_dataset

    # What is loaded once a process is left out of everybody's time.
    for module in (
        "openai.resources.chat",
        "aiohttp",
        "orjson",
        "pybase64",
        "uvloop",
        "jsonschema.validators",
        "jinja2",
    ):
        importlib.import_module(module)
    held = open_dataset(str(folder / "cross"), verify=False)
    endpoint = Endpoint(url, concurrency=slots)
    began = time.perf_counter()
    plan = Plan(
        held, "open", select(held, "open", ["test"]), Subject("scripted"), endpoint,
        (Judge("judge", endpoint),), load_protocol("cross-1"), runs=1,
    )  # fmt: skip
    conduct(plan, folder / "run", "cross", Output("quiet"), InferenceOptions(), replace_run=False)
    tell(time.perf_counter() - began, rows * 5)
    record = read_record(folder / "run")
    assert (len(record.verdicts), failures(record)) == (rows * 4, {})


def raw(url: str, slots: int, rows: int, folder: Path) -> None:
    """The same number of calls of the same size, and nothing else."""
    import aiohttp
    import orjson
    import pybase64
    import uvloop

    shapes = {
        name: {"type": "json_schema", "json_schema": {"name": name, "schema": {"type": "object"}}} for name in QUESTIONS
    }

    async def main() -> None:
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=slots))

        async def one(number: int) -> None:
            row, question = divmod(number, 5)
            data = "data:image/jpeg;base64," + pybase64.b64encode_as_string(picture(row))
            parts = [{"type": "image_url", "image_url": {"url": data}}, {"type": "text", "text": PROMPT + str(number)}]
            body: dict[str, Any] = {"model": "scripted", "messages": [{"role": "user", "content": parts}]}
            if question:
                body["response_format"] = shapes[QUESTIONS[question - 1]]
            headers = {"Content-Type": "application/json", "Authorization": "Bearer none"}
            async with session.post(f"{url}/chat/completions", data=orjson.dumps(body), headers=headers) as response:
                answer = orjson.loads(await response.read())
            assert answer["choices"][0]["message"]["content"]

        async with session:
            await pooled(slots, rows * 5, one)

    began = time.perf_counter()
    uvloop.run(main())
    tell(time.perf_counter() - began, rows * 5)


def inspect(url: str, slots: int, rows: int, folder: Path) -> None:
    """inspect-ai: one sample a row, a scorer that asks four times with the picture, its log on disk."""
    import base64

    from inspect_ai import Task, eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import ChatMessageUser, ContentImage, ContentText, GenerateConfig, get_model
    from inspect_ai.model import ResponseSchema as Shape
    from inspect_ai.scorer import Score, accuracy, scorer
    from inspect_ai.solver import generate
    from inspect_ai.util import json_schema

    judge = get_model("openai-api/loopback/judge", base_url=url, api_key="none")

    def message(number: int, text: str) -> Any:
        data = "data:image/jpeg;base64," + base64.b64encode(picture(number)).decode()
        return ChatMessageUser(content=[ContentImage(image=data), ContentText(text=text)])

    @scorer(metrics=[accuracy()])
    def four() -> Any:
        async def score(state: Any, target: Any) -> Any:
            async def one(name: str) -> int:
                shape = Shape(name=name, json_schema=json_schema(dict))
                asked = message(int(state.sample_id), PROMPT + state.output.completion)
                reply = await judge.generate([asked], config=GenerateConfig(response_schema=shape))
                return int(json.loads(reply.completion)[name])

            return Score(value=min(await asyncio.gather(*(one(name) for name in QUESTIONS))))

        return score

    model = get_model("openai-api/loopback/scripted", base_url=url, api_key="none")
    samples = [Sample(id=n, input=[message(n, "Which of these should I take along?")]) for n in range(rows)]
    began = time.perf_counter()
    (log,) = eval(
        Task(dataset=MemoryDataset(samples), solver=generate(), scorer=four()), model=model, max_connections=slots,
        max_samples=slots * 2, log_dir=str(folder), display="none", log_images=False, fail_on_error=True,
    )  # fmt: skip
    assert log.status == "success", log.error
    tell(time.perf_counter() - began, rows * 5)


def tell(seconds: float, calls: int) -> None:
    """The figures of this process as JSON."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "calls": calls, "rss": peak}), flush=True)


def measure(name: str, slots: int, rows: int, python: str = sys.executable) -> dict[str, float]:
    """One contender against a fresh server, each on a core of its own where there are two."""
    with tempfile.TemporaryDirectory() as folder:
        if name == "ours":
            dataset(Path(folder), rows)
        server = subprocess.Popen(_pinned(1, sys.executable, "serve"), stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
        try:
            done = subprocess.run(
                _pinned(0, python, "client", name, url, str(slots), str(rows), folder),
                stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, "OPENAI_API_KEY": "none"},
            )  # fmt: skip
            return dict(json.loads(done.stdout.splitlines()[-1]))
        finally:
            server.kill()
            server.wait()


def _pinned(core: int, python: str, *words: str) -> list[str]:
    code = pinned(core, *words)[-1].replace(pinned.__globals__["__file__"], __file__)
    return [python, "-c", f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); {code}"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1284)
    parser.add_argument("--slots", type=int, default=64)
    parser.add_argument("--inspect-python", default=sys.executable, help="a Python that has inspect-ai")
    options = parser.parse_args()
    rows, slots = options.rows, options.slots
    print(f"{rows} rows, {rows * 5} calls, {slots} slots, {LATENCY_S * 1e3:.0f} ms, 150 KB pictures")
    print(f"{'':12} {'seconds':>8} {'of raw':>7} {'calls/s':>8} {'full':>5} {'RSS MB':>7}")
    base = measure("raw", slots, rows)["seconds"]
    line("raw aiohttp", {"seconds": base, "calls": rows * 5, "rss": float("nan")}, base, slots)
    line("ours", measure("ours", slots, rows), base, slots)
    if options.inspect_python != sys.executable or importlib.util.find_spec("inspect_ai"):
        part = measure("inspect", slots, rows // 10, options.inspect_python)
        line("inspect-ai *", scaled(part, rows * 5), base, slots)
    else:
        print(f"{'inspect-ai':12} left out: not installed for {sys.executable}")
    line("sequential *", scaled(measure("raw", 1, 10), rows * 5), base, 1)
    print("* extrapolated from a part of the rows")


def scaled(found: dict[str, float], calls: int) -> dict[str, float]:
    """The time for all calls at the rate of a part of them."""
    return found | {"seconds": found["seconds"] * calls / found["calls"], "calls": calls}


def line(name: str, found: dict[str, float], base: float, slots: int) -> None:
    """One line of the table."""
    rate = found["calls"] / found["seconds"]
    head = (
        f"{name:12} {found['seconds']:8.1f} {found['seconds'] / base:7.2f} {rate:8.0f} {rate * LATENCY_S / slots:5.2f}"
    )
    print(f"{head} {found['rss']:7.0f}", flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve"]:
            serve()
        case ["client", name, url, slots, rows, folder]:
            runner: Callable[[str, int, int, Path], None] = globals()[name]
            runner(url, int(slots), int(rows), Path(folder))
        case _:
            main()
