"""Cards rendered for a release, and Markdown as a reader sees it."""

from collections.abc import Callable

import pytest
from cross_safety.cards import Release, read_release
from markdown_it import MarkdownIt

RELEASE = """
owner = "someone"
address = "https://github.com/someone/cross_safety"
contact = "https://github.com/someone/cross_safety/issues"

[[authors]]
family_names = "Núñez & Co_"
given_names = 'Ana "A"'
orcid = "0000-0002-1825-0097"
affiliation = "Somewhere: a school"

[[authors]]
name = "The cross-safety developers"
"""


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    path = tmp_path_factory.mktemp("release") / "release.toml"
    path.write_text(RELEASE, "utf-8")
    return read_release(path)


@pytest.fixture(scope="session")
def to_html() -> Callable[[str], str]:
    """A card's Markdown, without its front matter, as HTML; tables and inline HTML as the hub takes them."""
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    return lambda card: str(reader.render(card.split("\n---\n", 1)[1]))
