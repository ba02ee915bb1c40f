"""The offline generator: norms that the corpus knows, texts from its pieces, no model."""

from collections.abc import Sequence
from pathlib import Path

from ...store.hashes import sha256_tree
from ..sources.items import TrainItem
from ..starter.corpus import Norm
from .extract import extract_norm
from .negatives import negative_answers
from .photographs import photograph_rows
from .question import make_question
from .response import make_response
from .scenario import make_scenario
from .texts import Prepared, Texts, known_of


def prepare_offline(items: Sequence[TrainItem]) -> Prepared:
    """Norms and texts of all items that touch a training norm, and test rows of those that touch a test norm."""
    pairs = [(item, extract_norm(item)) for item in items]
    made = Prepared(generators=[{"name": "offline", "parameters": {}, "prompts": _prompts()}])
    made.cross, made.cross_rejects = photograph_rows(pairs)
    for item, norm in pairs:
        if norm is not None and norm.set == "train":
            made.known[item.id] = known_of(norm)
            made.texts[item.id] = texts_of(item, norm)
    return made


def _prompts() -> dict[str, str]:
    """Hash of the code that the offline generator stands on; the corpus is an input of its own."""
    here = Path(__file__).parent
    return {"stages": sha256_tree(here, here.glob("*.py"))}


def texts_of(item: TrainItem, norm: Norm) -> Texts:
    """Scenario, question, chosen and rejected answers of one item."""
    chosen = make_response(item, norm)
    rejected = negative_answers(item, norm, chosen)
    return Texts(make_scenario(item, norm), make_question(item, norm), chosen, rejected)
