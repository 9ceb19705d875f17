"""Files of encoded records: the way there and back, and what is refused."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte import ECGTokenizer
from ecgbyte.tokenizer.encoding_file import EncodedRecord, read_encoded, write_encoded
from tests.tokenizer.ecg_examples import small_tokenizer, wandering_record

TOKENIZER = small_tokenizer(amplitude_range="per-record")
RECORD = wandering_record(7)
ENCODED = EncodedRecord(RECORD.record_id, TOKENIZER.encode(RECORD), 100.0, TOKENIZER.fingerprint)


with tempfile.TemporaryDirectory() as folder:
    write_encoded(Path(folder) / "a.npz", ENCODED)
    ARCHIVE = (Path(folder) / "a.npz").read_bytes()


def same(first: EncodedRecord, second: EncodedRecord) -> bool:
    arrays = all(
        np.array_equal(getattr(first.encoding, name), getattr(second.encoding, name))
        for name in ("ids", "leads", "offsets")
    )
    return arrays and first.as_dict() == second.as_dict()


def test_npz_round_trip_is_exact_and_repeatable(tmp_path):
    write_encoded(tmp_path / "a.npz", ENCODED)
    write_encoded(tmp_path / "b.npz", ENCODED)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    (read,) = read_encoded(tmp_path / "a.npz", TOKENIZER)
    assert same(read, ENCODED)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        assert archive["ids"].dtype == np.int32
        np.testing.assert_array_equal(archive["offsets"], ENCODED.encoding.offsets)
        assert archive["record"].item() == "record-7"


def test_json_lines_round_trip(tmp_path):
    path = tmp_path / "encoded.jsonl"
    path.write_text(f"{json.dumps(ENCODED.as_dict())}\n" * 2)
    assert [same(record, ENCODED) for record in read_encoded(path, TOKENIZER)] == [True, True]


def test_what_is_not_known_stays_unknown(tmp_path):
    tokenizer = ECGTokenizer.from_merges([(0, 0)], amplitude_range=(-1, 1))
    encoded = EncodedRecord("r", tokenizer.encode(RECORD.signal), None, tokenizer.fingerprint)
    write_encoded(tmp_path / "a.npz", encoded)
    (read,) = read_encoded(tmp_path / "a.npz", tokenizer)
    assert same(read, encoded)
    assert read.sampling_rate is None
    assert read.encoding.lead_names is None


def test_another_tokenizer_is_refused(tmp_path):
    write_encoded(tmp_path / "a.npz", ENCODED)
    with pytest.raises(ValueError, match=r"a\.npz: tokenizer: was encoded with .* but the tokenizer given is"):
        read_encoded(tmp_path / "a.npz", TOKENIZER.with_matching("merge-order"))


@pytest.mark.parametrize("key", sorted(ENCODED.as_dict()))
@pytest.mark.parametrize("value", [..., None, 5, "x", [], [0], [1, 2], -0.5, {}])
def test_every_value_of_a_line_is_checked(key, value, tmp_path):
    entry = ENCODED.as_dict()
    if value is ...:
        del entry[key]
    else:
        entry[key] = value
    path = tmp_path / "encoded.jsonl"
    path.write_text(json.dumps(entry))
    if (key, value) in [("sampling_rate", None), ("sampling_rate", 5), ("lead_names", None), ("record", "x")]:
        assert len(read_encoded(path, TOKENIZER)) == 1
    else:
        with pytest.raises(ValueError, match=rf"encoded\.jsonl, line 1: ({key}: |ids: hold 720 symbols)"):
            read_encoded(path, TOKENIZER)


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, '{"a": 1}\n{'])
def test_lines_that_are_no_objects_are_refused(text, tmp_path):
    path = tmp_path / "encoded.jsonl"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"encoded\.jsonl"):
        read_encoded(path, TOKENIZER)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.npz"):
        read_encoded(tmp_path / "nowhere.npz", TOKENIZER)


def test_a_pickle_is_not_opened(tmp_path):
    np.savez(tmp_path / "a.npz", ids=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="cannot be read"):
        read_encoded(tmp_path / "a.npz", TOKENIZER)
    np.save(tmp_path / "a.npy", np.zeros(3))
    (tmp_path / "a.npy").rename(tmp_path / "b.npz")
    with pytest.raises(ValueError, match=r"no \.npz archive"):
        read_encoded(tmp_path / "b.npz", TOKENIZER)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_an_altered_or_cut_archive_is_refused_or_means_the_same(data, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "altered.npz"
    content = bytearray(ARCHIVE)
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    try:
        (read,) = read_encoded(path, TOKENIZER)
    except ValueError as error:
        assert "altered.npz" in str(error)
        return
    assert same(read, ENCODED)
