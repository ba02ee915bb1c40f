"""References, hashes and likeness."""

import io
from pathlib import Path

import pytest
from cross_safety.store.hashes import canonical_json, fraction, rows_sha256, sha256_bytes
from cross_safety.store.likeness import correlation, difference_hash, jaccard, near_pairs, shingles, thumbnail
from cross_safety.store.reference import BadReferenceError, parse_reference
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw


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
    """A picture with large shapes, a stand-in for a photograph."""
    image = Image.new("RGB", (640, 480), (seed * 37 % 256, 90, 120))
    draw = ImageDraw.Draw(image)
    for i in range(12):
        x, y = (seed * 71 + i * 131) % 600, (seed * 53 + i * 97) % 440
        draw.ellipse(
            (x, y, x + 90 + i * 9, y + 60 + i * 7), fill=((i * 80 + seed) % 256, (i * 45) % 256, seed * 7 % 256)
        )
    return image


def data(image: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, **({"format": "JPEG"} | options))  # type: ignore[arg-type]
    return out.getvalue()


@pytest.mark.parametrize("seed", range(6))
def test_a_rescaled_recompressed_picture_is_near(seed: int) -> None:
    one, two = data(photograph(seed)), data(photograph(seed).resize((320, 240)), quality=40)
    assert near_pairs([difference_hash(one)], [difference_hash(two)]) == [(0, 0)]
    assert correlation(thumbnail(one), thumbnail(two)) > 0.95


def test_other_pictures_are_not_confirmed() -> None:
    pictures = [thumbnail(data(photograph(seed))) for seed in range(12)]
    pairs = [(a, b) for i, a in enumerate(pictures) for b in pictures[:i]]
    assert max(correlation(a, b) for a, b in pairs) < 0.95
