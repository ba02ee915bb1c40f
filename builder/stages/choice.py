"""Choosing among phrasings by a hash, so that the same input always reads the same."""

from collections.abc import Sequence

from ...store.hashes import fraction


def choose(options: Sequence[str], *key: str) -> str:
    """One of ``options``, by a hash of ``key``."""
    return options[int(fraction(*key) * len(options))]
