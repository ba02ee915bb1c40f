"""CVQA (arXiv 2406.05967) from the hub at a pinned revision, or from a folder in its shape."""

from .read import DATASET, REVISION, Wanted, read_cvqa

__all__ = ["DATASET", "REVISION", "Wanted", "read_cvqa"]
