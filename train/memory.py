"""How much memory a run asks of each GPU: an estimate from the configuration alone, no weights."""

from dataclasses import asdict, dataclass
from typing import Any

from .settings import Settings

_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
# Bytes that a transformer layer keeps for its backward pass, a token and hidden unit, at 16 bits and with an attention
# that keeps no scores: 34 in Korthikanti et al. 2022 (arXiv 2205.05198), equation 1, without its 5as/h.
_KEPT = 34


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes on one GPU.

    Attributes:
        parameters, trainable: of the model, of what is trained.
        weights, gradients, optimizer, reference: what FSDP and ZeRO-3 divide among GPUs.
        activations: of the longest batch that can come up; not divided.
    """

    parameters: int
    trainable: int
    weights: int
    gradients: int
    optimizer: int
    reference: int
    activations: int

    def on(self, gpus: int) -> int:
        """Bytes on each of ``gpus`` GPUs where FSDP or ZeRO-3 divides weights, gradients, optimizer and reference."""
        return (self.weights + self.gradients + self.optimizer + self.reference) // gpus + self.activations

    def as_json(self) -> dict[str, int]:
        """The parts and the sums for 1, 8 and 16 GPUs."""
        return asdict(self) | {f"on_{gpus}": self.on(gpus) for gpus in (1, 8, 16)}


def estimate_memory(config: Any, settings: Settings, method: str, tokens: int, patches: int) -> Memory:
    """The estimate for batches of the longest row. What CUDA, NCCL and fragmentation take comes on top, 1 to 3 GiB.

    Args:
        config: transformers' configuration of the model.
        settings: of the run.
        method: ``sft`` or ``dpo``.
        tokens: of the longest row.
        patches: of the row with most.
    """
    parameters, trainable = count_parameters(config, settings)
    model, training = settings.model, settings.training
    size = _BYTES.get(str(model.dtype), _BYTES.get(str(getattr(config, "dtype", "")).removeprefix("torch."), 4))
    stored: float = 0.5 if model.load_in_4bit else 1 if model.load_in_8bit else size
    # PEFT keeps adapters in 32 bits, whatever the type of the weights beside them.
    learned = 4 if model.use_peft else size
    pairs = 2 if method == "dpo" else 1
    rows = training.per_device_train_batch_size * pairs
    computed = 1 if training.bf16 or training.fp16 or size == 2 else 2
    return Memory(
        parameters=parameters,
        trainable=trainable,
        weights=int(parameters * stored) + (trainable * learned if model.use_peft else 0),
        gradients=trainable * learned,
        optimizer=2 * trainable * learned,
        reference=int(parameters * stored) if method == "dpo" and not model.use_peft else 0,
        activations=rows * computed * _activations(config, tokens, patches, bool(training.gradient_checkpointing)),
    )


def count_parameters(config: Any, settings: Settings) -> tuple[int, int]:
    """All parameters and those that are trained, from a model without memory (torch's ``meta`` device)."""
    import peft
    import torch
    import trl
    from transformers import AutoModelForImageTextToText

    with torch.device("meta"):
        model: Any = AutoModelForImageTextToText.from_config(config)
        parameters = sum(weights.numel() for weights in model.parameters())
        adapter = trl.get_peft_config(settings.model)
        if adapter is not None:
            model = peft.get_peft_model(model, adapter)
    return parameters, sum(weights.numel() for weights in model.parameters() if weights.requires_grad)


def _activations(config: Any, tokens: int, patches: int, checkpointing: bool) -> int:
    """Bytes at 16 bits for one sequence: language model, and vision tower where its sizes are told."""
    parts = [(config.get_text_config(), tokens), (getattr(config, "vision_config", None), patches)]
    total = 0
    for part, length in parts:
        # Qwen's vision towers call their layers' number "depth".
        hidden, layers = (
            getattr(part, "hidden_size", None),
            getattr(part, "num_hidden_layers", getattr(part, "depth", None)),
        )
        if isinstance(hidden, int) and isinstance(layers, int):
            one = _KEPT * length * hidden
            total += one + 2 * layers * length * hidden if checkpointing else layers * one
    return total
