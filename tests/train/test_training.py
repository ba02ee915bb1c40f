"""Real trainers on the bundled rows, CPU: every way through the room, and what it leaves behind."""

import json
from pathlib import Path
from typing import Any

import pytest
from cross_safety.store.hashes import sha256_file
from trainhelp import NEGATIVE_TYPES, QUICK, Here, differ, record, remake


def test_sft_of_all_weights_on_the_whole_built_set(here: Here, built: Path, idefics3: Path, tmp_path: Path) -> None:
    """With the check first, as a user would run it; then the record, the card and the second run."""
    out = tmp_path / "sft"
    words = [
        "train",
        "sft",
        "--data",
        built / "safety-sft",
        "--model",
        idefics3,
        "--out",
        out,
        *QUICK[1:],
        "--max_steps",
        "3",
    ]
    done = here(*words, "--eval_strategy", "steps", "--eval_steps", "3", "--per_device_eval_batch_size", "8")
    assert done.code == 0, done.err
    assert "held against" in done.err and "longest rows" in done.err
    assert differ(idefics3, out)
    told = record(out)
    assert told["status"] == "finished"
    assert told["data"]["manifest_sha256"] == sha256_file(built / "safety-sft" / "manifest.json")
    assert told["data"]["version"] == "1.0.0" and told["data"]["config"] == "exclusive"
    assert told["settings"]["max_length"] is None
    assert told["metrics"]["steps"] == 3 and told["metrics"]["eval_loss"] > 0
    card = (out / "README.md").read_text("utf-8")
    for word in (told["data"]["manifest_sha256"], "safety-sft 1.0.0", "| learning_rate | 2e-05 |"):
        assert word in card
    assert "vllm serve" in done.out and "eval preference" in done.out and "eval run cross" in done.out
    again = here(*words)
    assert again.code == 0 and "this run is finished" in again.err
    other = here(*words, "--learning_rate", "1e-3")
    assert other.code == 1 and "holds another run (learning_rate differ)" in other.err


def test_multiple_choice_baseline(here: Here, built: Path, llava: Path, tmp_path: Path) -> None:
    words = ["--data", built / "safety-sft", "--config", "cvqa-mcq", "--model", llava, "--out", tmp_path / "o"]
    done = here("train", "sft", *words, *QUICK, "--max_steps", "1")
    assert done.code == 0, done.err
    assert record(tmp_path / "o")["data"]["config"] == "cvqa-mcq"


def test_chain_of_lora_sft_merge_and_dpo(here: Here, few: Path, idefics3: Path, tmp_path: Path) -> None:
    """SFT by LoRA, merged in place, is what DPO starts from; DPO by LoRA is merged by the command of its own."""
    sft, dpo, whole = tmp_path / "sft", tmp_path / "dpo", tmp_path / "whole"
    done = here("train", "sft", "--data", few / "safety-sft", "--model", idefics3, "--out", sft, *QUICK, "--max_steps",
                "2", "--use_peft", "--learning_rate", "1e-2", "--merge")  # fmt: skip
    assert done.code == 0, done.err
    assert differ(idefics3, sft)
    assert (sft / "adapter" / "adapter_model.safetensors").is_file() and not (sft / "adapter_config.json").exists()
    lora = ["--use_peft", "--max_steps", "2", "--learning_rate", "1e-2"]
    done = here("train", "dpo", "--data", few / "safety-dpo", "--model", sft, "--out", dpo, *QUICK, *lora)
    assert done.code == 0, done.err
    assert f"vllm serve {sft} --enable-lora --lora-modules {dpo}={dpo}" in done.out
    assert record(dpo)["model"]["name"] == str(sft)
    refused = here("train", "dpo", "--data", few / "safety-dpo", "--model", dpo, "--out", tmp_path / "x", *QUICK)
    assert refused.code == 1 and "train merge" in refused.err
    assert here("train", "merge", dpo, "--out", whole).code == 0
    assert differ(sft, whole)
    assert here("train", "merge", dpo, "--out", whole).code == 1


