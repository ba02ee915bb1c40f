"""Settings of a run: defaults that pictures need, then a recipe, then what was typed, read by TRL's own parser."""

import difflib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ..console import UserError
from ..console.errors import Exit

RECIPES = Path(__file__).parent / "recipes"
# Keys of a recipe that are ours and not TRL's.
OWN = ("model", "config", "negative_types", "mix")


@dataclass(frozen=True, slots=True)
class Settings:
    """What TRL's parser made of the flags: an SFTConfig or DPOConfig, and a ModelConfig."""

    training: Any
    model: Any


def recipe_names() -> list[str]:
    """Names of the recipes that travel with the package, such as ``paper/dpo``."""
    return sorted(
        path.relative_to(RECIPES).with_suffix("").as_posix()
        for path in RECIPES.rglob("*.yaml")
        if path.parent.name != "accelerate"
    )


def recipe_path(name: str) -> Path:
    """The file that ``--config-file`` names: a file, or a recipe of the package.

    Raises:
        UserError: neither.
    """
    for path in (Path(name), RECIPES / f"{name}.yaml"):
        if path.is_file():
            return path
    raise UserError(
        f"{name}: no such file, and no recipe of that name; there are: {', '.join(recipe_names())}", code=Exit.USAGE
    )


def read_recipe(path: Path) -> dict[str, Any]:
    """The settings in a recipe file: our own keys (``model``, ``config``, ``negative_types``, ``mix``) and TRL's.

    Raises:
        UserError: the file is no YAML mapping.
    """
    import yaml

    try:
        read = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not YAML ({' '.join(str(error).split())[:160]})") from None
    if not isinstance(read, dict) or not all(isinstance(key, str) for key in read):
        raise UserError(f"{path}: a recipe is a YAML mapping of settings")
    return read


def read_settings(method: str, recipe: Mapping[str, Any], flags: Sequence[str], **fixed: Any) -> Settings:
    """The settings of a run.

    Args:
        method: ``sft`` or ``dpo``.
        recipe: keys of TRL's SFTConfig or DPOConfig and ModelConfig.
        flags: the same as typed: ``--learning_rate 1e-5``.
        fixed: settings that neither may change.

    Raises:
        UserError: a key or flag that TRL does not have, or a value that it does not take.
    """
    import torch
    from trl import DPOConfig, ModelConfig, SFTConfig

    parser = _parser()((DPOConfig if method == "dpo" else SFTConfig, ModelConfig), allow_abbrev=False)
    known = sorted({action.dest for action in parser._actions})
    defaults = {"max_length": None, "bf16": torch.cuda.is_available(), "report_to": "none"}
    for name, value in recipe.items():
        if name not in known:
            raise UserError(f"recipe: no setting {name!r}{_nearest(name, known)}")
        defaults[name] = value
    parser.set_defaults_with_config(**defaults, **fixed)
    typed = [flag.partition("=")[0].lstrip("-").replace("-", "_") for flag in flags if flag.startswith("--")]
    for name in typed:
        if name in fixed:
            raise UserError(f"--{name} is settled by an option of this command", code=Exit.USAGE)
        if name not in known and name.removeprefix("no_") not in known:
            raise UserError(f"no option --{name}{_nearest(name, known)}", code=Exit.USAGE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of TRL's own defaults
            training, model = parser.parse_args_into_dataclasses(args=list(flags), look_for_args_file=False)
    except (ValueError, TypeError) as error:
        raise UserError(" ".join(str(error).split())[:400], code=Exit.USAGE) from None
    if model.use_peft and model.lora_target_modules is None:
        model.lora_target_modules = "all-linear"
    return Settings(training, model)


def _nearest(name: str, known: Sequence[str]) -> str:
    found = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {found[0]}?" if found else ", nor does TRL have one of that name"


def _parser() -> Any:
    from trl import TrlParser

    class Parser(TrlParser):  # type: ignore[misc, unused-ignore]
        """TRL's parser, whose errors are words for a user instead of an exit."""

        def error(self, message: str) -> NoReturn:
            raise UserError(message, code=Exit.USAGE)

    return Parser
