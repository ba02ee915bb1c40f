"""How a picture lies in a parquet cell, and how it stands in a row that is validated or hashed."""

import io
from typing import Any

from PIL import Image

from .hashes import sha256_bytes

_ENDING = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}


def picture_cell(data: bytes, sha256: str, picture_format: str) -> dict[str, Any]:
    """The bytes as obtained, with a file name made of their hash."""
    return {"bytes": data, "path": f"{sha256[:16]}.{_ENDING[picture_format]}"}


def describe_cell(cell: dict[str, Any] | None) -> dict[str, Any] | None:
    """``{sha256, format, width, height}`` of a parquet cell; None where bytes are missing or no picture."""
    data = cell.get("bytes") if cell else None
    if not data:
        return None
    try:
        with Image.open(io.BytesIO(data), formats=tuple(_ENDING)) as image:
            size = {"format": str(image.format), "width": image.width, "height": image.height}
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    return {"sha256": sha256_bytes(data)} | size


def describe_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row as read from parquet, with pictures by hash."""
    if "image" in row:
        return row | {"image": describe_cell(row["image"])}
    return row | {"images": [describe_cell(cell) for cell in row["images"]]}
