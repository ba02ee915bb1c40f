"""``.zenodo.json``: metadata with which a version gets a DOI on Zenodo; fields as its deposit API names them."""

import html
import json
from collections.abc import Mapping
from typing import Any

from .licenses import single_license
from .release import Author, Release
from .texts import PAPER, texts


def zenodo(manifest: Mapping[str, Any], release: Release) -> str:
    """The text of ``.zenodo.json`` for a version.

    Zenodo takes one licence. Where rows have several, ``other-open`` stands there: publish refuses rows without a right
    to redistribute, and each row has its own licence.
    """
    name, words = manifest["name"], texts(manifest["name"])
    told = {
        "upload_type": "dataset",
        "title": f"{name}, version {manifest['version']}",
        "version": manifest["version"],
        "publication_date": manifest["created"][:10],
        "creators": [_creator(author) for author in release.authors],
        "description": f"<p>{html.escape(words['what'])}</p><p>{html.escape(_hashes(manifest))}</p>",
        "access_right": "open",
        "license": (single_license(manifest) or "other-open").lower(),
        "keywords": words["keywords"],
        "related_identifiers": [
            {
                "identifier": f"arXiv:{PAPER['arxiv']}",
                "relation": "references",
                "resource_type": "publication-article",
            },
            {"identifier": release.address, "relation": "isCompiledBy", "resource_type": "software"},
            {"identifier": f"{release.page(name)}/tree/{manifest['version']}", "relation": "isIdenticalTo"},
        ],
    }
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


def _hashes(manifest: Mapping[str, Any]) -> str:
    return "; ".join(f"rows_sha256 of {name}: {c['rows_sha256']}" for name, c in manifest["configs"].items())


def _creator(author: Author) -> dict[str, str]:
    more = {"affiliation": author.affiliation, "orcid": author.orcid}
    return {"name": author.inverted} | {key: value for key, value in more.items() if value}
