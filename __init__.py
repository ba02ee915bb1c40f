"""cross-safety: versioned datasets, evaluation and alignment for culturally safe vision-language models."""

__version__ = "0.1.0"
