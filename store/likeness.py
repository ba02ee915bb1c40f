"""How alike two texts or two pictures are."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

GRAMS = 5
_SIDE = 32


def shingles(text: str, size: int = GRAMS) -> frozenset[str]:
    """The character n-grams of a text, lower case, letters and digits alone with single spaces between."""
    plain = " ".join(re.findall(r"\w+", text.lower()))
    return frozenset(plain[i : i + size] for i in range(max(1, len(plain) - size + 1)))


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """Shared part of two sets of n-grams, 0 to 1."""
    return len(a & b) / len(a | b) if a or b else 1.0


@dataclass(frozen=True, slots=True)
class Look:
    """How a photograph looks: a 64-bit difference hash to find candidates, a thumbnail to confirm them."""

    hash: int
    thumbnail: NDArray[np.float32]


def look(data: bytes) -> Look:
    """The look of picture bytes."""
    return Look(difference_hash(data), thumbnail(data))


def difference_hash(data: bytes) -> int:
    """64 bits that survive rescaling and recompression: is each of 8 × 8 grey cells darker than the next.

    Source: the difference hash as N. Krawetz described it (2013), on a 9 × 8 reduction.
    """
    with Image.open(io.BytesIO(data)) as image:
        image.draft("L", (_SIDE, _SIDE))
        small = image.convert("L").resize((9, 8), Image.Resampling.BOX)
    cells = np.asarray(small, dtype=np.int16)
    bits = (cells[:, 1:] > cells[:, :-1]).ravel()
    return int("".join("1" if bit else "0" for bit in bits), 2)


def thumbnail(data: bytes) -> NDArray[np.float32]:
    """A 32 × 32 grey reduction with mean 0 and deviation 1, for confirmation on pixels."""
    with Image.open(io.BytesIO(data)) as image:
        image.draft("L", (_SIDE * 2, _SIDE * 2))
        small = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    cells = np.asarray(small, dtype=np.float32)
    centred: NDArray[np.float32] = (cells - cells.mean()) / max(float(cells.std()), 1.0)
    return centred


def correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Correlation of two thumbnails, -1 to 1."""
    return float((a * b).mean())


def near_pairs(ones: Sequence[int], others: Sequence[int], within: int = 10) -> list[tuple[int, int]]:
    """Index pairs whose 64-bit hashes differ in at most ``within`` bits."""
    left = np.asarray(ones, dtype=np.uint64)
    right = np.asarray(others, dtype=np.uint64)
    if not left.size or not right.size:
        return []
    return [(i, int(j)) for i, one in enumerate(left) for j in np.flatnonzero(np.bitwise_count(right ^ one) <= within)]
