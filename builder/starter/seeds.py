"""What is drawn by lot for a scene, in one place: its seed and the item's position."""

import hashlib
import random


def scene_seed(norm_id: str, number: int) -> int:
    """The seed of a scene: 63 bits of the sha256 of ``norm_id/number``."""
    digest = hashlib.sha256(f"{norm_id}/{number}".encode()).digest()
    return int.from_bytes(digest[:8]) & 0x7FFF_FFFF_FFFF_FFFF


def position_in(pick: str, things: int, seed: int) -> int:
    """Place of the item among ``things`` on the page, from 0; ``first``, ``last`` and ``middle`` fix it."""
    fixed = {"first": 0, "last": things - 1, "middle": things // 2}
    return fixed[pick] if pick in fixed else random.Random(seed).randrange(things)
