"""Every kind of odd picture, each with its own fate."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cross_safety.builder.sources.cvqa import Wanted, read_cvqa
from cross_safety.builder.sources.pictures import MAX_PIXELS, PictureError, Spool, examine
from cross_safety.store.likeness import alike
from loopback.cvqa_rows import jpeg, photograph, row
from PIL import Image


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def animated() -> bytes:
    return saved(photograph(1), "WEBP", save_all=True, append_images=[photograph(2)])


def sixteen_bits() -> bytes:
    ramp = np.linspace(0, 65535, 64 * 48).astype(np.uint16).reshape(48, 64)
    return saved(Image.fromarray(ramp), "PNG")


def bomb(side: int) -> bytes:
    """A few kilobytes that unfold to more pixels than anybody wants."""
    return saved(Image.new("1", (side, side)), "PNG")


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    upside = photograph(5).transpose(Image.Transpose.ROTATE_90)
    return saved(upside, "JPEG", quality=92, exif=exif)


REFUSED = {
    "no picture": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "picture_unreadable"),
    "another format": (saved(photograph(1), "GIF"), "picture_unreadable"),
    "garbage under a JPEG's head": (jpeg(1)[:20] + b"\0" * 2000, "picture_unreadable"),
    "cut off": (jpeg(1)[: len(jpeg(1)) // 2], "picture_truncated"),
    "animated": (animated(), "picture_animated"),
    "16 bits": (sixteen_bits(), "picture_16_bit"),
    "more pixels than allowed": (bomb(8000), "picture_too_large"),
    "decompression bomb": (bomb(20000), "picture_too_large"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_its_reason(name: str) -> None:
    data, reason = REFUSED[name]
    with pytest.raises(PictureError) as caught:
        examine(data)
    assert caught.value.reason == reason


def test_the_limit_stands_between_the_two_bombs() -> None:
    assert 7000**2 < MAX_PIXELS < 8000**2


def test_cmyk_and_turned_pictures_are_kept_as_obtained_and_told() -> None:
    cmyk = examine(saved(photograph(5).convert("CMYK"), "JPEG", quality=92))
    assert (cmyk.oddities, cmyk.format) == (("picture_cmyk",), "JPEG")
    rotated = examine(turned(6))
    assert rotated.oddities == ("picture_exif_rotated",)
    assert (rotated.width, rotated.height) == (72, 96)
    assert examine(turned(1)).oddities == ()


@pytest.mark.parametrize("data", [turned(6), saved(photograph(5).convert("CMYK"), "JPEG", quality=92)])
def test_their_look_is_that_of_the_plain_picture(data: bytes) -> None:
    plain, odd = examine(jpeg(5)).look, examine(data).look
    assert plain is not None
    assert odd is not None
    assert alike(plain, odd) > 0.95


def test_a_source_counts_them(tmp_path: Path, write: Callable[..., Path]) -> None:
    odd = [data for data, _ in REFUSED.values()] + [turned(6)]
    folder = write([row(n, image={"bytes": data, "path": None}) for n, data in enumerate(odd)])
    with Spool(tmp_path / "spool") as spool:
        found = read_cvqa(Wanted(folder), spool)
    assert [reject.reason for reject in found.rejects] == [reason for _, reason in REFUSED.values()]
    assert len(found.train) == 1
    assert found.notes == [
        "cvqa: 1 rows: the picture is stored turned, and its EXIF data says so; loaders that heed it show it upright"
    ]


def test_a_large_jpeg_is_decoded_at_reduced_size(tmp_path: Path) -> None:
    """A picture of 24 megapixels would take 70 MB; the peak is told by a process of its own."""
    path = tmp_path / "large.jpg"
    photograph(3).resize((6000, 4000)).save(path, "JPEG")
    code = (
        "import re, sys; from pathlib import Path\n"
        "from cross_safety.builder.sources.pictures import examine\n"
        "data = Path(sys.argv[1]).read_bytes(); status = Path('/proc/self/status')\n"
        "peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+)', status.read_text())[1])\n"
        "before = peak(); examine(data); print(peak() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 20_000
