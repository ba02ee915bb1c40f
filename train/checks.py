"""`train check`: everything that can be known to go wrong before weights are loaded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import nlargest
from typing import TYPE_CHECKING, Any

from ..console import Output, UserError
from ..schemas.problems import Problem, format_problems, problems
from ..store.dataset import NoDatasetError
from ..store.features import SCHEMA_OF
from ..store.opened import Opened, open_dataset
from ..store.picturecells import describe_row
from ..store.reference import BadReferenceError
from .data import Source
from .lengths import Length, Measure, collated_length
from .memory import Memory, estimate_memory
from .overlap import Traces, shared, shared_with_test

if TYPE_CHECKING:
    from .run import Plan

SHOWN = 10


@dataclass(slots=True)
class Checks:
    """The outcome.

    Attributes:
        data: what was looked at.
        rows: rows that would be trained on and evaluated on, by split.
        text_only: rows without a picture among them.
        longest: the longest rows in tokens, longest first.
        errors: reasons not to train.
        warnings: what one should know.
        memory: the estimate for one GPU and for several.
        compared: the test set that the rows were held against, or None.
    """

    data: dict[str, Any]
    rows: dict[str, int] = field(default_factory=dict)
    text_only: int = 0
    longest: list[Length] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    memory: Memory | None = None
    compared: str | None = None

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON."""
        from dataclasses import asdict

        told = {key: value for key, value in asdict(self).items() if key not in {"memory", "longest"}}
        told["longest"] = [asdict(length) | {"total": length.total} for length in self.longest]
        told["memory"] = self.memory.as_json() if self.memory else None
        return told


def check(plan: "Plan", cross: str | None, output: Output) -> Checks:
    """Look at every row that the run would use, at the model's configuration and at the settings. Loads no weights.

    Args:
        plan: the run.
        cross: the test set to hold the rows against; None for a folder ``cross`` beside the data, where there is one.
        output: for progress.
    """
    source = plan.source
    found = Checks(source.described() | {"method": source.method})
    patch = _patch(plan.model.config)
    measure = Measure(plan.model.processor, source.method, patch)
    traces: dict[str, Traces] = {}
    lengths: list[Length] = []
    for split in filter(None, (source.selection.split, source.selection.eval_split)):
        traces[split] = Traces()
        lengths += _look_at(source, split, measure, traces[split], found, output)
    found.longest = nlargest(SHOWN, lengths, key=lambda length: length.total)
    _check_lengths(plan, lengths, found)
    if source.selection.eval_split:
        found.errors += shared(traces[source.selection.split], traces[source.selection.eval_split])
    for split, of in traces.items():
        if of.canaries:
            found.errors.append(
                f"{len(of.canaries)} rows of {split} carry the canary of the test set ({', '.join(of.canaries[:3])})"
            )
        if of.marked:
            found.errors.append(
                f"{len(of.marked)} rows of {split} have pictures with the test set's canary in their metadata"
            )
    _check_test(source, traces[source.selection.split], cross, found)
    if lengths:
        found.memory = estimate_memory(
            plan.model.config,
            plan.settings,
            source.method,
            found.longest[0].total,
            max(length.patches for length in lengths),
        )
        _check_memory(found)
    return found


def used_rows(source: Source, split: str) -> Iterator[dict[str, Any]]:
    """The whole rows of a split that the run would use."""
    gone = source.opened.withdrawn()
    return (row for row in source.opened.rows(source.config, split) if row["id"] not in gone and source.keeps(row))


def _look_at(
    source: Source, split: str, measure: Measure, traces: Traces, found: Checks, output: Output
) -> list[Length]:
    """One pass over the rows of a split: schema, traces, length. A wrong row is no reason to stop."""
    lengths: list[Length] = []
    wrong: list[Problem] = []
    for row in output.progress(used_rows(source, split), f"checking {split}"):
        found.rows[split] = found.rows.get(split, 0) + 1
        found.text_only += not row["images"]
        # A text-only row is no row of the schema, and a good row to train on.
        told = [
            p
            for p in problems(SCHEMA_OF[source.opened.name], [describe_row(row)])
            if row["images"] or p.path != "$.images"
        ]
        wrong += told
        if told:
            continue
        traces.add(row)
        lengths += measure.lengths([row])
    if wrong:
        found.errors.append(f"{split}: rows that the schema does not allow\n{format_problems(wrong[:SHOWN])}")
    return lengths


