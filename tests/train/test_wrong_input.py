"""Wrong input is told in words, within seconds, before any weights are loaded."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from trainhelp import Done, Here, remake

SECONDS = 10.0
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def without(column: str) -> Callable[[list[dict[str, Any]], str], list[dict[str, Any]]]:
    return lambda rows, _: [{k: v for k, v in row.items() if k != column} for row in rows]


def refused(done: Done, *words: str) -> None:
    assert done.code in {1, 2}
    for word in words:
        assert word in done.err, done.err
    assert "Loading weights" not in done.err
    assert "Traceback" not in done.err


def test_missing_column(here: Here, few: Path, tmp_path: Path) -> None:
    data = remake(few / "safety-dpo", tmp_path / "safety-dpo", without("rejected"))
    refused(here("train", "dpo", "--data", data, "--model", "none", "--out", tmp_path / "o"), "no column rejected")


def test_unknown_negative_type(here: Here, few: Path, tmp_path: Path) -> None:
    words = ["train", "dpo", "--data", few / "safety-dpo", "--model", "none", "--out", tmp_path / "o"]
    refused(here(*words, "--negative-types", "rude"), "unknown negative type rude", "unaware, uneducative")
    refused(here(*words, "--mix", "rude=2"), "unknown negative type rude")
    refused(here(*words, "--negative-types", "unaware", "--mix", "violating=2"), "leaves out")
    refused(here(*words, "--mix", "violating"), "names with weights")


def test_empty_split(here: Here, few: Path, tmp_path: Path) -> None:
    data = remake(few / "safety-dpo", tmp_path / "a", lambda rows, split: rows if split == "validation" else [])
    refused(here("train", "dpo", "--data", data, "--model", "none", "--out", tmp_path / "o"), "has no row")
    data = remake(
        few / "safety-dpo", tmp_path / "b", lambda rows, _: [r for r in rows if r["negative_type"] == "unaware"]
    )
    words = ["train", "dpo", "--data", data, "--model", "none", "--out", tmp_path / "o"]
    refused(here(*words, "--negative-types", "violating"), "no row of negative type violating")
    refused(here(*words, "--split", "test"), "no exclusive/test", "exclusive/train")


def test_another_schema_version(here: Here, few: Path, tmp_path: Path) -> None:
    data = remake(few / "safety-sft", tmp_path / "d", lambda rows, _: rows, schema_version="9.0.0")
    refused(here("train", "sft", "--data", data, "--model", "none", "--out", tmp_path / "o"), "schema version 9.0.0")


def test_the_wrong_dataset(here: Here, few: Path, tmp_path: Path) -> None:
    words = ["--model", "none", "--out", tmp_path / "o"]
    refused(here("train", "dpo", "--data", few / "safety-sft", *words), "this is safety-sft", "takes safety-dpo")
    refused(here("train", "sft", "--data", few / "cross", *words), "this is cross")
    refused(here("train", "sft", "--data", tmp_path / "nowhere", *words), "no such folder")
    refused(here("train", "sft", "--data", few / "safety-sft", *words, "--mix", "unaware=1"), "safety-dpo")


def test_a_data_file_that_was_changed(here: Here, few: Path, tmp_path: Path) -> None:
    data = remake(few / "safety-sft", tmp_path / "d", lambda rows, _: rows)
    next((data / "data").rglob("train-*.parquet")).write_bytes(b"PAR1")
    refused(here("train", "sft", "--data", data, "--model", "none", "--out", tmp_path / "o"), "another content")


def test_flags_and_recipes(here: Here, few: Path, idefics3: Path, tmp_path: Path) -> None:
    words = ["train", "sft", "--data", few / "safety-sft", "--model", idefics3, "--out", tmp_path / "o"]
    refused(here(*words, "--learning-rat", "1"), "no option --learning_rat", "learning_rate?")
    refused(here(*words, "--learning_rate", "fast"), "learning_rate")
    refused(here(*words, "--output_dir", "x"), "--output_dir is settled")
    refused(here(*words, "--config-file", "none"), "no recipe of that name", "paper/sft")
    recipe = tmp_path / "r.yaml"
    recipe.write_text("num_train_epoch: 1\n")
    refused(here(*words, "--config-file", recipe), "no setting 'num_train_epoch'", "num_train_epochs?")
    recipe.write_text("- 1\n")
    refused(here(*words, "--config-file", recipe), "YAML mapping")
    recipe.write_text("a: [1\n")
    refused(here(*words, "--config-file", recipe), "not YAML")


def test_models_that_can_not_be_trained(here: Here, few: Path, tmp_path: Path) -> None:
    words = ["train", "sft", "--data", few / "safety-sft", "--out", tmp_path / "o", "--model"]
    refused(here(*words, tmp_path / "none"), "no model that can be used")
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "x"}))
    refused(here(*words, adapter), "LoRA adapter", "cross-safety train merge")


@pytest.fixture(scope="module")
def text_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import tinymodels
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("text-only")
    tokenizer = tinymodels.make_tokenizer(tinymodels.WORDS, 400)
    config = LlamaConfig(
        vocab_size=400, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("case", ["text-only model", "unknown negative type"])
def test_within_ten_seconds_in_a_fresh_process(run: Run, few: Path, text_only: Path, tmp_path: Path, case: str) -> None:
    more = ["--negative-types", "rude"] if case == "unknown negative type" else []
    begun = time.process_time(), time.monotonic()
    done = run("train", "dpo", "--data", few / "safety-dpo", "--model", text_only, "--out", tmp_path / "o", *more)
    seconds = time.monotonic() - begun[1]
    assert done.returncode == 1
    told = "unknown negative type" if more else "takes text alone, and the rows have pictures"
    assert told in done.stderr
    assert "Loading weights" not in done.stderr
    assert seconds < SECONDS, f"{seconds:.1f} s"
    assert not (tmp_path / "o").exists()
