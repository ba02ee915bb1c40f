"""What tests of the eval room share: a plan over a few pairs, and carrying it out in this process."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cross_safety.console import Output
from cross_safety.eval.asking import Subject
from cross_safety.eval.protocols import load_protocol
from cross_safety.eval.record import Record, read_record
from cross_safety.eval.rows import select
from cross_safety.eval.run import Judge, Plan
from cross_safety.eval.session import conduct
from cross_safety.inference import Endpoint
from cross_safety.inference.options import InferenceOptions
from cross_safety.store.opened import open_dataset
from loopback.scripted import script
from loopback.server import Loopback

JUDGE = "steady-2026-02-01"
MODEL = "careful-2026-01-15"


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(script) as running:
        yield running


PlanOf = Callable[..., Plan]
Evaluated = Callable[..., Record]


@pytest.fixture
def plan_of(built: Path) -> PlanOf:
    """A plan over the first pairs of the bundled corpus; parts of it by name."""

    def make(
        server: Loopback,
        *,
        config: str = "open",
        splits: tuple[str, ...] = ("test", "benign"),
        limit: int = 6,
        model: str = MODEL,
        judges: tuple[str, ...] = (JUDGE,),
        data: Path | None = None,
        one_call: bool = False,
        reasoning_judge: bool = False,
        **more: Any,
    ) -> Plan:
        dataset = open_dataset(str(data or built / "cross"))
        endpoint = Endpoint(server.url)
        return Plan(
            dataset=dataset,
            config=config,
            selection=select(dataset, config, splits, limit),
            subject=Subject(model),
            endpoint=endpoint,
            judges=tuple(Judge(name, endpoint) for name in judges),
            protocol=load_protocol("cross-1", one_call=one_call, reasoning_judge=reasoning_judge),
            one_call=one_call,
            **{"runs": 2} | more,
        )

    return make


@pytest.fixture
def evaluated(tmp_path: Path, plan_of: PlanOf) -> Evaluated:
    """Carry a plan out into a folder of its own and read the record."""

    def carry_out(server: Loopback, name: str = "run", **more: Any) -> Record:
        out = tmp_path / name
        conduct(plan_of(server, **more), out, "cross", Output("quiet"), InferenceOptions(), replace_run=False)
        return read_record(out)

    return carry_out
