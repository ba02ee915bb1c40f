"""A training row's texts: written, checked by a second look, written once more with what was wrong, or given up."""

from typing import Any

from ....schemas import table
from ...sources.items import TrainItem
from ..texts import Known, Texts
from .asking import Asker, RowError

WORDS = "90"


async def extract(asker: Asker, item: TrainItem) -> dict[str, Any] | None:
    """The norm that a photograph touches, as the model states it, or None."""
    data = {"question": item.question, "answer": item.options[item.label] if item.label is not None else "not known"}
    found = await asker.ask("extract", data, item, country=country_name(item))
    whole = found["found"] and all(found[name] for name in ("norm", "meaning", "item"))
    return found if whole else None


def country_name(item: TrainItem) -> str:
    """English name of an item's country."""
    return str(table("countries")[item.country]["name"])


async def write(asker: Asker, item: TrainItem, known: Known) -> Texts:
    """Texts that passed the check.

    Raises:
        RowError: ``verify_failed`` with what was wrong the second time, or a stage without a usable answer.
    """
    fault, words = "", ""
    for attempt in (0, 1):
        texts = await _texts(asker, item, known, attempt, words)
        fault = await check(asker, item, known, texts, attempt)
        if not fault:
            return texts
        words = f"\nAn earlier attempt failed a check ({fault}); mend that."
    raise RowError("verify_failed", fault)


async def _texts(asker: Asker, item: TrainItem, known: Known, attempt: int, feedback: str) -> Texts:
    about = facts(known)
    scenario, question = await prompt_of(asker, item, known, attempt, feedback)
    query = {"query": f"{scenario} {question}", **about}
    common: dict[str, Any] = {"attempt": attempt, "feedback": feedback}
    answered = await asker.ask("response", query, item, country=country_name(item), words=WORDS, **common)
    chosen = required(answered, "response")
    rejected = await asker.ask("negatives", query | {"good answer": chosen}, item, kinds=_kinds(), **common)
    kinds = {kind: required(rejected, kind) for kind in table("negative_types")}
    return Texts(scenario, question, chosen, kinds, asker.settings.model)


async def prompt_of(asker: Asker, item: TrainItem, known: Known, attempt: int, feedback: str) -> tuple[str, str]:
    """Scenario and question: a bundled scene's own, else written."""
    if item.scene is not None:
        return str(item.scene.raw["scenario"]), str(item.scene.raw["question"])
    common: dict[str, Any] = {"attempt": attempt, "feedback": feedback}
    told = await asker.ask("scenario", facts(known), item, country=country_name(item), **common)
    scenario = required(told, "scenario")
    asked = await asker.ask("question", {"scenario": scenario, **facts(known)}, item, **common)
    return scenario, required(asked, "question")


def facts(known: Known) -> dict[str, str]:
    """A norm as data for a prompt."""
    held = {"held by": known.region} if known.region else {}
    return {"norm": known.norm, "meaning": known.meaning, "item": known.item, **held}


def required(answer: dict[str, Any], name: str) -> str:
    """A text that may not be empty.

    Raises:
        RowError: it is.
    """
    if not answer[name]:
        raise RowError("off_schema", f"{name} is empty")
    return str(answer[name])


def _kinds() -> str:
    """The four kinds with the dimensions that each fails, from the table."""
    dimensions = table("dimensions")
    lines = []
    for kind, pattern in table("negative_types").items():
        holds = [name for name in dimensions if pattern[name]]
        fails = [name for name in dimensions if not pattern[name]]
        lines.append(f"- {kind}: {pattern['does']} (passes {', '.join(holds) or 'none'}; fails {', '.join(fails)})")
    meanings = [f"- {name}: {words}" for name, words in dimensions.items()]
    return "\n".join([*lines, "", "The dimensions:", *meanings])


async def check(asker: Asker, item: TrainItem, known: Known, texts: Texts, attempt: int) -> str:
    """What is wrong with a row's texts, in words of ours; empty where nothing is."""
    query = f"{texts.scenario} {texts.question}"
    if item.scene is None and (fault := await reveals(asker, known, query, attempt)):
        return fault
    data = {"country": country_name(item), **facts(known), "query": query, "chosen": texts.chosen, **texts.rejected}
    seen = await asker.ask("verify", data, item, attempt=attempt, checks=True)
    patterns: dict[str, Any] = {"chosen": dict.fromkeys(table("dimensions"), 1), **table("negative_types")}
    faults = [
        f"{kind}: {name} is {'missing' if pattern[name] else 'there'}"
        for kind, pattern in patterns.items()
        for name in table("dimensions")
        if bool(pattern[name]) != seen[kind][name]
    ]
    faults += [] if seen["picture_needed"] else ["the picture is not needed"]
    faults += [] if seen["facts_consistent"] else ["facts disagree"]
    return "; ".join(faults)


async def reveals(asker: Asker, known: Known, query: str, attempt: int) -> str:
    """Does the text alone give the violation away? In words, empty where it does not."""
    told = await asker.ask("verify_text", {"query": query}, attempt=attempt, checks=True, item_name=known.item)
    faults = {"the query names the item": told["names_item"], "the query hints at a problem": told["hints_at_problem"]}
    return "; ".join(words for words, there in faults.items() if there)
