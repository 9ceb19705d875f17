"""The description of a prepared folder in Croissant 1.0 (https://mlcommons.org/croissant)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ecgbyte.prepared.block import SHARDS

CROISSANT = "croissant.json"
_LIST = re.compile(r"list<\w+: (?P<inner>\w+)(?: not null)?>")
_CROISSANT_TYPES = {"string": "sc:Text", "float": "sc:Float", "double": "sc:Float", "bool": "sc:Boolean"}
_WORDS = {
    "record_id": "The record's id, with #k at its end for segment k.",
    "patient_id": "The patient's id within the data set.",
    "fold": "1 to 10; all records of a patient share one.",
    "age": "In years, as the data set gives it.",
    "sex": "female or male.",
    "report": "The report.",
    "sampling_rate": "Samples a second of each lead.",
    "leads": "The leads, in the order of the signal.",
    "num_samples": "Samples of each lead.",
    "scale": "One step of the signal, in mV.",
    "signal": "Steps, lead after lead; times scale it is mV.",
    "ids": "Token ids, lead after lead.",
    "tokens_per_lead": "Tokens that start in each lead.",
    "clipped": "The share of samples outside the range of the tokenizer.",
    "source": "The file that the record was read from.",
    "content": "Fingerprint of the signal as it was read.",
}


# As the standard has it; readers warn about another one.
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
} | {
    name: f"cr:{name}"
    for name in (
        "citeAs",
        "column",
        "equivalentProperty",
        "extract",
        "field",
        "fileProperty",
        "fileObject",
        "fileSet",
        "format",
        "includes",
        "isLiveDataset",
        "jsonPath",
        "key",
        "md5",
        "parentField",
        "path",
        "recordSet",
        "references",
        "regex",
        "repeated",
        "replace",
        "samplingRate",
        "separator",
        "source",
        "subField",
        "transform",
    )
}


def croissant_of(manifest: Mapping[str, Any], columns: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The description in Croissant.

    Parameters
    ----------
    manifest : mapping
    columns : iterable of (str, str)
        Name and Arrow type of each column of the shards that is a number, a text, or a list of these.
    """
    facts = manifest["data_set"] or {}
    found: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": f"{facts.get('name', 'ecg-records')}-prepared",
        "description": f"{manifest['counts']['rows']} preprocessed 12-lead ECGs"
        + (f" of {facts['title']}" if facts else "")
        + ", prepared by ecgbyte; amplitudes in mV are signal times scale.",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "version": "1.0.0",
        "identifier": manifest["fingerprint"],
    }
    if facts:
        found |= {"license": facts["licence"], "citeAs": facts["citation"], "url": facts["url"]}
    found["distribution"] = [
        {
            "@type": "cr:FileSet",
            "@id": "shards",
            "name": "shards",
            "encodingFormat": "application/x-parquet",
            "includes": f"{SHARDS}/*.parquet",
        }
    ]
    fields = []
    for name, kind in columns:
        listed = _LIST.fullmatch(kind)
        inner = kind if listed is None else listed["inner"]
        field: dict[str, Any] = {
            "@type": "cr:Field",
            "@id": f"records/{name}",
            "name": name,
            "description": _WORDS.get(name, name.replace("_", " ")),
            "dataType": _CROISSANT_TYPES.get(inner, "sc:Integer"),
            "source": {"fileSet": {"@id": "shards"}, "extract": {"column": name}},
        }
        if listed is not None:
            field["repeated"] = True
        fields.append(field)
    found["recordSet"] = [{"@type": "cr:RecordSet", "@id": "records", "name": "records", "field": fields}]
    return found
