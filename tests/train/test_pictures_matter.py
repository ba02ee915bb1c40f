"""Pictures reach the loss: a task that only they answer is learned, and lost again where they are blanked."""

import io
from pathlib import Path
from typing import Any

import pytest
from cross_safety.eval.estimate import estimate
from cross_safety.eval.preference import Scorer, cells, select, texts
from cross_safety.store.hashes import sha256_bytes
from cross_safety.store.opened import open_dataset
from PIL import Image
from trainhelp import Here, remake

ANSWERS = ("Dark blue.", "Red.")


def coloured(rows: list[dict[str, Any]], split: str) -> list[dict[str, Any]]:
    """The same question over a blue or a red page of some shade; the right answer is chosen, the other rejected."""
    made = []
    for i, row in enumerate(rows[:64]):
        shade = (i * 7 + (3 if split == "train" else 0)) % 90
        picture = Image.new("RGB", (40, 40), (20, 20, 160 + shade) if i % 2 == 0 else (160 + shade, 20, 20))
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        data = buffer.getvalue()
        right, wrong = ANSWERS if i % 2 == 0 else ANSWERS[::-1]
        messages = {"prompt": "Which colour?", "chosen": right, "rejected": wrong}
        roles = {"prompt": "user", "chosen": "assistant", "rejected": "assistant"}
        told = {name: [{"role": roles[name], "content": text}] for name, text in messages.items()}
        about = {"prompt_id": f"{split}-{i}", "norm_id": f"{split}-{i}", "image_sha256": sha256_bytes(data)}
        made.append(row | told | about | {"images": [{"bytes": data, "path": "x.png"}], "id": f"{split}-{i}"})
    return made


@pytest.mark.parametrize("kind", ["idefics3", "llava"])
def test_a_task_that_only_the_picture_answers(
    here: Here, built: Path, tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    model = request.getfixturevalue(kind)
    data, out = remake(built / "safety-dpo", tmp_path / "safety-dpo", coloured), tmp_path / "o"
    words = ["train", "dpo", "--data", data, "--model", model, "--out", out, "--no-check", "--bf16", "false"]
    words += [
        "--learning_rate",
        "1e-3",
        "--max_steps",
        "48",
        "--per_device_train_batch_size",
        "8",
        "--save_strategy",
        "no",
    ]
    done = here(*words, "--gradient_checkpointing", "false", "--lr_scheduler_type", "constant")
    assert done.code == 0, done.err
    chosen = select(open_dataset(str(data)), None, ["validation"])
    scorer, base = Scorer(str(out)), Scorer(str(model))
    accuracy = {}
    for blank in (False, True):
        scores = dict(scorer.score(texts(chosen, blank=blank), 16))
        reference = dict(base.score(texts(chosen, blank=blank), 16))
        accuracy[blank] = estimate(cells(chosen.about, scores, "reward", reference)).value
    assert accuracy[False] is not None and accuracy[True] is not None
    assert accuracy[False] > 0.8, accuracy
    assert accuracy[True] < 0.7, accuracy
