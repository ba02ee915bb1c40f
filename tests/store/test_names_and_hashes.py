"""References, hashes and likeness."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cross_safety.store.hashes import canonical_json, fraction, rows_sha256, sha256_bytes
from cross_safety.store.likeness import Look, alike, jaccard, look, near_pairs, shingles
from cross_safety.store.reference import BadReferenceError, parse_reference
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageOps


def test_reference_to_a_folder(tmp_path: Path) -> None:
    assert parse_reference(str(tmp_path)).folder == tmp_path
    with pytest.raises(BadReferenceError, match="a folder has no revisions"):
        parse_reference(f"{tmp_path}@1.0.0")


def test_reference_to_the_hub() -> None:
    named = parse_reference("someone/cross@1.0.0")
    assert (named.repo, named.revision, named.folder) == ("someone/cross", "1.0.0", None)
    assert str(named) == "someone/cross@1.0.0"
    assert parse_reference("someone/cross").revision is None


@pytest.mark.parametrize("text", ["", "nowhere", "a/b/c", "no/such/place", "a b/c", "@1.0.0"])
def test_no_reference(text: str) -> None:
    with pytest.raises(BadReferenceError):
        parse_reference(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), json_values, max_size=6))
def test_canonical_json_does_not_depend_on_order(row: dict[str, object]) -> None:
    turned = dict(reversed(row.items()))
    assert canonical_json(row) == canonical_json(turned)
    assert rows_sha256([row]) == sha256_bytes(canonical_json(row) + b"\n")


@given(st.lists(st.text(), max_size=4))
def test_fraction_is_in_range_and_stable(parts: list[str]) -> None:
    assert 0 <= fraction(*parts) < 1
    assert fraction(*parts) == fraction(*parts)


def test_near_norms() -> None:
    one = "In Japan, chopsticks are not stood upright in a bowl of rice."
    two = "In Japan chopsticks are not stood upright in a bowl of rice!"
    other = "In Russia flowers are given in odd numbers, even ones are for funerals."
    assert jaccard(shingles(one), shingles(two)) == 1.0
    assert jaccard(shingles(one), shingles(other)) < 0.3


def photograph(seed: int) -> Image.Image:
    """Large shapes over a smooth texture, a stand-in for a photograph."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    image = Image.fromarray(small).resize((640, 480), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for x, y, w, h, *fill in rng.integers(0, 256, (12, 7)):
        draw.ellipse((x * 2, y * 2, x * 2 + w, y * 2 + h), fill=tuple(int(part) for part in fill))
    return image


def data(image: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, **({"format": "JPEG"} | options))  # type: ignore[arg-type]
    return out.getvalue()


def rescaled(image: Image.Image) -> bytes:
    return data(image.resize((320, 240)), quality=40)


def bordered(image: Image.Image) -> bytes:
    return data(ImageOps.expand(image, border=40, fill="white"))


def mirrored(image: Image.Image) -> bytes:
    return data(ImageOps.mirror(image))


def as_webp(image: Image.Image) -> bytes:
    return data(image.resize((500, 400)), format="WEBP", quality=50)


def found(one: Look, other: Look) -> bool:
    near = near_pairs([one.hash], [other.hash]) + near_pairs([one.mirrored], [other.hash])
    return bool(near) and alike(one, other) >= 0.95


@pytest.mark.parametrize("change", [rescaled, bordered, mirrored, as_webp])
@pytest.mark.parametrize("seed", range(6))
def test_a_changed_copy_is_found(seed: int, change: Callable[[Image.Image], bytes]) -> None:
    assert found(look(change(photograph(seed))), look(data(photograph(seed))))


def test_other_pictures_are_not() -> None:
    looks = [look(data(photograph(seed))) for seed in range(12)]
    assert not any(found(a, b) for i, a in enumerate(looks) for b in looks[:i])


def test_an_even_picture_has_a_look() -> None:
    assert look(data(Image.new("RGB", (64, 48), "white"))).hash == 0
