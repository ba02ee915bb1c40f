"""What somebody would write by hand: TRL alone, the same rows, model and settings as `cross-safety train`.

Run by train_gpu.py: python benchmarks/bare_trl.py sft|dpo FOLDER-OF-THE-DATASET MODEL OUT [flags of TRL]
Writes OUT.json: the trainer's own metrics and the most memory that tensors took.
"""

import json
import sys
from pathlib import Path

import torch
from datasets import load_dataset
from trl import DPOConfig, DPOTrainer, ModelConfig, SFTConfig, SFTTrainer, TrlParser


def main() -> None:
    """Train once."""
    method, data, model, out, *flags = sys.argv[1:]
    config, trainer_class = (DPOConfig, DPOTrainer) if method == "dpo" else (SFTConfig, SFTTrainer)
    parser = TrlParser((config, ModelConfig))
    args, _ = parser.parse_args_and_config([*flags, "--output_dir", out, "--report_to", "none"])
    args.max_length = None
    trainer = trainer_class(model=model, args=args, train_dataset=load_dataset(data, split="train"))
    done = trainer.train()
    trainer.save_model(out)
    tokens = [entry["num_tokens"] for entry in trainer.state.log_history if "num_tokens" in entry]
    peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None
    found = {**done.metrics, "num_tokens": tokens[-1] if tokens else None, "peak_gpu_bytes": peak}
    Path(f"{out}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
