"""Which record of which data set a question's path, or its own id, is about.

Files of questions mix data sets: ECG-Chat names studies of MIMIC-IV-ECG, PULSE's and GEM's files MIMIC-IV-ECG, PTB-XL,
CODE-15 and others, by the paths of signals or of pictures. A number alone says nothing about the data set, so one that
belongs to another set must not be taken for a study of MIMIC-IV-ECG.
"""

from __future__ import annotations

import re
from typing import Any

# Data sets by the words that paths and ids have for them, in lower case.
_WORDS = {
    "mimic-iv-ecg": ("mimic", "mimic_v4", "mimic-iv-ecg", "mimic_iv_ecg", "mimiciv", "mimic_gen"),
    "ptbxl": ("ptb-xl", "ptbxl", "ptb_xl", "ptb", "records100", "records500"),
    "code15": ("code15", "code-15", "code_15", "code"),
    "cpsc": ("cpsc", "cpsc2018", "cpsc_2018"),
    "chapman": ("chapman", "csn", "ningbo", "chapman-shaoxing"),
    "georgia": ("georgia", "g12ec"),
}
_BY_WORD = {word: name for name, words in _WORDS.items() for word in words}
DATASETS = tuple(_WORDS)
# A study of MIMIC-IV-ECG: .../p10000032/s40689238/40689238.
_MIMIC_PATH = re.compile(r"(?:^|[/_])p\d{4,}[/_]s(?P<study>\d+)(?:[/_]|$)", re.ASCII)
_MIMIC_STUDY = re.compile(r"s?(?P<study>\d{1,12})", re.ASCII)
_PTBXL_FILE = re.compile(r"(?:.*_)?(?P<number>\d{5})(?:_[hl]r)?", re.ASCII)
_NUMBER = re.compile(r"(?:.*[_-])?(?P<number>[A-Za-z]{0,3}\d+)", re.ASCII)
_ENDING = re.compile(r"(?:[_-]\d{1,3})?\.(?:dat|hea|npy|png|jpg|jpeg)$|\.mat$", re.ASCII | re.IGNORECASE)
_SEGMENT = re.compile(r"(?<=[hl]r)_\d{1,3}$|(?<=\d{8})_\d{1,3}$", re.ASCII)


def record_of(ecg: Any, identifier: Any = None) -> tuple[str | None, str]:
    """The data set and the record that an entry is about.

    Parameters
    ----------
    ecg : str or int
        The path of the signal or picture, or a number.
    identifier : str or int, optional
        The entry's own id, which may name the data set: ``"ptb-xl-05742"``.

    Returns
    -------
    dataset : str or None
        One of `DATASETS`; None where neither path nor id says.
    record_id : str
        As the readers of that data set name records.

    Raises
    ------
    ValueError
        If no record can be told from the path.
    """
    if isinstance(ecg, bool) or not isinstance(ecg, (str, int)):
        raise ValueError(f"ecg: got {ecg!r}, expected the path of a record")
    path = str(ecg).replace("\\", "/").strip().rstrip("/")
    dataset = _named_dataset(path) or (_named_dataset(str(identifier)) if isinstance(identifier, str) else None)
    last = _SEGMENT.sub("", _ENDING.sub("", path.rsplit("/", 1)[-1]))
    study = _MIMIC_PATH.search(_ENDING.sub("", path))
    if study is not None and dataset in (None, "mimic-iv-ecg"):
        return "mimic-iv-ecg", study["study"]
    pattern = {None: _MIMIC_STUDY, "mimic-iv-ecg": _MIMIC_STUDY, "ptbxl": _PTBXL_FILE}.get(dataset, _NUMBER)
    found = pattern.fullmatch(last)
    if found is None:
        raise ValueError(f"ecg: got {ecg!r}, expected the path of a record whose last part is the record's number")
    return dataset, found[1]


def _named_dataset(path: str) -> str | None:
    """The data set that a part of a path names, or the beginning of an id."""
    for part in path.lower().split("/"):
        if part in _BY_WORD:
            return _BY_WORD[part]
        beginning = re.match(r"(?P<word>[a-z][a-z0-9_-]*?)[-_](?:[a-z]{0,3}\d)", part)
        if beginning is not None and beginning["word"] in _BY_WORD:
            return _BY_WORD[beginning["word"]]
    return None
