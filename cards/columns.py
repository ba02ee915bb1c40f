"""The columns of a dataset in words: name, type and the schema's description."""

from typing import Any

from ..schemas import schema
from ..store.features import SCHEMA_OF, features


def columns(dataset: str) -> list[dict[str, str]]:
    """``name``, ``type`` and ``description`` of each column, in order."""
    described = schema(SCHEMA_OF[dataset])["properties"]
    return [
        {"name": name, "type": _type(feature), "description": described[name]["description"]}
        for name, feature in features(dataset).items()
    ]


def _type(feature: Any) -> str:
    if isinstance(feature, dict):
        return f"struct ({', '.join(feature)})"
    if isinstance(feature, list):
        return f"list of {_type(feature[0])}"
    inner = getattr(feature, "feature", None)
    if inner is not None:
        return f"list of {_type(inner)}"
    dtype = getattr(feature, "dtype", "image")
    return "image" if dtype == "PIL.Image.Image" else str(dtype)
