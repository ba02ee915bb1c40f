"""Planted leaks of each kind are found, and one that remains stops a build."""

from dataclasses import replace
from pathlib import Path

import pytest
from cross_safety.builder.release import gather as gathering
from cross_safety.builder.release.leakage import Footprint, Leak, LeakError, assert_no_leak, find_leaks
from cross_safety.builder.sources.items import SourceResult
from cross_safety.builder.sources.starter import read_starter
from cross_safety.builder.stages import prepare_offline
from cross_safety.store.likeness import Look, look
from PIL import Image, ImageDraw

CLEAN_TRAIN = Footprint(
    "t1", "a" * 64, None, ("grid", frozenset({"x", "y"})), "Nobody whistles indoors.", "gifts", "comb"
)
CLEAN_TEST = Footprint(
    "r1", "b" * 64, None, ("grid", frozenset({"x", "z"})), "Shoes stay at the door.", "dress", "boots"
)


def photo(path: Path, size: tuple[int, int], seed: int) -> Look:
    image = Image.new("RGB", (600, 420), (90, 110, 130))
    draw = ImageDraw.Draw(image)
    for i in range(10):
        x, y = (seed * 71 + i * 137) % 520, (seed * 53 + i * 91) % 360
        draw.ellipse((x, y, x + 120 + 9 * i, y + 70 + 7 * i), fill=((i * 80 + seed) % 256, (i * 45 + seed) % 256, 60))
    image.resize(size).save(path)
    return look(path.read_bytes())


def test_clean_rows_do_not_leak() -> None:
    assert find_leaks([CLEAN_TRAIN], [CLEAN_TEST]) == []
    assert_no_leak([CLEAN_TRAIN], [CLEAN_TEST])


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"image_sha256": CLEAN_TEST.image_sha256}, "same_picture"),
        ({"scene": CLEAN_TEST.scene}, "same_scene"),
        ({"topic": "dress", "item": "Boots"}, "same_item"),
        ({"norm": "Shoes stay at the door!"}, "near_norm"),
    ],
)
def test_planted_leak(change: dict[str, object], kind: str) -> None:
    leaking = replace(CLEAN_TRAIN, **change)  # type: ignore[arg-type]
    assert find_leaks([leaking], [CLEAN_TEST]) == [Leak("t1", "r1", kind)]
    with pytest.raises(LeakError, match=r"t1 \(training\) · r1 \(test\) · " + kind):
        assert_no_leak([leaking], [CLEAN_TEST])


def test_the_same_photograph_made_smaller_leaks(tmp_path: Path) -> None:
    one = replace(CLEAN_TRAIN, scene=None, look=photo(tmp_path / "a.jpg", (400, 280), 0))
    two = replace(CLEAN_TEST, scene=None, look=photo(tmp_path / "b.png", (200, 140), 0))
    other = replace(CLEAN_TEST, scene=None, look=photo(tmp_path / "c.png", (200, 140), 7))
    assert find_leaks([one], [two]) == [Leak("t1", "r1", "near_picture")]
    assert find_leaks([one], [other]) == []


@pytest.fixture(scope="module")
def starter() -> SourceResult:
    return read_starter()


def planted(starter: SourceResult) -> SourceResult:
    """The corpus with a training picture put into a test row."""
    stolen = replace(starter.cross[0], picture=starter.train[0].picture)
    return SourceResult(starter.inputs, [stolen, *starter.cross[1:]], starter.train)


def gather(source: SourceResult) -> gathering.Gathered:
    return gathering.gather([source], "1.0.0", prepare_offline(source.train))


def test_a_leak_is_rejected_and_counted(starter: SourceResult) -> None:
    clean, leaky = gather(starter), gather(planted(starter))
    assert not clean.leaks
    assert leaky.leaks == {"same_picture": 1}
    reject = next(each for each in leaky.rejects["safety-dpo"] if each.reason == "leaks_test")
    assert reject.id == starter.train[0].id
    assert not any(starter.train[0].id in each.row["id"] for each in leaky.placed)


def test_a_leak_that_remains_fails_the_build(starter: SourceResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "find_leaks", lambda *_: [])
    with pytest.raises(LeakError, match=f"{starter.train[0].id} .training. · {starter.cross[0].id}"):
        gather(planted(starter))
