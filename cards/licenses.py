"""Licences of a version, counted from its rows: what the card's table, the hub's tag and the metadata say."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ..schemas import table

KINDS = ("image_license", "text_license")


def license_counts(manifest: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Rows by licence (SPDX id or ``unknown``), over all configs, for pictures and for texts."""
    total: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for config in manifest["configs"].values():
        for kind in KINDS:
            total[kind].update(config["counts"][kind])
    return {kind: dict(sorted(counts.items())) for kind, counts in total.items()}


def licenses(manifest: Mapping[str, Any]) -> list[str]:
    """Every licence that a picture or a text of this version has, sorted."""
    return sorted({name for counts in license_counts(manifest).values() for name in counts})


def _hub_id(name: str) -> str:
    """The hub's id for a licence; ``other`` where it has none."""
    return str(table("licenses").get(name, {"hub": "other"})["hub"])


def single_license(manifest: Mapping[str, Any]) -> str | None:
    """The SPDX id that holds for every picture and text, where there is one that registries know."""
    found = licenses(manifest)
    plain = len(found) == 1 and not found[0].startswith("LicenseRef-") and _hub_id(found[0]) not in ("other", "unknown")
    return found[0] if plain else None


def hub_license(manifest: Mapping[str, Any], card_url: str | None) -> dict[str, Any]:
    """The hub's fields: its own id, a list of ids, or ``other`` with a name and a link where it has no id for one."""
    ids = list(dict.fromkeys(_hub_id(name) for name in licenses(manifest)))
    if "other" not in ids:
        return {"license": ids[0] if len(ids) == 1 else ids}
    told: dict[str, Any] = {"license": "other", "license_name": "stated-per-row"}
    return told | ({"license_link": f"{card_url}#licences"} if card_url else {})
