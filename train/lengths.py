"""How many tokens each row takes, counted as TRL's collators count: chat template, then processor, then tokenizer."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

ANSWERS = {"sft": ("completion",), "dpo": ("chosen", "rejected")}


@dataclass(frozen=True, slots=True)
class Length:
    """One row in tokens.

    Attributes:
        id: of the row.
        prompt: tokens of the prompt, those of its pictures included.
        answer: tokens of the longest answer.
        image_end: tokens up to and with the last one that stands for a picture; 0 without pictures.
        images, placeholders: pictures of the row, and places for pictures in its rendered texts.
        patches: patches of its pictures that the vision tower sees.
        trouble: why the processor refuses the row; the counts are 0 then.
    """

    id: str
    prompt: int = 0
    answer: int = 0
    image_end: int = 0
    images: int = 0
    placeholders: int = 0
    patches: int = 0
    trouble: str | None = None

    @property
    def total(self) -> int:
        """Tokens of prompt and longest answer."""
        return self.prompt + self.answer


class Measure:
    """Measures rows for one processor; the pictures of a prompt are processed once, however many rows share it."""

    def __init__(self, processor: Any, method: str, patch: int) -> None:
        self._processor = processor
        self._answers = ANSWERS[method]
        self._patch = patch
        self._marker, self._unit = _marker(processor)
        self._prompts: dict[tuple[Any, ...], Length] = {}

    def lengths(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[Length]:
        """The length of each row; a picture is ``{"bytes": …}``, with its hash in ``image_sha256``."""
        for row in rows:
            yield self._length(row)

    def _length(self, row: Mapping[str, Any]) -> Length:
        from trl import apply_chat_template, prepare_multimodal_messages

        try:
            pictures = [_opened(cell) for cell in row["images"]]
            messages = {"prompt": prepare_multimodal_messages(row["prompt"], images=pictures)}
            messages |= {name: prepare_multimodal_messages(row[name]) for name in self._answers}
            rendered = apply_chat_template(messages, self._processor)
            key = (row["image_sha256"], len(pictures), rendered["prompt"])
            if key not in self._prompts:
                self._prompts[key] = self._prompt(rendered["prompt"], pictures)
        except (ValueError, OSError, IndexError, KeyError, TypeError) as error:
            return Length(row["id"], trouble=" ".join(str(error).split())[:200] or type(error).__name__)
        answers = [rendered[name] for name in self._answers]
        counted = self._processor.tokenizer(answers, add_special_tokens=False)["input_ids"]
        places = sum(text.count(self._unit) for text in (rendered["prompt"], *answers)) if self._unit else len(pictures)
        return replace(
            self._prompts[key],
            id=row["id"],
            answer=max(len(ids) for ids in counted),
            images=len(pictures),
            placeholders=places // max(self._marker.count(self._unit), 1) if self._unit else places,
        )

    def _prompt(self, text: str, pictures: list[Any]) -> Length:
        made = self._processor(
            images=[pictures] if pictures else None, text=[text], add_special_tokens=False, return_tensors="pt"
        )
        ids = made["input_ids"][0].tolist()
        stands_for_picture = getattr(self._processor, "image_token_id", None)
        places = [i for i, each in enumerate(ids, 1) if each == stands_for_picture]
        pixels = made["pixel_values"].numel() if pictures else 0
        return Length("", len(ids), image_end=max(places, default=0), patches=pixels // (3 * self._patch**2))


def _opened(cell: Mapping[str, Any]) -> Any:
    import io

    from PIL import Image

    return Image.open(io.BytesIO(cell["bytes"])).convert("RGB")


def _marker(processor: Any) -> tuple[str, str]:
    """What the chat template writes for a picture, and the part of it that must not occur in a row's own text.

    Found by rendering one message with and without a picture; no two families of models name it alike.
    """

    def render(*parts: dict[str, str]) -> str:
        content = [*parts, {"type": "text", "text": "x"}]
        return str(processor.apply_chat_template([{"role": "user", "content": content}], tokenize=False))

    bare, full = render(), render({"type": "image"})
    start = next((i for i, (a, b) in enumerate(zip(bare, full, strict=False)) if a != b), len(bare))
    end = 0
    while end < len(bare) - start and bare[-1 - end] == full[-1 - end]:
        end += 1
    marker = full[start : len(full) - end].strip()
    unit = getattr(processor, "image_token", None)
    return marker, unit if unit and unit in marker else marker


def collated_length(processor: Any, method: str, row: Mapping[str, Any]) -> int:
    """Tokens of the longest sequence that TRL's own collator makes of one row: the proof of the counts above."""
    from trl.trainer.dpo_trainer import DataCollatorForVisionPreference
    from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

    own = {name: row[name] for name in ("prompt", *ANSWERS[method])} | {"images": [_opened(c) for c in row["images"]]}
    make: Callable[..., Any] = DataCollatorForVisionPreference
    more = {}
    if method == "sft":
        make, more = DataCollatorForVisionLanguageModeling, {"completion_only_loss": True}
    return int(make(processor=processor, max_length=None, **more)([own])["attention_mask"].sum(1).max())
