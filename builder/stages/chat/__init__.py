"""The chat generator: extract → scenario → question → response → negatives → verify, and test rows with twins.

Prompts lie beside the code, one a stage, each with a version; what a stage answers with is bounded by ``shapes.json``.
"""

from .asking import Asker, Settings
from .generate import Generated, generate
from .prompting import prompt_versions

__all__ = ["Asker", "Generated", "Settings", "generate", "prompt_versions"]
