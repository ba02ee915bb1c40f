"""Rows in the shapes that other tools document: OpenAI fine-tuning, LLaMA-Factory, ms-swift, plain JSON lines.

Sources: OpenAI's guides "Vision fine-tuning" and "Direct preference optimization"; LLaMA-Factory's data/README.md
(sharegpt format, multimodal and preference datasets); ms-swift's "Custom dataset" (standard format).
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pybase64
from PIL import Image

from ...store.hashes import sha256_bytes

Row = dict[str, Any]
MIME = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_ENDING = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
# OpenAI's guide: JPEG, PNG or WEBP of at most 10 MB, in RGB or RGBA.
_OPENAI_BYTES = 10_000_000
_OPENAI_MODES = ("RGB", "RGBA")
# Both tools replace these words in a text by a picture, a film, a sound.
_PLACEHOLDERS = ("<image>", "<video>", "<audio>")


class LeftOutError(Exception):
    """A row that the target can't hold; the text is the reason, one word with underscores."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a row: its bytes as they are, its Pillow format and mode, and the file name in ``images/``."""

    data: bytes
    format: str
    mode: str
    name: str

    @property
    def path(self) -> str:
        """Where the picture lies, relative to the export."""
        return f"images/{self.name}"


def picture(row: Mapping[str, Any]) -> Picture:
    """The one picture of a row; its name is made of its hash, never of the path that the row states.

    Raises:
        LeftOutError: no bytes, or nothing that Pillow reads as JPEG, PNG or WEBP.
    """
    cell = row["image"] if "image" in row else row["images"][0]
    data = cell.get("bytes") if cell else None
    if not data:
        raise LeftOutError("no_picture")
    try:
        with Image.open(io.BytesIO(data), formats=tuple(MIME)) as image:
            kind, mode = str(image.format), image.mode
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise LeftOutError("picture_not_readable") from None
    return Picture(data, kind, mode, f"{sha256_bytes(data)[:16]}.{_ENDING[kind]}")


def openai(row: Row, shown: Picture) -> Row:
    """A line of OpenAI's fine-tuning file: ``messages``, or the preference form where the row has two answers.

    Raises:
        LeftOutError: a picture that OpenAI's guide does not allow.
    """
    if len(shown.data) > _OPENAI_BYTES:
        raise LeftOutError("picture_over_10_mb")
    if shown.mode not in _OPENAI_MODES:
        raise LeftOutError("picture_neither_rgb_nor_rgba")
    url = f"data:{MIME[shown.format]};base64,{pybase64.b64encode(shown.data).decode('ascii')}"
    prompt = [{"role": turn["role"], "content": turn["content"]} for turn in row["prompt"]]
    asked = _first_user(prompt)
    prompt[asked]["content"] = [
        {"type": "text", "text": prompt[asked]["content"]},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    if "chosen" not in row:
        return {"messages": prompt + row["completion"]}
    return {
        "input": {"messages": prompt},
        "preferred_output": row["chosen"],
        "non_preferred_output": row["rejected"],
    }


def llama_factory(row: Row, shown: Picture) -> Row:
    """A record of LLaMA-Factory's sharegpt format; ``chosen`` and ``rejected`` where the row has two answers.

    Raises:
        LeftOutError: a text holds a placeholder of the target.
    """
    tags = {"system": "system", "user": "human", "assistant": "gpt"}

    def said(turns: list[Row]) -> list[Row]:
        return [{"from": tags[turn["role"]], "value": turn["content"]} for turn in turns]

    prompt = said(_with_placeholder(row))
    if "chosen" not in row:
        return {"conversations": prompt + said(row["completion"]), "images": [shown.path]}
    return {
        "conversations": prompt,
        "chosen": said(_one(row["chosen"]))[0],
        "rejected": said(_one(row["rejected"]))[0],
        "images": [shown.path],
    }


def ms_swift(row: Row, shown: Picture) -> Row:
    """A line of ms-swift's standard format; ``rejected_response`` where the row has two answers.

    Raises:
        LeftOutError: a text holds a placeholder of the target.
    """
    prompt = _with_placeholder(row)
    if "chosen" not in row:
        return {"messages": prompt + row["completion"], "images": [shown.path]}
    return {
        "messages": prompt + _one(row["chosen"]),
        "rejected_response": _one(row["rejected"])[0]["content"],
        "images": [shown.path],
    }


def plain(row: Row, shown: Picture) -> Row:
    """Every column of the row, with the picture by its path."""
    return row | ({"image": shown.path} if "image" in row else {"images": [shown.path]})


SHAPES: dict[str, Callable[[Row, Picture], Row]] = {
    "openai": openai,
    "llama-factory": llama_factory,
    "ms-swift": ms_swift,
    "jsonl": plain,
}


def dataset_info(name: str, file: str, preference: bool) -> dict[str, Any]:
    """LLaMA-Factory's description of one file for its ``dataset_info.json``."""
    answers = {"chosen": "chosen", "rejected": "rejected"} if preference else {}
    told: dict[str, Any] = {"file_name": file, "formatting": "sharegpt"}
    told |= {"ranking": True} if preference else {}
    return {name: told | {"columns": {"messages": "conversations", "images": "images"} | answers}}


def _first_user(turns: list[Row]) -> int:
    found = next((number for number, turn in enumerate(turns) if turn["role"] == "user"), None)
    if found is None:
        raise LeftOutError("no_user_turn")
    return found


def _one(answer: list[Row]) -> list[Row]:
    if len(answer) != 1:
        raise LeftOutError("answer_of_several_turns")
    return answer


def _with_placeholder(row: Row) -> list[Row]:
    turns = [*row["prompt"], *row.get("completion", ()), *row.get("chosen", ()), *row.get("rejected", ())]
    if any(word in turn["content"] for turn in turns for word in _PLACEHOLDERS):
        raise LeftOutError("placeholder_in_text")
    prompt = [dict(turn) for turn in row["prompt"]]
    asked = _first_user(prompt)
    prompt[asked]["content"] = f"<image>{prompt[asked]['content']}"
    return prompt
