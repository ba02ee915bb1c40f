"""The record of a run: ``run.json`` with what was done, and rows, answers and verdicts as JSON lines.

A run that goes on is ``"status": "running"``; its answers are in the journal. Answers and verdicts are written when all
have come in, each file whole or absent, and ``run.json`` with their hashes last: nothing half-written looks whole.

A verdict is *either* a label *or* a failure with its reason, by type and by line: a line with both, or with neither, is
refused.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from ..console import UserError
from ..store.atomic import write_bytes, write_text
from ..store.hashes import sha256_bytes, sha256_file

FORMAT = 1
FILES = ("rows.jsonl", "answers.jsonl", "verdicts.jsonl")


@dataclass(frozen=True, slots=True)
class Text:
    """What the model under test said; may be empty, which is an answer of nothing."""

    text: str


@dataclass(frozen=True, slots=True)
class Labelled:
    """A judge's label for one dimension, 0 or 1, and why."""

    label: int
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """Why an instrument gave nothing. It says nothing about what it would have given."""

    failure: str
    detail: str = ""


Verdict: TypeAlias = Labelled | Failed


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """One answer: of which row, in which run (from 0), by which model as the server named it."""

    row: str
    run: int
    answer: Text | Failed
    model: str | None


@dataclass(frozen=True, slots=True)
class VerdictLine:
    """One verdict: of which answer, by which judge (as asked for, and as the server named it), on which dimension."""

    row: str
    run: int
    judge: str
    dimension: str
    verdict: Verdict
    model: str | None


@dataclass(frozen=True, slots=True)
class Record:
    """A finished run as read from its folder; ``rows`` by id, in the dataset's order."""

    folder: Path
    info: dict[str, Any]
    rows: dict[str, dict[str, Any]]
    answers: list[AnswerLine]
    verdicts: list[VerdictLine]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @property
    def runs(self) -> int:
        """How many times each row was asked."""
        return int(self.info["settings"]["runs"])

    @property
    def judges(self) -> list[str]:
        """The judges, as asked for."""
        return [judge["asked"] for judge in self.info["settings"]["judges"]]


def _answer_json(line: AnswerLine) -> dict[str, Any]:
    return {"row": line.row, "run": line.run, "model": line.model} | _plain(line.answer)


def _verdict_json(line: VerdictLine) -> dict[str, Any]:
    head = {"row": line.row, "run": line.run, "judge": line.judge, "dimension": line.dimension, "model": line.model}
    return head | _plain(line.verdict)


def _plain(value: Text | Labelled | Failed) -> dict[str, Any]:
    match value:
        case Text(text):
            return {"text": text}
        case Labelled(label, reasoning):
            return {"label": label, "reasoning": reasoning}
        case Failed(failure, detail):
            return {"failure": failure, "detail": detail}


def _read_answer(line: Mapping[str, Any]) -> AnswerLine:
    return AnswerLine(line["row"], line["run"], Text(line["text"]) if "text" in line else _failed(line), line["model"])


def _read_verdict(line: Mapping[str, Any]) -> VerdictLine:
    if ("label" in line) == ("failure" in line):
        raise ValueError("a verdict is either a label or a failure")
    verdict: Verdict = _failed(line)
    if "label" in line:
        if line["label"] not in (0, 1) or isinstance(line["label"], bool):
            raise ValueError(f"label {line['label']!r}, allowed are 0 and 1")
        verdict = Labelled(line["label"], line.get("reasoning", ""))
    return VerdictLine(line["row"], line["run"], line["judge"], line["dimension"], verdict, line["model"])


def _failed(line: Mapping[str, Any]) -> Failed:
    return Failed(line.get("failure", ""), line.get("detail", ""))


def begin(folder: Path, settings: Mapping[str, Any], now: str, *, replace: bool) -> str:
    """Mark a run as going on.

    Returns:
        When it was begun: ``now``, or the date of the run with these settings that the folder holds.

    Raises:
        UserError: the folder holds something else, or a run with other settings and ``replace`` is not given.
    """
    path, started = folder / "run.json", now
    if (
        folder.exists()
        and not path.is_file()
        and any(not item.name.startswith("journal.") for item in folder.iterdir())
    ):
        raise UserError(f"{folder}: not empty, and no run of cross-safety", "the same command with another --out")
    if path.is_file():
        info = _info(folder)
        held = info["settings"]
        differing = sorted(key for key in held.keys() | settings.keys() if held.get(key) != settings.get(key))
        started = now if differing else info.get("started", now)
        if differing and not replace:
            raise UserError(
                f"{folder}: holds a run with other settings ({', '.join(differing)})",
                "the same command with another --out, or with --replace (answers in its journal are used again)",
            )
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path, _pretty({"format": FORMAT, "status": "running", "settings": settings, "started": started}))
    return started


def finish(
    folder: Path,
    info: Mapping[str, Any],
    rows: Iterable[Mapping[str, Any]],
    answers: Iterable[AnswerLine],
    verdicts: Iterable[VerdictLine],
) -> None:
    """Write a run that came to its end; ``run.json`` last."""
    parts: Sequence[Iterable[Mapping[str, Any]]] = (
        rows,
        (_answer_json(line) for line in answers),
        (_verdict_json(line) for line in verdicts),
    )
    hashes = {}
    for name, lines in zip(FILES, parts, strict=True):
        data = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode(errors="replace")
        write_bytes(folder / name, data)
        hashes[name] = sha256_bytes(data)
    write_text(folder / "run.json", _pretty({"format": FORMAT, "status": "complete", **info, "files": hashes}))


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _info(folder: Path) -> dict[str, Any]:
    try:
        info = json.loads((folder / "run.json").read_text("utf-8"))
        if info["format"] != FORMAT:
            raise UserError(f"{folder}: a run of format {info['format']}; this version reads format {FORMAT}")
        return {"settings": {}, **info}
    except FileNotFoundError:
        raise UserError(f"{folder}: no run.json; this is no run", "cross-safety eval run --help") from None
    except (KeyError, TypeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{folder}/run.json: not readable ({type(error).__name__})") from None


def read_info(folder: Path) -> dict[str, Any]:
    """``run.json`` of a finished run.

    Raises:
        UserError: no run, an unfinished one, or one whose files are not those that it was finished with.
    """
    info = _info(folder)
    if info.get("status") != "complete":
        raise UserError(f"{folder}: the run is not finished", "the same `cross-safety eval` command again")
    for name, sha256 in info["files"].items():
        if name not in FILES or not (folder / name).is_file() or sha256_file(folder / name) != sha256:
            raise UserError(f"{folder}/{name}: missing, or changed since the run was finished")
    return info


def read_record(folder: Path) -> Record:
    """A finished run, proved against its hashes.

    Raises:
        UserError: see ``read_info``; or lines that are no answers or verdicts.
    """
    info = read_info(folder)
    try:
        rows, answers, verdicts = ([json.loads(line) for line in _lines(folder / name)] for name in FILES)
        return Record(
            folder,
            info,
            {row["id"]: row for row in rows},
            [_read_answer(line) for line in answers],
            [_read_verdict(line) for line in verdicts],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{folder}: a line of its files is not readable ({error})") from None


def _lines(path: Path) -> list[str]:
    """Lines by newline alone: answers may hold other characters that ``splitlines`` takes for line ends."""
    return [line for line in path.read_text("utf-8").split("\n") if line]
