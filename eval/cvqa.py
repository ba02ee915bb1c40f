"""Knowledge beside safety: multiple-choice accuracy on pictures that no training split holds.

An answer that names no single letter is a failure of the reading and not a wrong answer: it says as much about the
model's obedience to a format as about what it knows. It is left out of the accuracy, counted beside it, and bounded by
``worst`` (all of them wrong) and ``best`` (all right).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..console import UserError
from ..inference import Endpoint, Job, Picture, Request, user
from ..store.opened import Opened
from . import asking
from .estimate import Cell, clusters_of, estimate
from .record import AnswerLine, Failed, Labelled, Record, Text, VerdictLine
from .rows import Selection, dataset_identity
from .run import Outcome
from .scores import country
from .summary import refuse_mixed, returned

CONFIG, SPLIT = "cvqa-mcq", "validation"
READER = "letter"
ABOUT = (
    "id", "prompt_id", "norm_id", "country", "country_name", "region", "domain", "topic", "language", "source",
    "category", "image_sha256", "prompt", "completion",
)  # fmt: skip
_OPTION = re.compile(r"^([A-Z])\. (.+)$", re.MULTILINE)
_ALONE = re.compile(r"[\W_]*([A-Z])[\W_]*")
_NAMED = re.compile(r"""(?i:\b(?:answer|option|choice)(?:\s+is)?)\s*:?\s*[*(\["']*([A-Z])\b(?!')""")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked: a dataset's multiple-choice rows, of one model."""

    dataset: Opened
    selection: Selection
    subject: asking.Subject
    endpoint: Endpoint
    runs: int = 1

    def settings(self) -> dict[str, Any]:
        """What makes this run this run and no other."""
        return {
            "kind": "cvqa",
            "dataset": dataset_identity(self.dataset, CONFIG, self.selection),
            "model": {"asked": self.subject.model, "system": self.subject.system, **self.subject.sampling.given()},
            "judges": [{"asked": READER}],
            "protocol": {"name": "letters-1"},
            "runs": self.runs,
            "control": None,
        }


def select(dataset: Opened) -> Selection:
    """The validation rows whose picture is in no training split of the dataset; others are skipped and counted.

    Raises:
        UserError: no row is left, or a row without an answer.
        NoDatasetError: the dataset has no multiple-choice rows.
    """
    trained = {
        row["image_sha256"]
        for config, parts in dataset.manifest["configs"].items()
        if "train" in parts["splits"]
        for row in dataset.rows(config, "train", columns=["image_sha256"], batch=1024)
    }
    withdrawn = dataset.withdrawn()
    rows = list(dataset.rows(CONFIG, SPLIT, columns=list(ABOUT), batch=256))
    kept = [row for row in rows if row["id"] not in withdrawn and row["image_sha256"] not in trained]
    if not kept:
        raise UserError(f"{dataset.reference}: {CONFIG}/{SPLIT} has no row whose picture is outside training")
    about = [_about(row) for row in kept]
    clusters = clusters_of(about)
    return Selection([row | {"cluster": clusters[row["id"]]} for row in about], len(rows) - len(kept), (SPLIT,))


def _about(row: Mapping[str, Any]) -> dict[str, Any]:
    asked, gold = row["prompt"][0]["content"], row["completion"][0]["content"].strip()
    letters = dict(_OPTION.findall(asked))
    if gold not in letters:
        raise UserError(f"{row['id']}: its answer {gold[:20]!r} is none of its options {sorted(letters)}")
    plain = {name: row[name] for name in ABOUT if name not in {"prompt", "completion", "prompt_id"}}
    return plain | {"pair_id": row["prompt_id"], "split": SPLIT, "gold": gold, "options": len(letters)}


def read_letter(text: str, options: Mapping[str, str]) -> str | None:
    """The one letter that an answer names, or None.

    Read are: a letter alone (``B``, ``(b)``, ``**B.**``), a letter with its option's words (``B. Tuesday``), the words
    of an option alone, and ``the answer is B`` where all such phrases name the same letter.
    """
    plain = text.strip()
    alone = _ALONE.fullmatch(plain.upper())
    if alone:
        return alone[1] if alone[1] in options else None
    words = _words(plain)
    for letter, option in options.items():
        if words in (_words(option), _words(f"{letter} {option}")):
            return letter
    named = set(_NAMED.findall(plain))
    return named.pop() if len(named) == 1 and named <= options.keys() else None


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


async def evaluate(plan: Plan, job: Job, told: Callable[[int], None] = lambda verdicts: None) -> Outcome:
    """Ask everything and read the letters.

    Raises:
        UserError: the run has to stop; what was answered is in the journal.
    """
    client = job.connect(plan.endpoint)
    about = {row["id"]: row for row in plan.selection.about}
    outcome = Outcome()

    async def work(item: tuple[dict[str, Any], int]) -> tuple[AnswerLine, VerdictLine]:
        row, run = item
        asked = row["prompt"][0]["content"]
        picture = Picture(row["images"][0]["bytes"])
        request = Request(
            plan.subject.model, (user(picture, asked),), plan.subject.sampling, sample=run, stage="respond-cvqa"
        )
        answer = asking.read_answer(row, run, await client.ask(request))
        return answer, _verdict(answer, about[row["id"]]["gold"], dict(_OPTION.findall(asked)))

    async for answer, verdict in job.each(Items(plan, frozenset(about)), work):
        outcome.answers.append(answer)
        outcome.verdicts.append(verdict)
        told(1)
    outcome.answers.sort(key=lambda line: (line.row, line.run))
    outcome.verdicts.sort(key=lambda line: (line.row, line.run))
    return outcome


@dataclass(frozen=True, slots=True)
class Items:
    """The wanted rows × runs, with pictures; can be gone through again."""

    plan: Plan
    wanted: frozenset[str]

    def __iter__(self) -> Iterator[tuple[dict[str, Any], int]]:
        """From the first row on."""
        for row in self.plan.dataset.rows(CONFIG, SPLIT, columns=["id", "images", "prompt"]):
            if row["id"] in self.wanted:
                for run in range(self.plan.runs):
                    yield row, run


def _verdict(answer: AnswerLine, gold: str, options: Mapping[str, str]) -> VerdictLine:
    head = (answer.row, answer.run, READER, "accuracy")
    match answer.answer:
        case Text(text):
            letter = read_letter(text, options)
            if letter is None:
                return VerdictLine(*head, Failed("unparseable", "names no single letter"), None)
            return VerdictLine(*head, Labelled(int(letter == gold), letter), None)
        case Failed():
            return VerdictLine(*head, Failed("no_answer"), None)


def summary(record: Record) -> dict[str, Any]:
    """The accuracy with its interval, and what guessing would give.

    Raises:
        UserError: two snapshots in one run.
    """
    refuse_mixed(record)
    cells = [
        _cell(record, line.row, line.run, line.verdict.label if isinstance(line.verdict, Labelled) else None)
        for line in record.verdicts
    ]
    return {
        "name": record.name,
        "kind": "cvqa",
        "settings": record.info["settings"],
        "started": record.info.get("started"),
        "returned": returned(record),
        "accuracy": estimate(cells),
        "macro over countries": estimate(cells, macro=True),
        "chance": sum(1 / row["options"] for row in record.rows.values()) / len(record.rows),
    }


def _cell(record: Record, row: str, run: int, value: int | None) -> Cell:
    about = record.rows[row]
    return Cell(row, about["pair_id"], run, value, about["cluster"], country(about))
