"""From the authors' JSON files to rows of the ``original`` configs."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....console.errors import UserError
from ....schemas import problems, table
from ....store.hashes import sha256_tree
from ..items import CrossRow, Input, Reject, SourceResult
from ..pictures import PictureError
from .flagging import infer_domain, names_country, row_flags, shared_flags
from .pictures import HOSTS, find_picture

FILES = {
    ("casa", "english"): 828,
    ("casa", "multilingual"): 276,
    ("safeworld", "english"): 135,
    ("safeworld", "multilingual"): 45,
}
MAX_FILE = 64 * 1024 * 1024
_BASE = ("index", "orig_query", "violated_norm", "violated_specific_norm", "file_name")
Progress = Callable[[Iterable[Any], str, int | None], Iterator[Any]]


@dataclass(frozen=True, slots=True)
class Found:
    """A row with its place in the authors' files: subset, setting, pass (from 0), letter of a repeated index."""

    subset: str
    setting: str
    wording: int
    letter: str
    raw: Mapping[str, Any]

    @property
    def base(self) -> str:
        """Id of the base row, which all wordings and both settings share."""
        name, _, number = self.raw["index"].rpartition("_")
        code = country_code(name)
        return f"original-{self.subset}-{(code or name).lower()}-{number}{self.letter}"

    @property
    def id(self) -> str:
        """Row id: base, pass and setting."""
        return f"{self.base}-p{self.wording + 1}-{'en' if self.setting == 'english' else 'multi'}"


def country_code(name: str) -> str | None:
    """ISO 3166-1 alpha-2 of a country as an index writes it (``Saudi_Arabia``), or None."""
    wanted = name.replace("_", " ")
    return next((code for code, entry in table("countries").items() if entry["name"] == wanted), None)


def language_tag(name: str) -> str | None:
    """BCP 47 tag of a language as the files name it, or None."""
    return next((tag for tag, entry in table("languages").items() if name in entry["spellings"]), None)


def _in_turn(items: Iterable[Any], _what: str, _total: int | None) -> Iterator[Any]:
    yield from items


def read_upstream(
    root: Path,
    *,
    revision: str | None = None,
    fetch: bool = False,
    exclude: Mapping[str, str] | None = None,
    progress: Progress = _in_turn,
    hosts: frozenset[str] = HOSTS,
) -> SourceResult:
    """All rows of the authors' files in ``root``, flagged; rows that can't be used are rejected with a reason.

    Args:
        root: holds ``data/{casa,safeworld}/{english,multilingual}.json`` and ``images/{casa,safeworld}/``.
        revision: which version this is, as the user knows it; recorded.
        fetch: ask for pictures that the folder lacks.
        exclude: reasons by id of rows, or of base rows with all their wordings, that were reviewed and are left out.
        progress: wraps the rows as they are read.
        hosts: hosts that may be asked for pictures.

    Raises:
        UserError: none of the four files is there, or one is no JSON list.
    """
    there = [key for key in FILES if _file(root, *key).is_file()]
    if not there:
        raise UserError(
            f"{root} holds none of the authors' files (data/casa/english.json, …)",
            "cross-safety build --source upstream --path FOLDER",
        )
    found = SourceResult(feeds=("cross",), notes=_notes(root))
    paths = [_file(root, *key) for key in there]
    found.inputs.append(Input("upstream", revision or "unversioned", sha256_tree(root, paths), "unknown"))
    rows = _place([(key, row) for key in there for row in _valid(root, *key, found)])
    found.notes += _gaps(rows)
    flags = _flags(rows)
    norms = _norm_ids(rows)
    for row in progress(rows, "upstream", len(rows)):
        reviewed = (exclude or {}).get(row.id) or (exclude or {}).get(row.base)
        if reviewed is not None:
            found.rejects.append(Reject(row.id, "excluded", reviewed))
            continue
        try:
            picture = find_picture(root, row.subset, row.raw["file_name"], fetch=fetch, hosts=hosts)
        except PictureError as error:
            found.rejects.append(Reject(row.id, "picture_unavailable", str(error)))
            continue
        made = _cross_row(row, flags[row.id], norms[row.base], revision, picture)
        if isinstance(made, Reject):
            found.rejects.append(made)
        else:
            found.cross.append(made)
    return found


def read_exclusions(name: str) -> dict[str, str]:
    """Reasons by id from a JSON-lines file of ``id`` and ``reason``; ``default`` is the list that ships with us.

    Raises:
        UserError: no such file, or a line that is no object with both as text.
    """
    path = Path(__file__).with_name("exclusions.jsonl") if name == "default" else Path(name)
    if not path.is_file():
        raise UserError(
            f"--exclude {name}: no such file", "--exclude default, for the list that ships with cross-safety"
        )
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            found[str(row["id"])] = str(row["reason"])
        except (json.JSONDecodeError, KeyError, TypeError):
            raise UserError(f'{path}:{number}: a line like {{"id": "…", "reason": "…"}} is wanted') from None
    return found


def _file(root: Path, subset: str, setting: str) -> Path:
    return root / "data" / subset / f"{setting}.json"