def test_a_merged_model_says_what_its_adapter_says(few: Path, idefics3: Path, here: Here, tmp_path: Path) -> None:
    from cross_safety.eval.preference import Scorer, select, texts
    from cross_safety.store.opened import open_dataset

    out, whole = tmp_path / "lora", tmp_path / "whole"
    here("train", "dpo", "--data", few / "safety-dpo", "--model", idefics3, "--out", out, *QUICK, "--max_steps", "2",
         "--use_peft", "--learning_rate", "1e-2")  # fmt: skip
    assert here("train", "merge", out, "--out", whole).code == 0
    chosen = select(open_dataset(str(few / "safety-dpo")), None, ["validation"], limit=2)
    of = [dict(Scorer(str(folder)).score(texts(chosen))) for folder in (idefics3, out, whole)]
    for row in chosen.about:
        assert of[1][row["id"]].chosen == pytest.approx(of[2][row["id"]].chosen, abs=1e-2)
        assert abs(of[0][row["id"]].chosen - of[1][row["id"]].chosen) > 0.5


@pytest.mark.parametrize("kind", NEGATIVE_TYPES)
def test_each_negative_type_alone(here: Here, few: Path, llava: Path, tmp_path: Path, kind: str) -> None:
    words = ["--data", few / "safety-dpo", "--model", llava, "--out", tmp_path / "o", "--negative-types", kind]
    done = here("train", "dpo", *words, *QUICK, "--num_train_epochs", "1", "--output", "json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["data"]["negative_types"] == [kind]
    # eight prompts, one rejected answer of this type each, two a batch
    assert told["metrics"]["steps"] == 4


def test_the_mix_weighs_types(few: Path, built: Path) -> None:
    from cross_safety.train.data import Selection, load_table, open_source

    mixed = Selection(mix={"violating": 2, "unaware": 1, "unhelpful": 0, "uneducative": 2})
    source = open_source(str(built / "safety-dpo"), mixed)
    counted = {kind: load_table(source, "train")["negative_type"].count(kind) for kind in NEGATIVE_TYPES}
    every = len(load_table(open_source(str(built / "safety-dpo"), Selection()), "train")) // 4
    assert counted["violating"] == counted["uneducative"] == every
    assert counted["unhelpful"] == 0
    assert 0.35 * every < counted["unaware"] < 0.65 * every
    again = load_table(open_source(str(built / "safety-dpo"), mixed), "train")["id"]
    assert list(again) == list(load_table(source, "train")["id"])


@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_rows_without_pictures_among_others(here: Here, few: Path, idefics3: Path, tmp_path: Path, method: str) -> None:
    def some_without(rows: list[dict[str, Any]], split: str) -> list[dict[str, Any]]:
        return [row | {"images": [] if i % 2 and split == "train" else row["images"]} for i, row in enumerate(rows)]

    data = remake(few / f"safety-{method}", tmp_path / "data", some_without)
    words = ["--data", data, "--model", idefics3, "--out", tmp_path / "o", *QUICK[1:], "--max_steps", "4"]
    done = here("train", method, *words)
    assert done.code == 0, done.err
    assert "rows have no picture" in done.err
    assert record(tmp_path / "o")["metrics"]["train_loss"] > 0


def test_withdrawn_rows_are_not_trained_on(few: Path, tmp_path: Path) -> None:
    from cross_safety.train.data import Selection, load_table, open_source

    data = remake(few / "safety-sft", tmp_path / "d", lambda rows, _: rows)
    first = load_table(open_source(str(data), Selection()), "train")["id"][0]
    (data / "withdrawn.jsonl").write_text(json.dumps({"id": first, "reason": "wrong", "since": "1.0.1"}) + "\n")
    assert first not in load_table(open_source(str(data), Selection()), "train")["id"]


def test_files_of_others_stay(here: Here, few: Path, idefics3: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    words = ["train", "sft", "--data", few / "safety-sft", "--model", idefics3, "--out", tmp_path, *QUICK, "--replace"]
    done = here(*words)
    assert done.code == 1 and "no training run" in done.err
    assert (tmp_path / "mine.txt").read_text() == "mine"
