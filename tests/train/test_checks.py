"""`train check`: each thing that goes wrong in training is told before; recipes parse and pass."""

import json
from pathlib import Path
from typing import Any

import pytest
from cross_safety.schemas import CANARY
from cross_safety.train.settings import RECIPES, recipe_names, recipe_path
from trainhelp import Here, Row, remake


def checked(here: Here, data: Path, model: Path, *more: object) -> dict[str, Any]:
    done = here("train", "check", "--data", data, "--model", model, "--output", "json", *more)
    assert done.code in {0, 1}, done.err
    found = json.loads(done.out)
    assert bool(found["errors"]) == bool(done.code)
    return found


def test_the_built_rows_pass(here: Here, few: Path, idefics3: Path) -> None:
    found = checked(here, few / "safety-dpo", idefics3)
    assert found["errors"] == []
    assert found["rows"] == {"train": 32, "validation": 12}
    assert found["compared"].endswith("cross 1.0.0")
    assert len(found["longest"]) == 10
    totals = [row["total"] for row in found["longest"]]
    assert totals == sorted(totals, reverse=True) and totals[0] > 300
    assert not any("TRL's collator" in each for each in found["warnings"])


@pytest.mark.parametrize("method", ["sft", "dpo"])
@pytest.mark.parametrize("kind", ["idefics3", "llava"])
def test_lengths_are_those_of_the_collator(few: Path, method: str, kind: str, request: pytest.FixtureRequest) -> None:
    from cross_safety.store.opened import open_dataset
    from cross_safety.train.lengths import Measure, collated_length
    from cross_safety.train.model import find_model

    processor = find_model(str(request.getfixturevalue(kind))).processor
    rows = list(open_dataset(str(few / f"safety-{method}")).rows("exclusive", "validation"))
    for row, length in zip(rows, Measure(processor, method, 8).lengths(rows), strict=True):
        assert length.total == collated_length(processor, method, row), row["id"]
        assert length.images == length.placeholders == 1
        assert length.patches == 16
        assert 0 < length.image_end < length.prompt


def test_what_a_maximum_would_cut(here: Here, few: Path, idefics3: Path) -> None:
    found = checked(here, few / "safety-sft", idefics3, "--max_length", "200")
    assert any("cuts the answer of" in each for each in found["errors"])
    found = checked(here, few / "safety-sft", idefics3, "--max_length", "5")
    assert any("and the picture of 11;" in each for each in found["errors"]), found["errors"]
    assert checked(here, few / "safety-sft", idefics3, "--max_length", "2000")["errors"] == []


def said(row: Row, text: str) -> Row:
    return row | {"prompt": [{"role": "user", "content": text}]}


def test_a_placeholder_in_the_text(here: Here, few: Path, llava: Path, tmp_path: Path) -> None:
    data = remake(few / "safety-sft", tmp_path / "d", lambda rows, _: [said(rows[0], "See <image> here?"), *rows[1:]])
    (error,) = [each for each in checked(here, data, llava)["errors"] if "placeholders" in each]
    assert "2 rows" in error or "1 rows" in error
    assert "2 for 1" in error


def test_overlap_of_training_and_evaluation(here: Here, few: Path, idefics3: Path, tmp_path: Path) -> None:
    kept: dict[str, Row] = {}

    def leaking(rows: list[Row], split: str) -> list[Row]:
        if split == "train":
            kept["row"] = rows[0]
            return rows
        picture = {name: kept["row"][name] for name in ("images", "image_sha256", "prompt")}
        return [rows[0] | picture, *rows[1:]]

    errors = checked(here, remake(few / "safety-sft", tmp_path / "d", leaking), idefics3)["errors"]
    assert any("1 picture in training and evaluation" in each for each in errors)
    assert any("1 prompt in training and evaluation" in each for each in errors)


