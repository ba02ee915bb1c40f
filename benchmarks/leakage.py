"""How many changed copies of a photograph the leakage check finds, and how often it takes two photographs for one.

Run: python benchmarks/leakage.py [photographs, default 1000]
Photographs are synthetic (seeded shapes and texture at 800 × 600). Then the rendered pages of the bundled corpus, taken
as if they were photographs: the share of pairs that the hash would call near, which is why they go by their scene.
"""

import io
import sys
import time
from collections.abc import Callable
from itertools import combinations

import numpy as np
from cross_safety.builder.release.leakage import PIXEL_LIKENESS, Footprint, find_leaks
from cross_safety.builder.starter.corpus import PICTURES
from cross_safety.store.likeness import alike, look, near_pairs
from PIL import Image, ImageDraw, ImageOps


def photograph(seed: int) -> Image.Image:
    """Large shapes over a smooth texture, different for each seed."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    image = Image.fromarray(small).resize((800, 600), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for x, y, w, h, *fill in rng.integers(0, 256, (14, 7)):
        draw.ellipse((x * 3, y * 2, x * 3 + w, y * 2 + h), fill=tuple(int(part) for part in fill))
    return image


def encoded(image: Image.Image, quality: int = 90, kind: str = "JPEG") -> bytes:
    """Picture bytes."""
    out = io.BytesIO()
    image.save(out, kind, quality=quality)
    return out.getvalue()


CHANGES: dict[str, Callable[[Image.Image], bytes]] = {
    "rescaled to 320 × 240": lambda image: encoded(image.resize((320, 240))),
    "recompressed at 35": lambda image: encoded(image, 35),
    "as WebP at 50": lambda image: encoded(image, 50, "WEBP"),
    "white border": lambda image: encoded(ImageOps.expand(image, border=50, fill="white")),
    "black border": lambda image: encoded(ImageOps.expand(image, border=30, fill="black")),
    "mirrored": lambda image: encoded(ImageOps.mirror(image)),
    "brighter by a fifth": lambda image: encoded(image.point(lambda value: min(255, int(value * 1.2)))),
    "cropped by 3 %": lambda image: encoded(image.crop((24, 18, 776, 582))),
}


def footprint(name: str, data: bytes) -> Footprint:
    """A photograph as the check sees it."""
    return Footprint(name, name, look(data), None, None, None, None)


def pages() -> None:
    """Rendered pages taken for photographs."""
    looks = [look(path.read_bytes()) for path in sorted(PICTURES.glob("*/*-1.webp"))]
    near = [(i, j) for i, j in near_pairs([o.hash for o in looks], [o.hash for o in looks]) if i < j]
    confirmed = sum(1 for i, j in near if alike(looks[i], looks[j]) >= PIXEL_LIKENESS)
    pairs = sum(1 for _ in combinations(looks, 2))
    share = len(near) / pairs
    print(f"{len(looks)} rendered pages: {share:.1%} of {pairs:,} pairs near by hash, {confirmed} confirmed on pixels")


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    originals = [photograph(seed) for seed in range(count)]
    train = [footprint(f"t{seed}", encoded(image)) for seed, image in enumerate(originals)]
    print(f"{'change':24} {'found':>6} of {count}   {'wrong':>6}")
    for name, change in CHANGES.items():
        test = [footprint(f"r{seed}", change(image)) for seed, image in enumerate(originals)]
        leaks = find_leaks(train, test)
        right = sum(leak.train[1:] == leak.test[1:] for leak in leaks)
        print(f"{name:24} {right:6}        {len(leaks) - right:6}")
    others = [footprint(f"o{seed}", encoded(photograph(seed))) for seed in range(count, 2 * count)]
    print(f"{'other photographs':24} {len(find_leaks(train, others)):6} taken for one of ours")
    wide = [train[i % count] for i in range(10_374)]
    test = [others[i % count] for i in range(1_284)]
    began = time.perf_counter()
    near_pairs([row.look.hash for row in wide if row.look], [row.look.hash for row in test if row.look])
    print(f"10,374 × 1,284 hashes: {time.perf_counter() - began:.2f} s")
    pages()


if __name__ == "__main__":
    main()
