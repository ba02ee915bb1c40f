"""What card, Croissant file and Zenodo metadata say alike about a dataset; read once from ``texts.json``."""

import json
from functools import cache
from pathlib import Path
from typing import Any

PAPER = {
    "title": "Multimodal Cultural Safety: Evaluation Framework and Alignment Strategies",
    "authors": "Qiu, Haoyi and Huang, Kung-Hsiang and Zheng, Ruichen and Sun, Jiao and Peng, Nanyun",
    "venue": "Transactions on Machine Learning Research",
    "year": "2025",
    "arxiv": "2505.14972",
    "openreview": "mkFBmxgnRh",
}


@cache
def texts(dataset: str) -> dict[str, Any]:
    """``what``, ``keywords``, ``uses``, ``misuses``, ``limits`` and ``personal`` of a dataset.

    Raises:
        KeyError: no dataset of ours has that name.
    """
    parsed: dict[str, Any] = json.loads(Path(__file__).with_name("texts.json").read_text(encoding="utf-8"))[dataset]
    return parsed
