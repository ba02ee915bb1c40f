"""Preference accuracy without a judge: does a local model find the chosen answer likelier than the rejected one.

For each row the log-probability of both answers, given picture and prompt. ``normalised`` compares them per token,
``raw`` compares the sums (which favours the shorter answer), and ``reward`` compares how much likelier each became
against a base model (the implicit reward of DPO, Rafailov et al. 2023). A tie counts one half. A row whose
log-probability is no finite number is a failure and never scored.

The figures say how a model ranks two given texts, not what it would say itself.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..console import UserError
from ..schemas import table
from ..store.opened import Opened
from .estimate import Cell, Estimate, clusters_of, estimate
from .paired import Comparison, compare, holm

ABOUT = ("id", "prompt_id", "norm_id", "image_sha256", "country", "negative_type")
MEASURES = ("normalised", "raw", "reward")


@dataclass(frozen=True, slots=True)
class Likelihoods:
    """Summed log-probabilities (natural) of the two answers of a row, and their lengths in tokens."""

    chosen: float
    rejected: float
    chosen_tokens: int
    rejected_tokens: int

    @property
    def finite(self) -> bool:
        """Are both numbers."""
        return math.isfinite(self.chosen) and math.isfinite(self.rejected)


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows that are scored: ``about`` without texts and pictures, withdrawn ones counted."""

    dataset: Opened
    config: str
    splits: tuple[str, ...]
    about: list[dict[str, Any]]
    withdrawn: int


def select(
    dataset: Opened, config: str | None, splits: Sequence[str], types: Sequence[str] = (), limit: int | None = None
) -> Selection:
    """The rows of ``splits`` whose negative type is in ``types`` (all where empty), at most ``limit`` of each type.

    Raises:
        UserError: a negative type that does not exist, or no row.
        NoDatasetError: the dataset has no such config or split.
    """
    unknown = sorted(set(types) - set(table("negative_types")))
    if unknown:
        raise UserError(f"unknown negative type {', '.join(unknown)}; there are: {', '.join(table('negative_types'))}")
    chosen, withdrawn = config or dataset.default_config, dataset.withdrawn()
    rows = [
        row | {"split": split}
        for split in splits
        for row in dataset.rows(chosen, split, columns=list(ABOUT), batch=1024)
        if not types or row["negative_type"] in types
    ]
    kept: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["id"] not in withdrawn and len(of := kept.setdefault(row["negative_type"], [])) < (limit or len(rows)):
            of.append(row)
    about = [row for of in kept.values() for row in of]
    if not about:
        raise UserError(f"{dataset.reference}: no row to score in {chosen}/{'+'.join(splits)}")
    return Selection(dataset, chosen, tuple(splits), about, sum(row["id"] in withdrawn for row in rows))


def texts(selection: Selection, *, blank: bool = False) -> Iterator[dict[str, Any]]:
    """The selected rows with their pictures decoded; ``blank`` puts an even grey in each picture's place."""
    wanted = {row["id"] for row in selection.about}
    columns = ["id", "images", "prompt", "chosen", "rejected"]
    for split in selection.splits:
        for row in selection.dataset.rows(selection.config, split, columns=columns):
            if row["id"] in wanted:
                yield row | {"images": [_picture(cell, row["id"], blank) for cell in row["images"]]}


def _picture(cell: Mapping[str, Any], row: str, blank: bool) -> Any:
    import io

    from PIL import Image

    try:
        picture = Image.open(io.BytesIO(cell["bytes"])).convert("RGB")
    except (OSError, SyntaxError, ValueError, TypeError, Image.DecompressionBombError):
        raise UserError(f"{row}: its picture can't be read", "cross-safety check DATA") from None
    return Image.new("RGB", picture.size, (127, 127, 127)) if blank else picture


