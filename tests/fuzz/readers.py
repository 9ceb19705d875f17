"""Every reader of files from elsewhere, on whatever a fuzzer makes of good files: read, or refused as promised."""

from __future__ import annotations

import contextlib
import functools
import json
import pickle
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np

from ecgbyte.data.questions.conversations import read_conversations
from ecgbyte.data.questions.ecgqa import read_ecgqa
from ecgbyte.data.questions.reasoning_benchmark import read_reasoning_benchmark
from ecgbyte.json_lines import read_json_lines
from ecgbyte.signals.reading.reader import read_record
from ecgbyte.signals.reading.restricted_pickle import read_pickled_values
from ecgbyte.tokenizer.encoding_file import EncodedRecord, read_encoded, write_encoded
from ecgbyte.tokenizer.restricted_pickle import read_plain_pickle
from ecgbyte.tokenizer.tokenizer_file import format_tokenizer, parse_tokenizer
from ecgbyte.training.generation_file import Generation, read_generations
from experiments.profiles.profile import PROFILES_FOLDER, read_profile
from tests.data.questions.test_reasoning_benchmark import sample
from tests.signals.reading.ecg_writers import whole_microvolts
from tests.signals.reading.test_formats import FILES
from tests.tokenizer.ecg_examples import small_tokenizer, wandering_record

# What the docstrings of the readers promise.
REFUSALS = (ValueError, TypeError, OSError)

HEADER = (
    b"a 2 100 20 10:15:00 01/01/2130\na.dat 16 1000(0)/mV 16 0 0 0 0 I\na.dat 16 1000(0)/mV 16 0 0 0 0 II\n# Age: 50\n"
)
_CONVERSATION = {
    "id": 1,
    "ecg": "ptbxl/records100/00000/00001_lr",
    "conversations": [{"from": "human", "value": "<ecg> What?"}, {"from": "gpt", "value": "x"}],
}


@functools.cache
def folder() -> Path:
    """Where the files of this process are written."""
    return Path(tempfile.mkdtemp(prefix="ecgbyte-fuzz-"))


def written(name: str, data: bytes) -> Path:
    path = folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def refused_or(read: Callable[[bytes], object]) -> Callable[[bytes], None]:
    """A check that a reader reads, or refuses with an error that it may raise."""

    @functools.wraps(read)
    def check(data: bytes) -> None:
        with contextlib.suppress(*REFUSALS), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read(data)

    return check


def _record(data: bytes) -> None:
    record = read_record(written("record", data), sampling_rate=100, units="mV", check_identities="off")
    if not np.isfinite(record.signal).all():
        raise AssertionError("a record with samples that are not finite")


def _header(data: bytes) -> None:
    written("wfdb/a.dat", bytes(80))
    read_record(written("wfdb/a.hea", data), leads=["I", "II"])


def _tokenizer(data: bytes) -> None:
    content = parse_tokenizer(data)
    if format_tokenizer(parse_tokenizer(format_tokenizer(content).encode())) != format_tokenizer(content):
        raise AssertionError("a tokenizer that changes when it is written and read")


@functools.cache
def _encoder():  # type: ignore[no-untyped-def]
    return small_tokenizer(amplitude_range="per-record")


def _questions(data: bytes) -> None:
    read_ecgqa(written("ecgqa/ptbxl/paraphrased/train/0.json", data).parents[3], split="train")


def _pickle(data: bytes) -> None:
    for read in (read_pickled_values, read_plain_pickle):
        with contextlib.suppress(ValueError):
            read(data)


READERS: dict[str, Callable[[bytes], None]] = {
    "records": refused_or(_record),
    "headers": refused_or(_header),
    "tokenizers": refused_or(_tokenizer),
    "encoded-archives": refused_or(lambda data: read_encoded(written("a.npz", data), _encoder())),
    "encoded-lines": refused_or(lambda data: read_encoded(written("a.jsonl", data), _encoder())),
    "conversations": refused_or(lambda data: read_conversations(written("c.json", data), dataset="ptbxl")),
    "ecg-qa": refused_or(_questions),
    "reasoning": refused_or(lambda data: read_reasoning_benchmark(written("r.json", data))),
    "json-lines": refused_or(lambda data: read_json_lines(written("l.jsonl", data))),
    "generations": refused_or(lambda data: read_generations(written("g.jsonl", data))),
    "pickles": _pickle,
    "profiles": refused_or(lambda data: read_profile(str(written("p.toml", data)))),
}


def good_files(reader: str) -> list[bytes]:
    """Files that a reader reads, for a fuzzer to begin with; the same bytes each time."""
    if reader == "records":
        return [_made(kind) for kind in FILES]
    if reader == "headers":
        return [
            HEADER,
            HEADER.replace(b"16 1000(0)/mV", b"16+0 204.8/uV"),
            HEADER.replace(b"a 2 100 20 10:15:00", b"a 2 100/100(0) 20"),
        ]
    if reader == "tokenizers":
        return [
            format_tokenizer(small_tokenizer(**options)._content).encode() for options in ({}, {"boundary": "record"})
        ]
    if reader in ("encoded-archives", "encoded-lines"):
        tokenizer, record = _encoder(), wandering_record(7)
        encoded = EncodedRecord("r", tokenizer.encode(record), 100.0, tokenizer.fingerprint)
        if reader == "encoded-lines":
            return [json.dumps(encoded.as_dict()).encode()]
        write_encoded(folder() / "good.npz", encoded)
        return [(folder() / "good.npz").read_bytes()]
    if reader == "profiles":
        return [(PROFILES_FOLDER / "smoke.toml").read_bytes()]
    if reader == "pickles":
        return [pickle.dumps({"ecg": np.zeros((2, 3)), "text": "a"}, protocol) for protocol in (2, 4, 5)]
    question = {
        "template_id": 1,
        "question_id": 1,
        "sample_id": 1,
        "question_type": "single-verify",
        "attribute_type": "scp_code",
        "question": "Is it?",
        "answer": ["yes"],
        "ecg_id": [1],
        "attribute": ["x"],
    }
    samples = {
        "conversations": [_CONVERSATION],
        "ecg-qa": [question],
        "reasoning": sample(),
    }
    if reader in samples:
        return [json.dumps(samples[reader]).encode()]
    if reader == "generations":
        return [json.dumps({entry.name: "text" for entry in fields(Generation)}).encode()]
    return [b'{"sample_id": "1"}\n{"a": [1, 2.5, null]}\n']


def _made(kind: str) -> bytes:
    name, _, write = FILES[kind]
    write(folder() / name, whole_microvolts(samples=50))
    return (folder() / name).read_bytes()
