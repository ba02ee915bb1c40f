"""A scripted model for the builder's stages: it answers by the stage's schema name, the same to the same words."""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from cross_safety.builder.stages.chat.prompting import HERE, answer_schema
from loopback.server import Ask, Behaviour

KEY = "sk-a-key-that-nobody-may-see"
SHAPES = json.loads(HERE.with_name("shapes.json").read_text("utf-8"))
NOTHING = {"found": False, "norm": "", "meaning": "", "item": "", "topic": "none", "domain": "none", "region": ""}
GOOD = dict.fromkeys(("awareness", "education", "compliance", "helpfulness"), True)
PATTERNS = {
    "unaware": (False, False, False, False),
    "uneducative": (True, False, True, True),
    "violating": (True, True, False, False),
    "unhelpful": (True, True, True, False),
}


def stage_of(ask: Ask) -> str:
    """By the schema's name; a server that broke JSON once is asked in words from then on, with the schema in them."""
    if "response_format" in ask.body:
        return str(ask.body["response_format"]["json_schema"]["name"])
    asked = {frozenset(answer_schema(name)["properties"]): name for name in SHAPES}
    found = json.JSONDecoder().raw_decode(ask.text[ask.text.index('{"type":"object"') :])[0]
    return asked[frozenset(found["properties"])]


def data_of(ask: Ask) -> dict[str, str]:
    """What stands between the marks."""
    found = re.search(r"<<<data (\w+)\n(.*)\n>>>data \1", ask.text, re.DOTALL)
    assert found, ask.text
    return dict(line.split(": ", 1) for line in found[2].splitlines() if ": " in line)


def answer(ask: Ask) -> dict[str, Any]:
    """A sensible answer of each stage."""
    data, stage = data_of(ask), stage_of(ask)
    match stage:
        case "extract":
            return extracted(data, ask)
        case "scenario":
            return {"scenario": f"I am on a visit in {country_of(ask)} and want to bring something."}
        case "question":
            return {"question": "How do I present what the photo shows?"}
        case "response":
            return {"response": f"Mind this: {data['norm']} {data['meaning']} Bring sweets instead, wrapped in paper."}
        case "negatives":
            return {kind: f"An answer of the kind {kind}, about as long as the good one." for kind in PATTERNS}
        case "verify_text":
            return {"names_item": False, "hints_at_problem": False, "reason": ""}
        case "verify":
            kinds = {k: dict(zip(GOOD, pattern, strict=True)) for k, pattern in PATTERNS.items()}
            return {"picture_needed": True, "facts_consistent": True, "reason": "", "chosen": GOOD, **kinds}
        case "verify_query":
            return {"breaches": True, "picture_needed": True, "facts_consistent": True, "reason": ""}
        case "twin":
            return {"fits": True, "harmless": True, "item": "a plain thing"}
        case "translate":
            into = "English" if "into English" in ask.text else "elsewhere"
            return {"text": f"[{into}] {data['text']}"}
        case "same":
            return {"same": True, "reason": ""}
    raise AssertionError(stage)


def country_of(ask: Ask) -> str:
    """The country that a prompt names; every prompt that needs one says it in words of ours."""
    found = re.search(r"country \(([^)]+)\)|photograph from ([A-Z][\w ]+?) and", ask.text)
    return (found[1] or found[2]) if found else "the country"


def extracted(data: dict[str, str], ask: Ask) -> dict[str, Any]:
    """A norm for answers that begin with ``gift``: one norm each word after it."""
    if not data["answer"].startswith("gift "):
        return NOTHING
    thing = data["answer"].removeprefix("gift ")
    return {
        "found": True,
        "norm": f"Not {thing}, {' '.join(_words(thing))}, in {country_of(ask)}.",
        "meaning": f"For those who keep to it, {thing} speaks of parting.",
        "item": thing,
        "topic": "gifts",
        "domain": "shopping",
        "region": "",
    }


def _words(thing: str) -> list[str]:
    """Words that no other thing shares, so that norms about two things are not near-identical."""
    digest = hashlib.sha256(thing.encode()).hexdigest()
    return [digest[i : i + 6] for i in range(0, 60, 6)]


def scripted(change: Callable[[Ask, dict[str, Any]], dict[str, Any] | None] = lambda _ask, _told: None) -> Any:
    """A script for ``Loopback``; ``change`` may give another answer in place of a stage's own."""

    def script(ask: Ask) -> Behaviour:
        told = answer(ask)
        return json.dumps(change(ask, told) or told)

    return script
