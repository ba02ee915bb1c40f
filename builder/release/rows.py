"""Training rows of Safety-SFT and Safety-DPO from items and their norms."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...schemas import table
from ..sources.items import TrainItem
from ..sources.pictures import Picture
from ..stages import Known, Texts
from ..starter import LICENSE

Row = dict[str, Any]
LETTERS = "ABCDEFGH"


@dataclass(frozen=True, slots=True)
class Placed:
    """A row with the dataset, config and split it goes to, and its picture."""

    dataset: str
    config: str
    split: str
    row: Row
    picture: Picture


def config_of(country: str) -> str:
    """``overlapped`` for a country of CROSS, ``exclusive`` for any other."""
    return "overlapped" if table("countries")[country]["cross"] else "exclusive"


def fails(negative_type: str) -> list[str]:
    """The dimensions that a rejected answer of this type fails, in the order of CROSS-Eval."""
    pattern = table("negative_types")[negative_type]
    return [dimension for dimension in table("dimensions") if pattern[dimension] == 0]


def _say(role: str, text: str) -> list[dict[str, str]]:
    return [{"role": role, "content": text}]


def _tail(item: TrainItem, norm: Known | None, generator: str, added_in: str) -> Row:
    return {
        "language": item.language,
        "norm": norm.norm if norm else None,
        "norm_id": norm.id if norm else None,
        "topic": norm.topic if norm else None,
        "item": norm.item if norm else None,
        "meaning": norm.meaning if norm else None,
        "country": item.country,
        "country_name": table("countries")[item.country]["name"],
        "region": norm.region if norm else None,
        "domain": norm.domain if norm else None,
        "category": item.category,
        "source": item.source,
        "source_id": item.source_id,
        "source_revision": item.source_revision,
        "image_source": item.image_source,
        "image_license": item.image_license,
        "image_license_source": item.image_license_source,
        "text_license": item.text_license,
        "attribution": item.attribution,
        "image_sha256": item.picture.sha256,
        "generator": generator,
        "provenance": 0,
        "added_in": added_in,
    }


def scenario_rows(item: TrainItem, norm: Known, texts: Texts, split: str, added_in: str) -> Iterator[Placed]:
    """One row of Safety-SFT and four of Safety-DPO."""
    scenario, question, chosen = texts.scenario, texts.question, texts.chosen
    head = {
        "prompt_id": item.id,
        "images": [item.picture.described()],
        "prompt": _say("user", f"{scenario} {question}"),
    }
    tail = {"scenario": scenario, "question": question, **_tail(item, norm, texts.generator, added_in)}
    tail["text_license"] = LICENSE
    config = config_of(item.country)
    sft = {"id": f"sft-{item.id}", **head, "completion": _say("assistant", chosen), **tail}
    yield Placed("safety-sft", config, split, sft, item.picture)
    for kind, rejected in texts.rejected.items():
        dpo = {
            "id": f"dpo-{item.id}-{kind}",
            **head,
            "chosen": _say("assistant", chosen),
            "rejected": _say("assistant", rejected),
            "negative_type": kind,
            "fails": fails(kind),
            **tail,
        }
        yield Placed("safety-dpo", config, split, dpo, item.picture)


def multiple_choice_row(item: TrainItem, norm: Known | None, split: str, added_in: str) -> Placed:
    """One row of the multiple-choice baseline: the question with lettered options, the letter as answer.

    Raises:
        ValueError: the item has no known answer.
    """
    if item.label is None:
        raise ValueError(f"{item.id}: no known answer")
    options = "\n".join(f"{LETTERS[i]}. {option}" for i, option in enumerate(item.options))
    row = {
        "id": f"mcq-{item.id}",
        "prompt_id": f"mcq-{item.id}",
        "images": [item.picture.described()],
        "prompt": _say("user", f"{item.question}\n{options}\nAnswer with the letter alone."),
        "completion": _say("assistant", LETTERS[item.label]),
        "scenario": None,
        "question": item.question,
        **_tail(item, norm, "offline", added_in),
    }
    return Placed("safety-sft", "cvqa-mcq", split, row, item.picture)
