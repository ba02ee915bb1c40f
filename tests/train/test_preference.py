"""Preference accuracy of local models: log-probabilities held against plain code, figures against hand counts."""

import json
import math
from pathlib import Path

import pytest
from cross_safety.console import UserError
from cross_safety.eval.preference import Likelihoods, Scorer, cells, differences, figures, select, texts
from cross_safety.store.opened import open_dataset
from trainhelp import Here


def about(count: int, kind: str = "unaware") -> list[dict[str, str]]:
    return [
        {"id": f"{kind}-{i}", "prompt_id": f"p{i}", "norm_id": f"n{i}", "image_sha256": f"s{i}", "country": "JP",
         "negative_type": kind}
        for i in range(count)
    ]  # fmt: skip


def test_measures_by_hand() -> None:
    rows = about(4)
    base = {row["id"]: Likelihoods(-10.0, -10.0, 10, 10) for row in rows}
    scores = {
        "unaware-0": Likelihoods(-30.0, -20.0, 30, 10),  # longer: less likely in sum, likelier a token
        "unaware-1": Likelihoods(-10.0, -20.0, 10, 10),
        "unaware-2": Likelihoods(-20.0, -20.0, 10, 10),  # a tie
        "unaware-3": Likelihoods(math.nan, -20.0, 10, 10),  # no number: a failure, not a loss
    }
    assert [cell.value for cell in cells(rows, scores, "normalised")] == [1.0, 1.0, 0.5, None]
    assert [cell.value for cell in cells(rows, scores, "raw")] == [0.0, 1.0, 0.5, None]
    assert [cell.value for cell in cells(rows, scores, "reward", base)] == [0.0, 1.0, 0.5, None]
    found = figures(rows, scores, base)
    assert found["normalised"]["all"].value == pytest.approx(2.5 / 3)
    assert found["normalised"]["all"].failures == 1 and found["normalised"]["all"].n == 3
    assert found["by_country"]["JP"].value == pytest.approx(2.5 / 3)
    assert set(found["normalised"]) == {"all", "unaware"}


def test_difference_on_the_same_rows() -> None:
    rows = about(12) + about(12, "violating")
    wins, loses = Likelihoods(-1.0, -2.0, 1, 1), Likelihoods(-2.0, -1.0, 1, 1)
    before = {row["id"]: loses for row in rows}
    after = {row["id"]: wins if row["negative_type"] == "unaware" else loses for row in rows}
    found = differences(rows, before, after)
    assert found["unaware"][0].difference.value == 1.0 and found["violating"][0].difference.value == 0.0
    assert found["all"][0].difference.value == pytest.approx(0.5)
    assert found["unaware"][1] < 0.01 and found["violating"][1] == 1.0
    # rows of one prompt, norm and picture are one cluster
    assert found["all"][0].difference.clusters == 12


def test_log_probabilities_are_those_of_plain_code(few: Path, idefics3: Path) -> None:
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from trl import apply_chat_template, prepare_multimodal_messages

    chosen = select(open_dataset(str(few / "safety-dpo")), None, ["validation"], ["unhelpful"])
    rows = list(texts(chosen))
    ours = dict(Scorer(str(idefics3)).score(rows, 2))
    processor = AutoProcessor.from_pretrained(idefics3)
    model = AutoModelForImageTextToText.from_pretrained(idefics3).eval()
    for row in rows:
        asked = {"prompt": prepare_multimodal_messages(row["prompt"], images=row["images"])}
        asked |= {name: prepare_multimodal_messages(row[name]) for name in ("chosen", "rejected")}
        told = apply_chat_template(asked, processor)
        for name in ("chosen", "rejected"):
            prompt = processor(
                images=[row["images"]], text=[told["prompt"]], add_special_tokens=False, return_tensors="pt"
            )
            answer = processor.tokenizer(told[name], add_special_tokens=False, return_tensors="pt")["input_ids"]
            ids = torch.cat([prompt["input_ids"], answer], dim=1)
            pixels = {key: prompt[key] for key in ("pixel_values", "pixel_attention_mask")}
            with torch.no_grad():
                logits = model(input_ids=ids, attention_mask=torch.ones_like(ids), **pixels).logits
            of_each = logits[0, :-1].log_softmax(-1).gather(1, ids[0, 1:, None])[-answer.shape[1] :, 0]
            assert getattr(ours[row["id"]], name) == pytest.approx(float(of_each.sum()), abs=2e-2)
            assert getattr(ours[row["id"]], f"{name}_tokens") == answer.shape[1]


def test_blank_pictures_are_seen(few: Path, idefics3: Path) -> None:
    chosen = select(open_dataset(str(few / "safety-dpo")), None, ["validation"], ["unaware"], limit=1)
    (seen,), (blank,) = list(texts(chosen)), list(texts(chosen, blank=True))
    assert seen["images"][0].size == blank["images"][0].size
    assert len(blank["images"][0].getcolors()) == 1
    scorer = Scorer(str(idefics3))
    one, other = (next(scorer.score([row]))[1] for row in (seen, blank))
    assert one.chosen != other.chosen


def test_the_command(here: Here, few: Path, idefics3: Path, llava: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.json"
    words = ["eval", "preference", few / "safety-dpo", "--model", llava, "--base", idefics3]
    done = here(*words, "--out", out)
    assert done.code == 0, done.err
    for word in ("per token %", "reward %", "p (Holm)", "unhelpful", "50 is chance"):
        assert word in done.out
    found = json.loads(out.read_text("utf-8"))
    assert found["rows"] == 12 and len(found["scores"][str(llava)]) == 12
    assert set(found["figures"]["reward"]) == {"all", "unaware", "uneducative", "unhelpful", "violating"}
    assert found["figures"]["normalised"]["all"]["method"] == "no interval under 10 clusters"
    assert here(*words, "--output", "quiet").out.strip().replace(".", "").isdigit()


def test_wrong_words(here: Here, few: Path, idefics3: Path, tmp_path: Path) -> None:
    data = few / "safety-dpo"
    for more, told in (
        (["--model", idefics3, "--negative-types", "rude"], "unknown negative type rude"),
        (["--model", tmp_path], "no model that can be used"),
    ):
        done = here("eval", "preference", data, *more)
        assert done.code == 1 and told in done.err, done.err
    done = here("eval", "preference", few / "safety-sft", "--model", idefics3)
    assert done.code == 2 and "safety-dpo" in done.err
    with pytest.raises(UserError, match="no row to score"):
        select(open_dataset(str(data)), None, [])
