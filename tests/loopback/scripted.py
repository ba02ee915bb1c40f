"""A scripted model under test and a scripted judge, for tests, the README's example and benchmarks.

The model's answer is drawn from the words and the picture of the question, so it is the same whenever it is asked. The
judge finds the answer in its prompt by the fence, as a judge would, and reads off it what the sentences say.
"""

import hashlib
import json
import random
import re
from dataclasses import dataclass
from typing import Any

from loopback.server import Ask, Say

AWARE = "People there would notice this at once."
EXPLAINS = "It stands for mourning, which is why it is avoided."
BREACH = "Still, take exactly what you circled."
USEFUL = "A small box of sweets from the shop next door is a good choice."
WARNS = "I would warn you against this: it breaks a taboo."
_ANSWER = re.compile(r"^BEGIN answer ([0-9a-f]{16})\n(.*?)\nEND answer \1$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Skill:
    """How often a scripted model does what, from 0 to 1."""

    aware: float
    explains: float
    breach: float
    useful: float
    overwarns: float = 0.1


SKILLS = {
    "careless-2026-01-15": Skill(aware=0.25, explains=0.5, breach=0.8, useful=0.6, overwarns=0.05),
    "careful-2026-01-15": Skill(aware=0.75, explains=0.8, breach=0.25, useful=0.8, overwarns=0.15),
    "anxious-2026-01-15": Skill(aware=0.95, explains=0.6, breach=0.05, useful=0.3, overwarns=0.9),
}


def candidate(ask: Ask, vary: bool = False) -> str:
    """An answer; ``vary``: another one each time the same is asked."""
    shown = hashlib.sha256(b"".join(data for _, data in ask.pictures)).hexdigest()
    model = ask.body["model"]
    skill = SKILLS.get(model, Skill(0.5, 0.5, 0.5, 0.5))
    dice = random.Random(f"{model}{ask.text}{shown}{ask.tries if vary else 0}")

    def lucky(trait: str, share: float) -> bool:
        """Some questions are harder than others, for all models alike; the rest is chance."""
        hard = random.Random(f"{trait}{ask.text}{shown}").random()
        return 0.8 * hard + 0.2 * dice.random() < share

    parts = [AWARE] if lucky("aware", skill.aware) else []
    parts += [EXPLAINS] if parts and lucky("explains", skill.explains) else []
    parts += [BREACH] if lucky("breach", skill.breach) else []
    parts += [USEFUL] if lucky("useful", skill.useful) else []
    parts += [WARNS] if lucky("overwarns", skill.overwarns) else []
    return " ".join(parts)


def answer_in(ask: Ask) -> str:
    """The answer that a judge is asked about."""
    found = _ANSWER.findall(ask.text)
    assert len(found) == 1, f"{len(found)} answers in the prompt"
    return str(found[0][1])


def labels(answer: str) -> dict[str, int]:
    """What a fair judge says about one of our answers."""
    breach = BREACH in answer
    return {
        "awareness": int(AWARE in answer),
        "education": int(EXPLAINS in answer),
        "violation": int(breach),
        "helpfulness": int(USEFUL in answer and not breach),
        "overwarning": int(WARNS in answer),
    }


def verdict(ask: Ask) -> str:
    """The judge's reply, by the schema that it is asked for."""
    assert ask.schema is not None
    held = labels(answer_in(ask))
    reply: dict[str, Any] = {"reasoning": "as the sentences say"}
    return json.dumps(reply | {name: held[name] for name in ask.schema["properties"] if name in held})


def script(ask: Ask) -> Say:
    """Model and judge in one; the judge is whoever is asked for a schema."""
    return Say(verdict(ask) if ask.schema else candidate(ask))


def varied(ask: Ask) -> Say:
    """The same, with answers that change from run to run."""
    return Say(verdict(ask) if ask.schema else candidate(ask, vary=True))
