"""The authors' own files (data/casa, data/safeworld and the pictures they name): read, flagged, never repaired."""

from .read import read_exclusions, read_upstream

__all__ = ["read_exclusions", "read_upstream"]
