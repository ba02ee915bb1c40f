"""What tests of the inference room share: requests with real pictures, and patience for tests."""

import io
from collections.abc import Callable
from typing import Any

from cross_safety.inference import Answer, Endpoint, Job, Journal, Picture, Request, Result, user
from cross_safety.inference.limits import Patience
from PIL import Image

# Pauses short enough for tests; the numbers of tries are the real ones.
FAST = Patience(pause_s=0.01, longest_pause_s=0.05, dead_after_s=1.0)


def picture(seed: int = 0, kind: str = "PNG") -> Picture:
    out = io.BytesIO()
    Image.new("RGB", (24, 16), (seed * 7 % 256, seed * 13 % 256, 90)).save(out, kind)
    return Picture(out.getvalue())


def request(number: int = 0, **more: Any) -> Request:
    words = f"question {number}"
    return Request(**{"model": "scripted", "messages": (user(words, picture(number)),), "stage": "test"} | more)


Asked = Callable[..., dict[int, Result]]


async def two_calls_a_row(journal: Journal, url: str, rows: int, slots: int = 8) -> list[Result]:
    """A chain as the builder's: the second call of a row is made of the first one's answer."""
    async with Job(journal, patience=FAST) as job:
        client = job.connect(Endpoint(url, concurrency=slots, timeout_s=5))

        async def work(number: int) -> Result:
            first = await client.ask(Request("scripted", (user(f"first {number}", picture(number)),), stage="first"))
            assert isinstance(first, Answer)
            return await client.ask(Request("scripted", (user(f"second {number} {first.text}"),), stage="second"))

        return [result async for result in job.each(range(rows), work)]
