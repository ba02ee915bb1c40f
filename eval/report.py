"""Runs side by side: every summary, every comparison, and what the paper calls failure signatures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..console import UserError
from . import cvqa, outside
from .comparing import comparisons, drift, signatures
from .record import read_record
from .review import calibrations
from .scores import MOST_FAILED, failed_share
from .summary import By, summary


def report(
    folders: Sequence[Path],
    *,
    bys: Sequence[By] = ("country",),
    over_time: bool = False,
    authors: Sequence[Path] = (),
    general_before: Sequence[Path] = (),
    general_after: Sequence[Path] = (),
) -> dict[str, Any]:
    """The report on runs.

    Args:
        folders: of finished runs.
        bys: what to break figures down by.
        over_time: compare runs of one model in the order of their dates, instead of every run with every other.
        authors: result files of the paper's authors, to stand beside.
        general_before: results of lmms-eval or VLMEvalKit before training.
        general_after: the same after training.

    Raises:
        UserError: a folder that holds no finished run; two snapshots in one run; files that can't be read.
    """
    if bool(general_before) != bool(general_after):
        raise UserError(
            "general capability wants results from before and after", "--general-before F --general-after F"
        )
    records = [read_record(folder) for folder in folders]
    evals = [record for record in records if record.info["settings"]["kind"] == "cross-eval"]
    runs = [summary(record, bys) | {"calibration": calibrations(record)} for record in evals]
    accuracies = [cvqa.summary(record) for record in records if record.info["settings"]["kind"] == "cvqa"]
    changes = outside.general_change(general_before, general_after) if general_before else []
    return {
        "runs": [*runs, *accuracies],
        "comparisons": [] if over_time else comparisons(evals),
        "over_time": drift(evals) if over_time else [],
        "authors": [outside.authors(list(authors))] if authors else [],
        "general": changes,
        "signatures": signatures(runs, accuracies, changes),
        "incomplete": [record.name for record in records if failed_share(record) > MOST_FAILED],
    }
