"""TRL training on safety-sft and safety-dpo: checked before the GPU, resumable, with its provenance written down."""
