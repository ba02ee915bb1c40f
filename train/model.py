"""What of a model can be known before its weights are loaded: its configuration and its processor."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..console import UserError


@dataclass(frozen=True, slots=True)
class Model:
    """A model by name, with its configuration and processor. No weights.

    Attributes:
        name: a folder, or ``OWNER/NAME`` on the hub.
        revision: as asked for; ``main`` where nothing was.
        config: transformers' configuration.
        processor: takes pictures and text.
        commit: the hub's commit; None for a folder.
    """

    name: str
    revision: str
    config: Any
    processor: Any
    commit: str | None

    def described(self) -> dict[str, Any]:
        """What the run starts from, for the record and the model card."""
        return {
            "name": self.name,
            "revision": self.revision if self.commit else None,
            "commit": self.commit,
            "architecture": (self.config.architectures or ["?"])[0],
        }


def find_model(name: str, revision: str = "main", *, trust_remote_code: bool = False) -> Model:
    """Read a model's configuration and processor.

    Raises:
        UserError: no such model; an adapter that is not merged; or a model that takes no pictures.
    """
    folder = Path(name)
    if (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file():
        raise UserError(
            f"{name}: this is a LoRA adapter, and training starts from a whole model",
            f"cross-safety train merge {name} --out {name.rstrip('/')}-merged",
        )
    config, processor = _read(name, revision, trust_remote_code)
    if not hasattr(processor, "image_processor"):
        raise UserError(
            f"{name}: {config.model_type} takes text alone, and the rows have pictures; name a vision-language model"
        )
    return Model(name, revision, config, processor, getattr(config, "_commit_hash", None))


def _read(name: str, revision: str, trust: bool) -> tuple[Any, Any]:
    from transformers import AutoConfig, AutoProcessor

    try:
        config = AutoConfig.from_pretrained(name, revision=revision, trust_remote_code=trust)
        processor = AutoProcessor.from_pretrained(name, revision=revision, trust_remote_code=trust)
    except (OSError, ValueError, ImportError) as error:
        told = " ".join(str(error).split())[:300]
        raise UserError(f"{name}: no model that can be used ({told})") from None
    return config, processor
