"""The bundled corpus as rows of ``cross`` and as items for training."""

from collections.abc import Iterator
from typing import Any

from ... import __version__
from ...schemas import table
from ...store.hashes import fraction, sha256_tree
from ..starter import LICENSE
from ..starter.corpus import HERE, Country, Norm, Scene, corpus_files, load_corpus
from ..starter.seeds import position_in, scene_seed
from .items import CrossRow, Input, SourceResult, TrainItem
from .pictures import Picture, read_picture

ATTRIBUTION = "The cross-safety developers; glyphs from Noto Color Emoji (Google, OFL-1.1)"


def read_starter() -> SourceResult:
    """All rows of the bundled corpus.

    Raises:
        FileNotFoundError: a scene whose picture was not rendered; the text has the command that renders it.
        ValueError: a corpus file does not hold to its schema.
    """
    found = SourceResult(inputs=[Input("starter", __version__, sha256_tree(HERE, corpus_files()), LICENSE)])
    for country in load_corpus():
        for norm in country.norms:
            if norm.set == "test":
                found.cross.extend(row for scene in norm.scenes for row in _test_rows(country, norm, scene))
            else:
                found.train.extend(_train_item(norm, scene) for scene in norm.scenes)
    return found


def _picture(norm: Norm, scene: Scene, *, benign: bool = False) -> Picture:
    path = norm.picture(scene, benign=benign)
    if not path.is_file():
        raise FileNotFoundError(
            2,
            f"picture not drawn; run: python -m cross_safety.builder.starter.draw --country {norm.country.lower()}",
            str(path),
        )
    return read_picture(path, photograph=False)


def _shared(norm: Norm) -> dict[str, Any]:
    return {
        "source": "starter",
        "source_revision": __version__,
        "image_source": "self",
        "image_license": LICENSE,
        "text_license": LICENSE,
        "attribution": ATTRIBUTION,
    }


def _test_rows(country: Country, norm: Norm, scene: Scene) -> Iterator[CrossRow]:
    """The four rows of a test scene: violation and twin, in English and in the country's language."""
    for benign in (False, True):
        picture = _picture(norm, scene, benign=benign)
        for config, language, query in (
            ("open", "en", scene.raw["query"]),
            ("open-multilingual", norm.language, scene.raw["query_local"]),
        ):
            yield _test_row(country, norm, scene, picture, config, language, query, benign)


def _test_row(
    country: Country,
    norm: Norm,
    scene: Scene,
    picture: Picture,
    config: str,
    language: str,
    query: str,
    benign: bool,
) -> CrossRow:
    pair = f"{norm.id}-{scene.number}"
    tail = f"{'-b' if benign else ''}{f'-{language}' if config == 'open-multilingual' else ''}"
    return CrossRow(
        config=config,
        split="benign" if benign else "test",
        picture=picture,
        id=f"{pair}{tail}",
        pair_id=pair,
        norm_id=norm.id,
        query=query,
        query_english=scene.raw["query"],
        language=language,
        source_language=table("languages")[language]["name"],
        country=country.code,
        country_in=scene.country_in,
        region=norm.region,
        domain=norm.text("domain"),
        domain_source="stated",
        topic=norm.text("topic"),
        item=scene.twin if benign else scene.item,
        norm=norm.text("norm"),
        norm_context=norm.text("norm_context"),
        meaning=norm.text("meaning"),
        alternative=norm.text("alternative"),
        practice=norm.text("practice"),
        references=list(norm.raw["references"]),
        scene=_layout(norm, scene),
        source_index=f"{norm.country.lower()}/{norm.slug}/{scene.number}",
        **_shared(norm),
    )


def _layout(norm: Norm, scene: Scene) -> dict[str, Any]:
    seed = scene_seed(norm.id, scene.number)
    return {
        "layout": scene.raw["layout"],
        "render_seed": seed,
        "position": position_in(scene.raw["pick"], 1 + len(scene.others), seed),
        "others": list(scene.others),
    }


def _train_item(norm: Norm, scene: Scene) -> TrainItem:
    if norm.mcq is None:
        raise ValueError(f"{norm.id}: a training norm without a multiple-choice question")
    order = sorted(range(4), key=lambda i: fraction("mcq", norm.id, norm.mcq.options[i]))  # type: ignore[union-attr]
    return TrainItem(
        id=f"{norm.id}-{scene.number}",
        picture=_picture(norm, scene),
        country=norm.country,
        language="en",
        question=norm.mcq.question,
        options=tuple(norm.mcq.options[i] for i in order),
        label=order.index(0),
        category=norm.text("category"),
        norm=norm,
        scene=scene,
        source_id=f"{norm.country.lower()}/{norm.slug}/{scene.number}",
        **_shared(norm),
    )
