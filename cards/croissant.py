"""``croissant.json``: the version as Croissant 1.0 JSON-LD, with checksums and a record set for every data file.

Plain JSON: mlcroissant, which the tests validate it and read rows with, is not needed to write it. Files are named
relative to it, so that it reads back from a folder or a download as it lies.
Terms: the Croissant format specification 1.0 of MLCommons.
"""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ..schemas import schema
from ..store.features import SCHEMA_OF, features
from .licenses import licenses
from .release import Author, Release
from .texts import PAPER, texts

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_TYPES = {"string": "sc:Text", "int64": "sc:Integer", "float64": "sc:Float", "bool": "sc:Boolean"}
Json = dict[str, Any]


def croissant(manifest: Mapping[str, Any], release: Release | None) -> str:
    """The text of ``croissant.json``; creator and addresses stand in it once ``release`` is known."""
    name, words = manifest["name"], texts(manifest["name"])
    told: Json = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": name,
        "description": words["what"],
        "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
        "version": manifest["version"],
        "datePublished": manifest["created"][:10],
        "license": [_license_address(each) for each in licenses(manifest)],
        "keywords": words["keywords"],
        "inLanguage": sorted({tag for c in manifest["configs"].values() for tag in c["counts"]["language"]}),
        "citeAs": f"{PAPER['authors']}: {PAPER['title']}. {PAPER['venue']}, {PAPER['year']}. arXiv:{PAPER['arxiv']}",
    }
    if release:
        told |= {
            "url": release.page(name),
            "sameAs": f"{release.page(name)}/tree/{manifest['version']}",
            "creator": [_creator(author) for author in release.authors],
        }
    told |= {
        "rai:dataUseCases": words["uses"],
        "rai:dataLimitations": words["limits"] + words["misuses"],
        "rai:personalSensitiveInformation": words["personal"],
        "rai:dataReleaseMaintenancePlan": (
            "A published version never changes; a row that must go is left out of the next version and listed in its "
            "withdrawn.jsonl with the reason."
        ),
        "distribution": [_file(file, "application/x-parquet") for file in manifest["files"]]
        + ([_file(manifest["answers"], "application/zstd")] if "answers" in manifest else []),
        "recordSet": _record_sets(manifest),
    }
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


def _license_address(spdx: str) -> str:
    """SPDX's page of a licence; an expression or ``unknown`` stands as it is."""
    plain = spdx != "unknown" and " " not in spdx and not spdx.startswith("LicenseRef-")
    return f"https://spdx.org/licenses/{spdx}.html" if plain else spdx


def _creator(author: Author) -> Json:
    kind = "sc:Person" if author.given_names else "sc:Organization"
    return {"@type": kind, "name": author.name} | ({"url": f"https://orcid.org/{author.orcid}"} if author.orcid else {})


def _file(file: Mapping[str, Any], kind: str) -> Json:
    return {
        "@type": "cr:FileObject",
        "@id": file["path"],
        "name": file["path"].rsplit("/", 1)[-1],
        "contentUrl": file["path"],
        "contentSize": f"{file['bytes']} B",
        "encodingFormat": kind,
        "sha256": file["sha256"],
    }


def _record_sets(manifest: Mapping[str, Any]) -> list[Json]:
    """One a data file, called ``CONFIG/SPLIT``; a split of several files is numbered, ``CONFIG/SPLIT/0``."""
    several = Counter((file["config"], file["split"]) for file in manifest["files"])
    met: Counter[tuple[str, str]] = Counter()
    found = []
    for file in manifest["files"]:
        key = (file["config"], file["split"])
        name = "/".join(key) + (f"/{met[key]}" if several[key] > 1 else "")
        met[key] += 1
        found.append(
            {
                "@type": "cr:RecordSet",
                "@id": name,
                "name": name,
                "description": f"Config {file['config']}, split {file['split']}: {file['rows']} rows",
                "key": {"@id": f"{name}/id"},
                "field": _fields(manifest["name"], name, file["path"]),
            }
        )
    return found


def _fields(dataset: str, record_set: str, path: str) -> list[Json]:
    described = schema(SCHEMA_OF[dataset])["properties"]
    return [
        {
            "@type": "cr:Field",
            "@id": f"{record_set}/{column}",
            "name": column,
            "description": described[column]["description"],
        }
        | _shape(feature, f"{record_set}/{column}", {"fileObject": {"@id": path}, "extract": {"column": column}}, ())
        for column, feature in features(dataset).items()
    ]


def _shape(feature: Any, name: str, source: Json, steps: tuple[str, ...]) -> Json:
    """Data type, repetition, source and sub-fields of a column or of a part of one, ``steps`` inside the cell."""
    inner = feature[0] if isinstance(feature, list) else getattr(feature, "feature", None)
    if inner is not None:
        return _shape(inner, name, source, steps) | {"repeated": True}
    if isinstance(feature, dict):
        parts = [
            {"@type": "cr:Field", "@id": f"{name}/{key}", "name": key}
            | _shape(part, f"{name}/{key}", source, (*steps, key))
            for key, part in feature.items()
        ]
        return {"subField": parts}
    if feature.dtype not in _TYPES:  # a picture: a struct of bytes and path in the parquet file
        return {"dataType": "sc:ImageObject", "source": source | {"transform": {"jsonPath": "bytes"}}}
    path = {"transform": {"jsonPath": ".".join(steps)}} if steps else {}
    return {"dataType": _TYPES[feature.dtype], "source": source | path}
