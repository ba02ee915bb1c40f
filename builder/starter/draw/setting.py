"""Breaking and shrinking text until it fits its box, in every script."""

import re
import unicodedata
from dataclasses import dataclass

from .fonts import Setter

_NO_START = "、。，．！？）」』】〉》ー・ぁぃぅぇぉっゃゅょァィゥェォッャュョ々：；%"
_NO_END = "（「『【〈《"
_JAPANESE = re.compile(
    r"[\u30a0-\u30ff]+[\u3040-\u309f]*|[\u4e00-\u9fff々]+[\u3040-\u309f]*|[\u3040-\u309f]+|[\u0021-\u024f]+|."
)
_CHINESE = re.compile(r"[\u0021-\u024f]+|.")
_LEADING_VOWELS = "เแโใไ"


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that fit, and the size at which they do."""

    lines: tuple[str, ...]
    size: int
    leading: float

    @property
    def height(self) -> float:
        """The height of all lines."""
        return len(self.lines) * self.size * self.leading


def _glued(chunks: list[str]) -> list[str]:
    """Punctuation joined to the chunk that it may not be parted from."""
    found: list[str] = []
    for chunk in chunks:
        if found and (chunk[0] in _NO_START or found[-1][-1] in _NO_END):
            found[-1] += chunk
        else:
            found.append(chunk)
    return found


def clusters(word: str) -> list[str]:
    """The smallest stretches at which a word may be broken in need."""
    found: list[str] = []
    for char in word:
        bound = unicodedata.category(char) in {"Mn", "Mc", "Cf"} or char in "ะาำๅ"
        if found and (bound or found[-1][-1] in _LEADING_VOWELS or found[-1][-1] in "\u094d\u0dca\u200d"):
            found[-1] += char
        else:
            found.append(char)
    return _glued(found)


def _chunks(text: str, language: str, *, force: bool) -> list[tuple[str, str]]:
    """Unbreakable chunks with the space that stands before each."""
    found: list[tuple[str, str]] = []
    for word in text.split(" "):
        base = language.split("-", maxsplit=1)[0]
        if force:
            parts = clusters(word)
        elif base in {"ja", "zh"}:
            parts = _glued((_JAPANESE if base == "ja" else _CHINESE).findall(word))
        else:
            parts = [word]
        found.extend((part, "" if index or not found else " ") for index, part in enumerate(parts))
    return found


def _wrapped(setter: Setter, chunks: list[tuple[str, str]], width: float, size: int, *, bold: bool) -> list[str] | None:
    """Greedy lines, or none where a chunk alone is too wide."""
    lines: list[str] = []
    for chunk, space in chunks:
        if setter.width(chunk, size, bold=bold) > width:
            return None
        joined = lines[-1] + space + chunk if lines else ""
        if lines and setter.width(joined, size, bold=bold) <= width:
            lines[-1] = joined
        else:
            lines.append(chunk)
    return lines


def _balanced(
    setter: Setter, chunks: list[tuple[str, str]], lines: list[str], width: float, size: int, *, bold: bool
) -> list[str]:
    """The same number of lines, but of like lengths."""
    low, high = width / len(lines) * 0.8, width
    for _ in range(6 if len(lines) > 1 else 0):
        middle = (low + high) / 2
        tried = _wrapped(setter, chunks, middle, size, bold=bold)
        if tried is not None and len(tried) <= len(lines):
            lines, high = tried, middle
        else:
            low = middle
    return lines


def fit(setter: Setter, text: str, width: float, height: float, size: int, *, lines: int, bold: bool) -> Block:
    """The largest setting of a text, up to `size`, that stays inside the box."""
    # Thai has no spaces between words: it is broken sooner than shrunk past reading.
    floor = 0.7 if setter.language.startswith("th") else 0.5
    for force, least in ((False, floor), (True, 0.2)):
        chunks = _chunks(text, setter.language, force=force)
        current = float(size)
        while current >= size * least:
            whole = max(int(current), 6)
            found = _wrapped(setter, chunks, width, whole, bold=bold)
            if found and len(found) <= lines and len(found) * whole * setter.leading <= height + 1:
                even = _balanced(setter, chunks, found, width, whole, bold=bold)
                return Block(tuple(even), whole, setter.leading)
            current *= 0.95
    raise ValueError(f"{text!r} does not fit {width:.0f}×{height:.0f}")