def test_overlap_with_the_test_set(here: Here, few: Path, built: Path, idefics3: Path, tmp_path: Path) -> None:
    from cross_safety.store.opened import open_dataset

    test = next(open_dataset(str(built / "cross")).rows("open", "test"))

    def leaking(rows: list[Row], split: str) -> list[Row]:
        if split != "train":
            return rows
        same = {"images": [test["image"]], "image_sha256": test["image_sha256"]}
        near = {"norm": test["norm"].replace(".", "!").upper()}
        return [rows[0] | same, rows[1] | near, said(rows[2], f"What? {CANARY}"), *rows[3:]]

    data = remake(few / "safety-sft", tmp_path / "d", leaking)
    found = checked(here, data, idefics3)
    assert found["compared"] is None
    assert any("not held against a test set" in each for each in found["warnings"])
    assert any("1 rows of train carry the canary" in each for each in found["errors"])
    errors = checked(here, data, idefics3, "--cross", built / "cross")["errors"]
    assert any("1 pictures of" in each for each in errors)
    assert any("1 norms of" in each for each in errors)
    wrong = here("train", "check", "--data", data, "--model", idefics3, "--cross", few / "safety-sft")
    assert wrong.code == 1 and "not the test set" in wrong.err


def test_rows_that_the_schema_does_not_allow(here: Here, few: Path, idefics3: Path, tmp_path: Path) -> None:
    data = remake(few / "safety-sft", tmp_path / "d", lambda rows, _: [rows[0] | {"country": "Japan"}, *rows[1:]])
    errors = checked(here, data, idefics3)["errors"]
    assert any("$.country" in each for each in errors)


def test_a_run_stops_at_an_error(here: Here, few: Path, idefics3: Path, tmp_path: Path) -> None:
    out = tmp_path / "o"
    words = ["--data", few / "safety-sft", "--model", idefics3, "--out", out, "--max_length", "100", "--bf16", "false"]
    done = here("train", "sft", *words)
    assert done.code == 1
    assert "--no-check trains all the same" in done.err and not out.exists()


def test_memory_by_hand(few: Path, idefics3: Path) -> None:
    from cross_safety.train.memory import estimate_memory
    from cross_safety.train.model import find_model
    from cross_safety.train.settings import read_settings
    from transformers import AutoModelForImageTextToText

    model = find_model(str(idefics3))
    loaded = AutoModelForImageTextToText.from_pretrained(idefics3)
    parameters = sum(each.numel() for each in loaded.parameters())
    fixed = {"output_dir": "o", "model_name_or_path": str(idefics3)}
    full = estimate_memory(model.config, read_settings("dpo", {}, ["--bf16", "false"], **fixed), "dpo", 100, 16)
    assert (full.parameters, full.trainable) == (parameters, parameters)
    assert full.weights == full.gradients == full.reference == 4 * parameters and full.optimizer == 8 * parameters
    assert full.on(8) < full.on(1)
    flags = ["--bf16", "false", "--use_peft", "--dtype", "bfloat16"]
    lora = estimate_memory(model.config, read_settings("dpo", {}, flags, **fixed), "dpo", 100, 16)
    assert lora.reference == 0 and 0 < lora.trainable < parameters
    assert lora.weights == 2 * parameters + 4 * lora.trainable and lora.gradients == 4 * lora.trainable


@pytest.mark.parametrize("name", recipe_names())
def test_each_recipe_parses_and_passes(here: Here, few: Path, idefics3: Path, name: str) -> None:
    """With the tiny model standing in for the recipe's own."""
    import yaml

    method = name.partition("/")[2].partition("-")[0]
    found = checked(here, few / f"safety-{method}", idefics3, "--config-file", name, "--bf16", "false")
    assert found["errors"] == []
    recipe = yaml.safe_load(recipe_path(name).read_text("utf-8"))
    assert (found["memory"]["trainable"] < found["memory"]["parameters"]) == bool(recipe.get("use_peft"))


def test_the_papers_recipe_says_what_the_paper_says() -> None:
    import yaml

    recipe = yaml.safe_load(recipe_path("paper/dpo").read_text("utf-8"))
    assert recipe == {"negative_types": "all", "num_train_epochs": 1, "beta": 0.1, "per_device_train_batch_size": 8}


def test_accelerate_reads_its_files() -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    found = {path.stem: load_config_from_file(str(path)) for path in (RECIPES / "accelerate").glob("*.yaml")}
    assert {name: each.distributed_type.value for name, each in found.items()} == {
        "single": "NO", "ddp": "MULTI_GPU", "fsdp": "FSDP", "zero3": "DEEPSPEED",
    }  # fmt: skip
    assert all(each.num_processes == (1 if name == "single" else 8) for name, each in found.items())
