"""``release.toml``: what it needs, and that a placeholder refuses."""

from dataclasses import replace
from pathlib import Path

import pytest
from cross_safety.cards import BadReleaseError, Release, read_release
from hypothesis import given
from hypothesis import strategies as st

GOOD = """
owner = "someone"
address = "https://example.org/cross_safety"
contact = "a.person@example.org"
[[authors]]
name = "A group"
"""


def test_the_checked_in_file_has_placeholders_and_refuses(root: Path) -> None:
    with pytest.raises(BadReleaseError, match=r"placeholder: owner = '<owner>', address"):
        read_release(root / "release.toml")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('owner = "someone"\n', "", r"\$\.owner · missing"),
        ('"someone"', '"some one"', r"\$\.owner"),
        ('"someone"', '"../x"', r"\$\.owner"),
        ("https://example.org/cross_safety", "http://example.org", r"\$\.address"),
        ("https://example.org/cross_safety", "https://example.org/<b>", r"\$\.address"),
        ("https://example.org/cross_safety", "javascript:alert(1)", r"\$\.address"),
        ("a.person@example.org", "somebody", r"\$\.contact"),
        ('name = "A group"', 'name = "<script>"', "placeholder"),
        ('name = "A group"', 'name = "A } group"', r"authors\[0\]"),
        ('name = "A group"', 'family_names = "Only"', r"authors\[0\]"),
        ('name = "A group"', 'name = "A"\norcid = "0000-0002-1825-0097"', r"authors\[0\]"),
        ("[[authors]]\n", "[[people]]\n", r"\$\.authors · missing"),
        ('owner = "someone"', "owner = ", "not readable"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, said: str, tmp_path: Path) -> None:
    assert old in GOOD
    path = tmp_path / "release.toml"
    path.write_text(GOOD.replace(old, new), "utf-8")
    with pytest.raises(BadReleaseError, match=said):
        read_release(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadReleaseError, match="no such file"):
        read_release(tmp_path / "release.toml")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("release")


@given(repo=st.none() | st.from_regex(r"[a-z]{1,5}/[a-z]{1,5}", fullmatch=True))
def test_what_is_published_reads_back(
    repo: str | None, release: Release, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("r") / "release.json"
    written = replace(release, repo=repo)
    path.write_text(written.text(), "utf-8")
    assert read_release(path) == written
    assert written.repository("cross") == (repo or "someone/cross")
