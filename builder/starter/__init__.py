"""The bundled corpus: our own norms and pictures, reviewed by hand, and the renderer that drew them."""

from .corpus import LICENSE, Answers, Country, Multiple, Norm, Scene, corpus_files, country_files, load_corpus

__all__ = [
    "LICENSE",
    "Answers",
    "Country",
    "Multiple",
    "Norm",
    "Scene",
    "corpus_files",
    "country_files",
    "load_corpus",
]
