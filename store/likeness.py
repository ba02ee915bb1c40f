"""How alike two texts or two pictures are."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

GRAMS = 5
# From this share of common 5-grams on, two norms count as the same in other words.
NORM_LIKENESS = 0.6
DRAFT_SIDE = 128
_SIDE = 32
_EVEN = 24


def shingles(text: str, size: int = GRAMS) -> frozenset[str]:
    """The character n-grams of a text, lower case, letters and digits alone with single spaces between."""
    plain = " ".join(re.findall(r"\w+", text.lower()))
    return frozenset(plain[i : i + size] for i in range(max(1, len(plain) - size + 1)))


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """Shared part of two sets of n-grams, 0 to 1."""
    return len(a & b) / len(a | b) if a or b else 1.0


@dataclass(frozen=True, slots=True)
class Look:
    """How a photograph looks, its even border trimmed off.

    ``hash`` and ``mirrored`` (of the picture turned left to right) are 64-bit difference hashes that find candidates;
    ``thumbnail`` is a 32 × 32 grey reduction with mean 0 and deviation 1 that confirms them.
    """

    hash: int
    mirrored: int
    thumbnail: NDArray[np.float32]


def look(data: bytes) -> Look:
    """The look of picture bytes; decoded once, at reduced size where the format allows."""
    with Image.open(io.BytesIO(data)) as image:
        image.draft("L", (DRAFT_SIDE, DRAFT_SIDE))
        return look_at(image)


def look_at(image: Image.Image) -> Look:
    """The look of an opened picture, upright by its EXIF data.

    The picture may have been reduced, to no less than ``DRAFT_SIDE`` pixels a side.
    """
    grey = _trimmed(ImageOps.exif_transpose(image).convert("L"))
    cells = np.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.BOX), dtype=np.float32)
    centred: NDArray[np.float32] = (cells - cells.mean()) / max(float(cells.std()), 1.0)
    turned = grey.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return Look(_difference_hash(grey), _difference_hash(turned), centred)


def _trimmed(grey: Image.Image) -> Image.Image:
    """A grey picture without rows and columns at its edges that have one even shade."""
    cells = np.asarray(grey, dtype=np.int16)
    uneven = [np.flatnonzero(np.ptp(cells, axis=axis) > _EVEN) for axis in (1, 0)]
    if not all(len(places) for places in uneven):
        return grey
    (top, bottom), (left, right) = ((int(places[0]), int(places[-1]) + 1) for places in uneven)
    return grey.crop((left, top, right, bottom))


def _difference_hash(grey: Image.Image) -> int:
    """64 bits that survive rescaling and recompression: is each of 8 × 8 cells lighter than the one before it.

    Source: the difference hash as N. Krawetz described it (2013), on a 9 × 8 reduction.
    """
    cells = np.asarray(grey.resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    bits = (cells[:, 1:] > cells[:, :-1]).ravel()
    return int("".join("1" if bit else "0" for bit in bits), 2)


def alike(one: Look, other: Look) -> float:
    """Correlation of two looks, -1 to 1, the higher of the picture as it is and mirrored."""
    return max(correlation(one.thumbnail, other.thumbnail), correlation(one.thumbnail[:, ::-1], other.thumbnail))


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
