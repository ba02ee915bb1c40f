"""Small vision-language models from random weights: python tinymodels.py idefics3|llava FOLDER [tiny|100m].

Both save, reload by the Auto classes, generate and train without torchvision. The tokenizer is a byte-level BPE
trained on the texts given.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3Processor,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen2Config,
)
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

SPECIAL = ["<|pad|>", "<|begin_of_text|>", "<end_of_utterance>", "<image>", "<fake_token_around_image>", "<global-img>"]
WORDS = [
    "what",
    "does",
    "the",
    "page",
    "show",
    "?",
    "a",
    "gift",
    "of",
    "clocks",
    "umbrellas",
    "knives",
    "tea",
    "soup",
    "is",
    "fine",
    "not",
    "here",
    "because",
    "people",
    "say",
]
TEMPLATE = (
    "<|begin_of_text|>{% for message in messages %}{{ message['role'].capitalize() + ':' }}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>{% else %}{{ ' ' + part['text'] }}"
    "{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)
SIZES: dict[str, dict[str, int]] = {
    # about a quarter of a million parameters; 4 image tokens
    "tiny": {"hidden": 64, "layers": 2, "heads": 4, "mlp": 128, "vision": 32, "vision_layers": 1, "vision_heads": 2,
             "side": 32, "patch": 8, "scale": 2, "vocabulary": 400, "positions": 2048},
    # about 127 million parameters; 64 image tokens
    "100m": {"hidden": 768, "layers": 12, "heads": 12, "mlp": 2048, "vision": 512, "vision_layers": 8,
             "vision_heads": 8, "side": 384, "patch": 16, "scale": 3, "vocabulary": 8192, "positions": 2048},
}  # fmt: skip


def make_tokenizer(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE trained on ``texts``; no text is out of its reach."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(list(texts), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|pad|>",
        bos_token="<|begin_of_text|>",
        eos_token="<end_of_utterance>",
        padding_side="left",
    )


def make_idefics3(folder: Path, texts: Iterable[str] = WORDS, size: str = "tiny", seed: int = 0) -> int:
    """Write an Idefics3 of a size of ``SIZES`` to ``folder``; the number of its parameters."""
    s = SIZES[size]
    tokenizer = make_tokenizer(texts, s["vocabulary"])
    processor = Idefics3Processor(
        image_processor=Idefics3ImageProcessorPil(
            size={"longest_edge": s["side"]}, max_image_size={"longest_edge": s["side"]}, do_image_splitting=False
        ),
        tokenizer=tokenizer,
        image_seq_len=(s["side"] // s["patch"] // s["scale"]) ** 2,
        chat_template=TEMPLATE,
    )
    config = Idefics3Config(
        vision_config={
            "hidden_size": s["vision"],
            "intermediate_size": 4 * s["vision"],
            "num_hidden_layers": s["vision_layers"],
            "num_attention_heads": s["vision_heads"],
            "image_size": s["side"],
            "patch_size": s["patch"],
        },
        text_config=LlamaConfig(**_text(s, len(tokenizer)), **_ids(tokenizer)).to_dict(),
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        scale_factor=s["scale"],
        **_ids(tokenizer),
    )
    return _write(folder, Idefics3ForConditionalGeneration, config, processor, seed)


def make_llava(folder: Path, texts: Iterable[str] = WORDS, seed: int = 0) -> int:
    """Write a tiny LLaVA (CLIP and Qwen2) to ``folder``; the number of its parameters."""
    s = SIZES["tiny"]
    tokenizer = make_tokenizer(texts, s["vocabulary"])
    square = {"height": s["side"], "width": s["side"]}
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessor(size=square, crop_size=square),
        tokenizer=tokenizer,
        patch_size=s["patch"],
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    )
    vision = CLIPVisionConfig(
        hidden_size=s["vision"],
        intermediate_size=4 * s["vision"],
        projection_dim=s["vision"],
        num_hidden_layers=2,
        num_attention_heads=s["vision_heads"],
        image_size=s["side"],
        patch_size=s["patch"],
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=Qwen2Config(**_text(s, len(tokenizer)), **_ids(tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        **_ids(tokenizer),
    )
    return _write(folder, LlavaForConditionalGeneration, config, processor, seed)


def _text(s: dict[str, int], vocabulary: int) -> dict[str, Any]:
    return {
        "vocab_size": vocabulary,
        "hidden_size": s["hidden"],
        "intermediate_size": s["mlp"],
        "num_hidden_layers": s["layers"],
        "num_attention_heads": s["heads"],
        "num_key_value_heads": s["heads"],
        "max_position_embeddings": s["positions"],
        "tie_word_embeddings": False,
    }


def _ids(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    return {name: getattr(tokenizer, name) for name in ("pad_token_id", "bos_token_id", "eos_token_id")}


def _write(folder: Path, architecture: Any, config: Any, processor: Any, seed: int) -> int:
    torch.manual_seed(seed)
    model = architecture(config)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return sum(weights.numel() for weights in model.parameters())


def main() -> None:
    """Make one model and tell its size."""
    kind, folder, *size = sys.argv[1:]
    made = make_llava(Path(folder)) if kind == "llava" else make_idefics3(Path(folder), size=(size or ["tiny"])[0])
    sys.stdout.write(f"{folder}: {made:,} parameters\n")


if __name__ == "__main__":
    main()
