"""LoRA adapters put into the weights that they were trained beside."""

import json
import shutil
from pathlib import Path

from ..console import UserError


def merge_adapter(adapter: Path, out: Path) -> Path:
    """Write the model that ``adapter`` makes of its base to ``out``: whole, or not at all.

    The base is the one that ``adapter_config.json`` names. It is loaded on the CPU in the type that it was saved in.

    Raises:
        UserError: ``adapter`` is no adapter, or ``out`` is there already.
    """
    from peft import PeftModel
    from transformers import AutoModelForImageTextToText, AutoProcessor

    base = _base(adapter)
    if out.exists():
        raise UserError(f"{out}: is there already", "another --out")
    model = AutoModelForImageTextToText.from_pretrained(base, dtype="auto", device_map=None)
    merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
    aside = out.with_name(f".{out.name}.merging")
    shutil.rmtree(aside, ignore_errors=True)
    merged.save_pretrained(aside)
    AutoProcessor.from_pretrained(str(adapter)).save_pretrained(aside)
    aside.rename(out)
    return out


def _base(adapter: Path) -> str:
    try:
        return str(json.loads((adapter / "adapter_config.json").read_text("utf-8"))["base_model_name_or_path"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{adapter}: no LoRA adapter (adapter_config.json is missing or unreadable)") from None


def merge_in_place(out: Path) -> None:
    """Turn the adapter in ``out`` into a whole model there, and keep the adapter in ``out/adapter``.

    A kill leaves ``out`` an adapter still, or a whole model: the merged files are written aside first and moved after
    the adapter's own configuration, by which transformers knows an adapter, has gone.
    """
    adapter, merged = out / "adapter", out / ".merged"
    if (out / "adapter_config.json").is_file():
        shutil.rmtree(merged, ignore_errors=True)
        merge_adapter(out, merged)
        adapter.mkdir(exist_ok=True)
        for name in ("adapter_model.safetensors", "adapter_config.json"):
            (out / name).replace(adapter / name)
    if merged.is_dir():
        for path in sorted(merged.iterdir()):
            path.replace(out / path.name)
        merged.rmdir()
