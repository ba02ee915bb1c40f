"""The YAML at the top of a card: what the hub and ``datasets`` read."""

from collections.abc import Mapping
from typing import Any

import yaml

from ..store.features import features
from .licenses import hub_license
from .release import Release
from .texts import texts

_TASKS = {
    "cross": ["visual-question-answering", "image-text-to-text"],
    "safety-sft": ["image-text-to-text"],
    "safety-dpo": ["image-text-to-text"],
}
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
# The hub's words for who wrote annotations and texts, and for where a dataset comes from, by source of ours.
_CREATORS = {"starter": ["machine-generated", "other"], "cvqa": ["found", "machine-generated"], "upstream": ["found"]}
_ORIGINS = {"starter": "original", "cvqa": "afaji/cvqa", "upstream": "extended"}
_GATE = {
    "extra_gated_heading": "These rows hold answers that are culturally unsafe on purpose",
    "extra_gated_prompt": (
        "The `rejected` answers of this dataset help with breaching a cultural norm, hide its meaning, or leave the "
        "user without a way out. They are there to be told apart from the `chosen` ones, not to be imitated. "
        "Please say that you will use them so."
    ),
    "extra_gated_fields": {
        "I will use the rejected answers to train or test preferences, not as answers to give to people": "checkbox",
        "What I want to use the dataset for": "text",
    },
    "extra_gated_button_content": "Agree and ask for access",
}


class _Plain(yaml.SafeDumper):
    """YAML without anchors: configs share their columns, and a card is read by more than one parser."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write what stands twice twice."""
        return True


def front_matter(manifest: Mapping[str, Any], release: Release | None) -> str:
    """The front matter with its fences.

    Data files are listed one by one, never by a pattern: the cache key of datasets for a folder is made of the card's
    patterns, so a rebuilt folder would load its old rows.
    """
    name = manifest["name"]
    told: dict[str, Any] = {"pretty_name": name} | _languages(manifest)
    told |= hub_license(manifest, release.card_url(name, manifest["version"]) if release else None)
    told |= {
        "size_categories": [size_category(sum(file["rows"] for file in manifest["files"]))],
        "task_categories": _TASKS[name],
    }
    told |= _origins(manifest) | {"tags": texts(name)["keywords"]}
    told |= _GATE if name == "safety-dpo" else {}
    told |= {"configs": _configs(manifest), "dataset_info": _info(manifest)}
    return f"---\n{yaml.dump(told, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=118)}---\n"


def size_category(rows: int) -> str:
    """The hub's size category for a number of rows."""
    return next((name for limit, name in _SIZES if rows < limit), "1M<n<10M")


def _languages(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """``language`` has primary subtags, which is what the hub takes; the full tags stand beside them."""
    full = sorted({tag for config in manifest["configs"].values() for tag in config["counts"]["language"]})
    primary = sorted({tag.split("-")[0] for tag in full})
    return {
        "language": primary,
        "language_bcp47": full,
        "multilinguality": ["multilingual" if len(primary) > 1 else "monolingual"],
    }


def _origins(manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    sources = sorted({each["source"] for each in manifest["inputs"]} & set(_CREATORS))
    creators = sorted({creator for source in sources for creator in _CREATORS[source]})
    return {
        "annotations_creators": creators,
        "language_creators": creators,
        "source_datasets": [_ORIGINS[source] for source in sources],
    }


def _configs(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    told = []
    for name in manifest["configs"]:
        files = [file for file in manifest["files"] if file["config"] == name]
        splits = dict.fromkeys(file["split"] for file in files)
        paths = [{"split": s, "path": [file["path"] for file in files if file["split"] == s]} for s in splits]
        default = {"default": True} if name == manifest["default_config"] else {}
        told.append({"config_name": name} | default | {"data_files": paths})
    return told


def _info(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    columns = _columns(manifest["name"])
    return [
        {"config_name": name, "features": columns, "splits": _split_sizes(manifest, name)}
        for name in manifest["configs"]
    ]


def _columns(dataset: str) -> list[dict[str, Any]]:
    """The columns as ``dataset_info`` has them.

    ``_to_yaml_list`` is the one function of datasets that writes this; releases 3.6 to 5 have it.
    """
    columns: list[dict[str, Any]] = features(dataset)._to_yaml_list()
    return columns


def _split_sizes(manifest: Mapping[str, Any], config: str) -> list[dict[str, Any]]:
    files = [file for file in manifest["files"] if file["config"] == config]
    return [
        {
            "name": split,
            "num_bytes": sum(file["bytes"] for file in files if file["split"] == split),
            "num_examples": sum(file["rows"] for file in files if file["split"] == split),
        }
        for split in dict.fromkeys(file["split"] for file in files)
    ]
