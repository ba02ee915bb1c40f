"""From a picture with a multiple-choice item to training rows: extract → scenario → question → response → negatives.

One file a stage. The functions here are the offline generator: deterministic, from the corpus alone, no model.
"""

from .extract import extract_norm
from .negatives import NEGATIVE_TYPES, negative_answers
from .offline import prepare_offline, texts_of
from .photographs import photograph_rows
from .question import make_question
from .response import make_response
from .scenario import make_scenario
from .texts import Known, Prepare, Prepared, Texts, known_of

__all__ = [
    "NEGATIVE_TYPES",
    "Known",
    "Prepare",
    "Prepared",
    "Texts",
    "extract_norm",
    "known_of",
    "make_question",
    "make_response",
    "make_scenario",
    "negative_answers",
    "photograph_rows",
    "prepare_offline",
    "texts_of",
]