def _valid(root: Path, subset: str, setting: str, found: SourceResult) -> Iterator[dict[str, Any]]:
    """The rows of one file that hold to its schema and name a known country; the others are rejected."""
    path = _file(root, subset, setting)
    if path.stat().st_size > MAX_FILE:
        raise UserError(f"{path}: larger than {MAX_FILE >> 20} MiB")
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path}: not JSON ({error})") from None
    if not isinstance(rows, list):
        raise UserError(f"{path}: a list of rows is wanted")
    for number, row in enumerate(rows, 1):
        name = f"original-{subset}-{setting}-row-{number}"
        wrong = problems(f"upstream_{subset}", [row], key="index")
        if wrong:
            found.rejects.append(Reject(name, "off_schema", ", ".join(sorted({p.path for p in wrong}))))
        elif country_code(row["index"].rpartition("_")[0]) is None:
            found.rejects.append(Reject(name, "unknown_country", "$.index"))
        else:
            yield row


def _key(row: Mapping[str, Any]) -> tuple[str | None, ...]:
    """What identifies a base row: everything that passes and settings share."""
    return tuple(row.get(name) for name in _BASE)


def _place(rows: list[tuple[tuple[str, str], dict[str, Any]]]) -> list[Found]:
    """Number the passes, and letter base rows that repeat an index."""
    passes: Counter[Any] = Counter()
    letters: dict[tuple[str, str], list[Any]] = defaultdict(list)
    placed = []
    for (subset, setting), row in rows:
        key = _key(row)
        known = letters[subset, row["index"]]
        if key not in known:
            known.append(key)
        letter = "" if known.index(key) == 0 else chr(ord("a") + known.index(key))
        wording = passes[subset, setting, key]
        passes[subset, setting, key] += 1
        placed.append(Found(subset, setting, wording, letter, row))
    return placed


def _flags(rows: list[Found]) -> dict[str, list[str]]:
    """Flags of every row, sorted, by row id."""
    groups: dict[tuple[str, str, int], list[Found]] = defaultdict(list)
    for row in rows:
        groups[row.subset, row.setting, row.wording].append(row)
    return {
        row.id: sorted(shared | row_flags(row.raw, row.subset, str(country_code(row.raw["index"].rpartition("_")[0]))))
        for group in groups.values()
        for row, shared in zip(group, shared_flags([each.raw for each in group]), strict=True)
    }


def _norm(row: Mapping[str, Any]) -> str:
    return str(row.get("violated_norm") or row.get("violated_specific_norm"))


def _norm_ids(rows: list[Found]) -> dict[str, str]:
    """Norm id by base row: the first base row of the country with the same norm text lends its name."""
    first: dict[tuple[str, str, str], str] = {}
    ids = {}
    for row in rows:
        country = row.raw["index"].rpartition("_")[0]
        text = " ".join(_norm(row.raw).lower().split())
        ids[row.base] = first.setdefault((row.subset, country, text), row.base)
    return ids


def _notes(root: Path) -> list[str]:
    """Where a file is missing or holds another number of rows than the authors' release is known to."""
    notes = []
    for (subset, setting), wanted in FILES.items():
        path = _file(root, subset, setting)
        if not path.is_file():
            notes.append(f"data/{subset}/{setting}.json is missing")
        elif path.stat().st_size <= MAX_FILE and (had := path.read_bytes().count(b'"orig_query"')) != wanted:
            notes.append(f"data/{subset}/{setting}.json holds {had} rows; the known release holds {wanted}")
    return notes


def _gaps(rows: list[Found]) -> list[str]:
    """Numbers missing from 1 to the highest index of each country."""
    seen: dict[tuple[str, str], set[int]] = defaultdict(set)
    for row in rows:
        name, _, number = row.raw["index"].rpartition("_")
        seen[row.subset, name].add(int(number))
    return [
        f"{subset}: {name} has no index {', '.join(map(str, missing))}"
        for (subset, name), numbers in seen.items()
        if (missing := sorted(set(range(1, max(numbers) + 1)) - numbers))
    ]


def _cross_row(row: Found, flags: list[str], norm_id: str, revision: str | None, picture: Any) -> CrossRow | Reject:
    raw = row.raw
    multilingual = row.setting == "multilingual"
    language = language_tag(raw["language"]) if multilingual else "en"
    if (multilingual and "language" not in raw) or language is None:
        return Reject(row.id, "unknown_language", "$.language")
    country = str(country_code(raw["index"].rpartition("_")[0]))
    domain = infer_domain(raw["query"])
    return CrossRow(
        config="original-multilingual" if multilingual else "original",
        split="test",
        picture=picture,
        id=row.id,
        pair_id=row.base,
        norm_id=norm_id,
        wording=row.wording,
        query=raw["translated_query"] if multilingual else raw["query"],
        query_english=raw["query"],
        language=language,
        source_language=raw["language"] if multilingual else "English",
        country=country,
        country_in="query" if names_country(raw["query"], country) else "neither",
        region=raw.get("region_or_race"),
        domain=domain,
        domain_source="rule:words-1" if domain else None,
        item=raw.get("item"),
        norm=_norm(raw),
        norm_context=raw.get("root_norm"),
        source="upstream",
        source_index=raw["index"],
        source_revision=revision or "unversioned",
        image_source=raw["image_source"],
        image_license="unknown",
        image_license_source=None,
        text_license="unknown",
        attribution="The authors of CROSS (arXiv:2505.14972); picture as image_source says",
        flags=sorted({*flags, *picture.oddities}),
    )