def _check_lengths(plan: "Plan", lengths: list[Length], found: Checks) -> None:
    """What the processor refuses, placeholders, and what a maximum would cut."""
    refused = [length for length in lengths if length.trouble]
    if refused:
        found.errors.append(
            f"{len(refused)} rows that the model's processor refuses ({_named(refused)}: {refused[0].trouble})"
        )
    uneven = [each for each in lengths if not each.trouble and each.placeholders != each.images]
    if uneven:
        one = uneven[0]
        found.errors.append(
            f"{len(uneven)} rows with another number of image placeholders than of pictures ({_named(uneven)}; the "
            f"first has {one.placeholders} for {one.images})"
        )
    most = plan.settings.training.max_length
    if most is not None:
        cut = [each for each in lengths if each.total > most]
        pictures = [each for each in lengths if each.image_end > most]
        if cut:
            found.errors.append(
                f"--max_length {most} cuts the answer of {len(cut)} rows (TRL does so without a word) and the picture "
                f"of {len(pictures)}; leave it out, or set at least {max(each.total for each in cut)}"
            )
    context = getattr(plan.model.config.get_text_config(), "max_position_embeddings", None)
    longest = found.longest[0] if found.longest else None
    if longest and isinstance(context, int) and longest.total > context:
        found.warnings.append(f"{longest.id} takes {longest.total} tokens; the model is made for {context}")
    if longest and not longest.trouble:
        _prove(plan, longest, found)


def _prove(plan: "Plan", longest: Length, found: Checks) -> None:
    """The longest row through TRL's own collator: the counts above must be its counts."""
    source = plan.source
    splits = filter(None, (source.selection.split, source.selection.eval_split))
    row = next(row for split in splits for row in used_rows(source, split) if row["id"] == longest.id)
    counted = collated_length(plan.model.processor, source.method, row)
    if counted != longest.total:
        found.warnings.append(f"{longest.id}: counted {longest.total} tokens, TRL's collator makes {counted}")


def _named(rows: list[Length]) -> str:
    return ", ".join(each.id for each in rows[:3]) + (" …" if len(rows) > 3 else "")


def _check_test(source: Source, traces: Traces, cross: str | None, found: Checks) -> None:
    test = _find_test(source, cross)
    if test is None:
        found.warnings.append("not held against a test set: no folder cross beside the data, and no --cross")
        return
    found.compared = f"{test.reference} {test.version}"
    found.errors += shared_with_test(traces, test)


def _find_test(source: Source, cross: str | None) -> Opened | None:
    beside = source.opened.folder.parent / "cross"
    if cross is None and not (source.opened.reference.folder and (beside / "manifest.json").is_file()):
        return None
    try:
        test = open_dataset(cross or str(beside))
    except (NoDatasetError, BadReferenceError) as error:
        raise UserError(str(error), "cross-safety build, or another --cross") from None
    if test.name != "cross":
        raise UserError(f"--cross {cross}: this is {test.name}, not the test set")
    return test


def _check_memory(found: Checks) -> None:
    import torch

    if found.memory is None or not torch.cuda.is_available():
        return
    there = torch.cuda.get_device_properties(0).total_memory
    if found.memory.on(1) > there:
        found.warnings.append(
            f"about {found.memory.on(1) / 2**30:.0f} GiB would be needed on one GPU, which has {there / 2**30:.0f}; "
            "LoRA, a smaller batch, --gradient_checkpointing or several GPUs ask less"
        )


def _patch(config: Any) -> int:
    """Side of a patch of the vision tower in pixels; 14 where the configuration does not say."""
    vision: Mapping[str, Any] | Any = getattr(config, "vision_config", None)
    side = getattr(vision, "patch_size", 14)
    return int(side[0] if isinstance(side, list | tuple) else side)
