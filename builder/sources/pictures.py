"""Pictures from outside: bounded, decoded once, known by their content; bytes stay in a file until written."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from PIL import Image

from ...store.hashes import sha256_bytes
from ...store.likeness import DRAFT_SIDE, Look, look_at

MAX_BYTES = 64 * 1024 * 1024
MAX_PIXELS = 60_000_000
FORMATS = ("PNG", "JPEG", "WEBP")
_ORIENTATION = 0x0112

Reason = Literal[
    "picture_missing",
    "picture_unreadable",
    "picture_truncated",
    "picture_animated",
    "picture_too_large",
    "picture_16_bit",
]


class PictureError(ValueError):
    """A picture that can't be used; ``args[0]`` says why and ``reason`` is the reject's reason."""

    def __init__(self, text: str, reason: Reason = "picture_unreadable") -> None:
        super().__init__(text)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Facts:
    """What one decoding tells of picture bytes: format, stored size in pixels, look where asked for, and oddities.

    ``oddities`` are flags of rows: ``picture_cmyk``, ``picture_exif_rotated``. Such pictures are kept as obtained.
    """

    format: str
    width: int
    height: int
    look: Look | None
    oddities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, known by its content; ``size`` bytes of the file at ``path`` from ``offset`` on are the picture."""

    path: Path
    sha256: str
    format: str
    width: int
    height: int
    offset: int
    size: int
    look: Look | None = field(default=None, compare=False, repr=False)
    oddities: tuple[str, ...] = ()

    def described(self) -> dict[str, Any]:
        """The picture as it stands in a row that is validated or hashed."""
        return {"sha256": self.sha256, "format": self.format, "width": self.width, "height": self.height}

    def read(self) -> bytes:
        """The bytes as obtained."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


def examine(data: bytes, *, photograph: bool = True) -> Facts:
    """Decode picture bytes once, at reduced size where the format allows: for damage and, of a photograph, its look.

    Raises:
        PictureError: not a picture that datasets can carry; ``reason`` says which kind of trouble.
    """
    if len(data) > MAX_BYTES:
        raise PictureError(f"larger than {MAX_BYTES >> 20} MiB", "picture_too_large")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            size = image.size
            _refuse(image)
            oddities = _oddities(image)
            image.draft("L", (DRAFT_SIDE, DRAFT_SIDE))
            image.load()
            look = look_at(image) if photograph else None
            return Facts(str(image.format), *size, look, oddities)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(f"more than {MAX_PIXELS:,} pixels", "picture_too_large") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, PictureError):
            raise
        cut = "truncated" in str(error)
        raise PictureError(
            "cut off before its end"
            if cut
            else f"not a readable {', '.join(FORMATS)} picture ({type(error).__name__})",
            "picture_truncated" if cut else "picture_unreadable",
        ) from error


def _refuse(image: Image.Image) -> None:
    """What can be told from the header and makes a picture useless here."""
    if image.width * image.height > MAX_PIXELS:
        raise PictureError(f"{image.width} × {image.height} pixels, more than {MAX_PIXELS:,}", "picture_too_large")
    if getattr(image, "n_frames", 1) > 1:
        raise PictureError("animated", "picture_animated")
    if image.mode.startswith(("I", "F")):
        raise PictureError("16 bits a sample; common loaders turn it white", "picture_16_bit")


def _oddities(image: Image.Image) -> tuple[str, ...]:
    found = {
        "picture_cmyk": image.mode == "CMYK",
        "picture_exif_rotated": image.getexif().get(_ORIENTATION, 1) != 1,
    }
    return tuple(name for name, there in found.items() if there)


def read_picture(path: Path, *, photograph: bool = True) -> Picture:
    """Look at a picture file: bounded, of a known format, and decodable to the end.

    Raises:
        PictureError: what ``examine`` refuses.
        FileNotFoundError: no such file.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise PictureError(f"larger than {MAX_BYTES >> 20} MiB", "picture_too_large")
    data = path.read_bytes()
    facts = examine(data, photograph=photograph)
    return _picture(path, sha256_bytes(data), 0, size, facts)


def _picture(path: Path, sha256: str, offset: int, size: int, facts: Facts) -> Picture:
    return Picture(path, sha256, facts.format, facts.width, facts.height, offset, size, facts.look, facts.oddities)


class Spool:
    """Pictures of a streamed source, each content once, one behind the other in a single file.

    The file lies in the work folder of a build, so that it goes when the build ends or is cleared.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, Picture] = {}

    def __enter__(self) -> Self:
        self._file = self.path.open("wb")
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._file.close()

    def known(self, sha256: str) -> Picture | None:
        """The picture of that content, where it is held."""
        return self._known.get(sha256)

    def add(self, data: bytes, sha256: str, facts: Facts) -> Picture:
        """Hold picture bytes; the same content is held once."""
        if sha256 not in self._known:
            offset = self._file.tell()
            self._file.write(data)
            self._known[sha256] = _picture(self.path, sha256, offset, len(data), facts)
        return self._known[sha256]
