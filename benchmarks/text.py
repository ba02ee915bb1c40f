"""How far surface features tell chosen from rejected answers in safety-dpo, and how much the set repeats itself.

Run: python benchmarks/text.py data/safety-dpo
Prints, per negative type, the accuracy of classifiers that see only the length of an answer (in characters, words, or
both, which also tells them the mean length of its words) and of one that sees its words (logistic regression, five
folds grouped by norm; 0.5 is chance), and the share of 8-grams that stand in more than 5 % of the distinct texts.
"""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
from cross_safety.store.dataset import iter_rows, read_manifest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler


def in_characters(texts: list[str]) -> np.ndarray:
    """Length of each text in characters."""
    return np.array([[len(text)] for text in texts], dtype=float)


def in_words(texts: list[str]) -> np.ndarray:
    """Length of each text in words."""
    return np.array([[len(text.split())] for text in texts], dtype=float)


def in_both(texts: list[str]) -> np.ndarray:
    """Both lengths of each text."""
    return np.hstack([in_characters(texts), in_words(texts)])


def classifiers() -> dict[str, object]:
    """What is tried, by the name of its column."""
    by_length = {
        name: make_pipeline(FunctionTransformer(measure), StandardScaler(), LogisticRegression())
        for name, measure in (("characters", in_characters), ("words", in_words), ("both", in_both))
    }
    return by_length | {"bag of words": make_pipeline(CountVectorizer(), LogisticRegression(max_iter=2000))}


def accuracy(model: object, rows: list[dict]) -> float:
    """Share of answers told right, over folds that share no norm."""
    texts = [row[field][0]["content"] for row in rows for field in ("chosen", "rejected")]
    labels = [1, 0] * len(rows)
    groups = [row["norm_id"] for row in rows for _ in range(2)]
    return float(cross_val_score(model, texts, labels, groups=groups, cv=GroupKFold(5)).mean())


def repeated(texts: set[str], size: int = 8, share: float = 0.05) -> tuple[int, int]:
    """How many n-grams stand in more than ``share`` of the texts, and how many there are."""
    holders: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        words = text.lower().split()
        holders.update({tuple(words[i : i + size]) for i in range(len(words) - size + 1)})
    return sum(1 for count in holders.values() if count > share * len(texts)), len(holders)


def main() -> None:
    """Print the table."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "data/safety-dpo")
    rows = [row for file in read_manifest(folder)["files"] for row in iter_rows(folder / file["path"])]
    models = classifiers()
    print(f"{'negative type':15} {'pairs':>6} " + " ".join(f"{name:>12}" for name in models))
    for kind in sorted({row["negative_type"] for row in rows}):
        own = [row for row in rows if row["negative_type"] == kind]
        print(f"{kind:15} {len(own):6} " + " ".join(f"{accuracy(model, own):12.3f}" for model in models.values()))
    texts = {row[field][0]["content"] for row in rows for field in ("prompt", "chosen", "rejected")}
    over, total = repeated(texts)
    print(f"{len(texts)} distinct texts; {over} of {total} 8-grams ({over / total:.4%}) stand in more than 5 % of them")


if __name__ == "__main__":
    main()