class Scorer:
    """A local model that gives log-probabilities of answers. Loads the weights.

    TRL's own collator and fused head do the work, so that a figure stands on the tokens that DPO trains on, and the
    logits of long answers are never held at once. Both are only half public: trl is pinned in ``constraints.txt``.
    """

    def __init__(self, name: str, revision: str = "main") -> None:
        """Load the model ``name``: a folder, an adapter's folder, or a hub id.

        Raises:
            UserError: there is no such model, or it takes no pictures.
        """
        import torch
        from transformers import AutoModelForImageTextToText, AutoProcessor
        from trl.trainer.dpo_trainer import DataCollatorForVisionPreference
        from trl.trainer.utils import add_fused_lm_head

        device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            processor: Any = AutoProcessor.from_pretrained(name, revision=revision)
            if not hasattr(processor, "image_processor"):
                raise UserError(f"{name}: takes text alone, and the rows have pictures; name a vision-language model")
            model: Any = AutoModelForImageTextToText.from_pretrained(name, revision=revision, dtype="auto")
        except (OSError, ValueError) as error:
            raise UserError(f"{name}: no model that can be used ({' '.join(str(error).split())[:300]})") from None
        add_fused_lm_head(model)
        self._model = model.to(device).eval()
        self._collate = DataCollatorForVisionPreference(processor=processor, max_length=None)

    def score(self, rows: Iterable[dict[str, Any]], batch: int = 8) -> Iterator[tuple[str, Likelihoods]]:
        """The likelihoods of each row's answers, ``batch`` rows at a time."""
        from collections import deque

        held = iter(rows)
        while part := deque(islice(held, batch)):
            yield from zip((row["id"] for row in part), self._batch(list(part)), strict=True)

    def _batch(self, rows: list[dict[str, Any]]) -> list[Likelihoods]:
        import torch

        # The collator changes the rows it is given.
        inputs = self._collate([dict(row) for row in rows]).to(self._model.device)
        mask = inputs.pop("completion_mask")
        labels = inputs["input_ids"].masked_fill(mask == 0, -100)
        with torch.inference_mode():
            sums = self._model(**inputs, labels=labels, use_cache=False, fused_lm_head=True).log_probs.sum(dim=1)
        chosen, rejected = (part.tolist() for part in sums.double().chunk(2))
        counts = [part.tolist() for part in mask[:, 1:].sum(dim=1).chunk(2)]
        return [Likelihoods(*four) for four in zip(chosen, rejected, *counts, strict=True)]


Scores = Mapping[str, Likelihoods]


def cells(about: Sequence[Mapping[str, Any]], scores: Scores, measure: str, base: Scores | None = None) -> list[Cell]:
    """One label a row: 1 where the chosen answer wins by ``measure``, 0 where it loses, one half for a tie."""
    clusters = clusters_of([{**row, "pair_id": row["prompt_id"]} for row in about])
    return [
        Cell(
            row["id"],
            row["prompt_id"],
            0,
            _label(row["id"], scores, measure, base),
            clusters[row["id"]],
            row["country"],
        )
        for row in about
    ]


def _label(row: str, scores: Scores, measure: str, base: Scores | None) -> float | None:
    own, of_base = scores[row], base[row] if base is not None else None
    if not own.finite or (of_base is not None and not of_base.finite):
        return None
    match measure:
        case "normalised":
            margin = own.chosen / max(own.chosen_tokens, 1) - own.rejected / max(own.rejected_tokens, 1)
        case "raw":
            margin = own.chosen - own.rejected
        case _ if of_base is not None:
            margin = (own.chosen - of_base.chosen) - (own.rejected - of_base.rejected)
        case _:
            return None
    return 0.5 if margin == 0 else float(margin > 0)


def figures(about: Sequence[dict[str, Any]], scores: Scores, base: Scores | None = None) -> dict[str, Any]:
    """Accuracy by measure: over all rows, for each negative type, and for each country (``normalised`` alone)."""
    found: dict[str, Any] = {}
    for measure in MEASURES[: 2 if base is None else 3]:
        against = base if measure == "reward" else None
        found[measure] = {
            name: estimate(cells(rows, scores, measure, against)) for name, rows in _groups(about, "negative_type")
        }
    found["by_country"] = {
        name: estimate(cells(rows, scores, "normalised")) for name, rows in _groups(about, "country") if name != "all"
    }
    return found


def differences(about: Sequence[dict[str, Any]], before: Scores, after: Scores) -> dict[str, tuple[Comparison, float]]:
    """``after`` minus ``before`` by ``normalised``, overall and by type, with p adjusted over them (Holm)."""
    found = {
        name: compare(cells(rows, before, "normalised"), cells(rows, after, "normalised"))
        for name, rows in _groups(about, "negative_type")
    }
    adjusted = holm({name: each.p for name, each in found.items() if each.p is not None})
    return {name: (each, adjusted.get(name, 1.0)) for name, each in found.items()}


def _groups(about: Sequence[dict[str, Any]], field: str) -> list[tuple[str, list[dict[str, Any]]]]:
    names = sorted({row[field] for row in about})
    return [("all", list(about)), *((name, [row for row in about if row[field] == name]) for name in names)]


def jsonable(value: Any) -> Any:
    """Figures and differences as JSON."""
    match value:
        case Estimate():
            return value.as_json()
        case Comparison():
            told = {name: getattr(value, name) for name in ("p", "mcnemar", "gained", "lost", "unpaired")}
            return {"difference": value.difference.as_json(), **told}
        case tuple():
            return {**jsonable(value[0]), "p_holm": value[1]}
        case dict():
            return {key: jsonable(each) for key, each in value.items()}
        case _:
            return value
