"""A release of the true size, with every known anomaly planted: each is found, and no clean row is flagged."""

import importlib.util
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from cross_safety.builder.sources.upstream import read_upstream
from cross_safety.schemas import table


@pytest.fixture(scope="module")
def shape(root: Path) -> Any:
    spec = importlib.util.spec_from_file_location("upstream_shape", root / "benchmarks" / "upstream_shape.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_anomaly_is_found_and_no_other(shape: Any, tmp_path: Path) -> None:
    told = shape.write_release(tmp_path)
    assert Counter((subset, setting) for subset, setting, *_ in told) == {
        ("casa", "english"): 828,
        ("casa", "multilingual"): 276,
        ("safeworld", "english"): 135,
        ("safeworld", "multilingual"): 45,
    }
    found = read_upstream(tmp_path)
    assert found.rejects == []
    assert len(found.cross) == 1284
    assert len({row.id for row in found.cross}) == 1284
    wrong = [
        (row.id, sorted(flags), row.flags)
        for (*_, flags), row in zip(told, found.cross, strict=True)
        if sorted(flags) != row.flags
    ]
    assert wrong == []
    planted = {flag for *_, flags in told for flag in flags}
    of_pictures = {name for name in table("flags") if name.startswith("picture_")}
    assert planted == set(table("flags")) - of_pictures, "a flag that no planted anomaly earns"


def test_notes_tell_the_gaps_and_nothing_else(shape: Any, tmp_path: Path) -> None:
    shape.write_release(tmp_path)
    assert read_upstream(tmp_path).notes == [
        "casa: Japan has no index 8",
        "casa: Mexico has no index 11, 12, 13, 14, 15",
        "casa: India has no index 14, 15",
        "casa: Thailand has no index 15",
    ]
