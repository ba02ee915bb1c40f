"""Shared: a journal, and a job's short form."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cross_safety.inference import Endpoint, Job, Journal, Request, Result, ask_all, run
from loopback.asking import FAST, Asked


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal.sqlite")
    yield made
    made.close()


@pytest.fixture
def asked(journal: Journal) -> Asked:
    """Ask all requests at an address, over the test's journal: results by the request's number in the list."""

    def call(url: str, requests: list[Request], slots: int = 8, timeout_s: float = 5.0, **more: Any) -> Any:
        async def main() -> dict[int, Result]:
            async with Job(journal, patience=more.pop("patience", FAST), **more) as job:
                client = job.connect(Endpoint(url, concurrency=slots, timeout_s=timeout_s))
                return {tag: result async for tag, result in ask_all(job, client, enumerate(requests))}

        return run(main())

    return call
