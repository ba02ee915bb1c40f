"""What training rows share with evaluation rows, and with the test set."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..schemas.loader import CANARY
from ..store.likeness import NORM_LIKENESS, jaccard, shingles
from ..store.opened import Opened

_MARK = CANARY.split()[-1]


@dataclass(slots=True)
class Traces:
    """What of a set of rows could turn up in another: hashes of pictures, prompts and norms, each with a row's id.

    ``canaries`` are rows whose texts hold the canary of the test set, ``marked`` those whose pictures hold it in their
    metadata.
    """

    pictures: dict[str, str] = field(default_factory=dict)
    prompts: dict[str, str] = field(default_factory=dict)
    norms: dict[str, str] = field(default_factory=dict)
    canaries: list[str] = field(default_factory=list)
    marked: list[str] = field(default_factory=list)

    def add(self, row: Mapping[str, Any]) -> None:
        """Take note of a training or evaluation row."""
        if row["images"]:
            self.pictures.setdefault(row["image_sha256"], row["id"])
        self.prompts.setdefault(" ".join(_words(row["prompt"]).lower().split()), row["id"])
        if row.get("norm"):
            self.norms.setdefault(row["norm"], row["id"])
        if carries_canary(row):
            self.canaries.append(row["id"])
        elif any(_MARK.encode() in (cell["bytes"] or b"") for cell in row["images"]):
            self.marked.append(row["id"])


def _words(messages: Iterable[Mapping[str, str]]) -> str:
    return "\n".join(message["content"] for message in messages)


def carries_canary(row: Mapping[str, Any]) -> bool:
    """Does a text of this row hold the canary of the test set."""
    texts = [value for value in row.values() if isinstance(value, str)]
    texts += [_words(row[name]) for name in ("prompt", "completion", "chosen", "rejected") if name in row]
    return any(_MARK in text for text in texts)


def shared(train: Traces, held_out: Traces) -> list[str]:
    """Lines on pictures and prompts that stand in both splits."""
    found = []
    for what, ours, theirs in (
        ("picture", train.pictures, held_out.pictures),
        ("prompt", train.prompts, held_out.prompts),
    ):
        both = sorted(ours.keys() & theirs.keys())
        if both:
            named = ", ".join(f"{ours[key]} and {theirs[key]}" for key in both[:3])
            found.append(f"{len(both)} {what}{'s' if len(both) > 1 else ''} in training and evaluation rows ({named})")
    return found


def shared_with_test(train: Traces, cross: Opened) -> list[str]:
    """Lines on what training rows share with a `cross`: pictures by their bytes, norms in near-identical words.

    Rescaled or recompressed pictures are the build's to find (perceptual hashes); this check does not repeat it.
    """
    pictures, norms = _test_traces(cross)
    same = sorted(train.pictures.keys() & pictures.keys())
    found = []
    if same:
        named = ", ".join(f"{train.pictures[key]} and {pictures[key]}" for key in same[:3])
        found.append(f"{len(same)} pictures of {cross.reference} are trained on ({named})")
    near = near_norms(train.norms, norms)
    if near:
        named = ", ".join(f"{ours} and {theirs}" for ours, theirs in near[:3])
        found.append(f"{len(near)} norms of {cross.reference} are trained on, in near-identical words ({named})")
    return found


def _test_traces(cross: Opened) -> tuple[dict[str, str], dict[str, str]]:
    pictures: dict[str, str] = {}
    norms: dict[str, str] = {}
    for config, described in cross.manifest["configs"].items():
        for split in described["splits"]:
            for row in cross.rows(config, split, columns=["id", "image_sha256", "norm"], batch=1024):
                pictures.setdefault(row["image_sha256"], row["id"])
                norms.setdefault(row["norm"], row["id"])
    return pictures, norms


def near_norms(ours: Mapping[str, str], theirs: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """Pairs of row ids whose norms read alike, by shared character 5-grams."""
    grams = [(name, shingles(norm)) for norm, name in theirs.items()]
    return [
        (mine, other)
        for norm, mine in ours.items()
        for other, held in grams
        if jaccard(shingles(norm), held) >= NORM_LIKENESS
    ]
