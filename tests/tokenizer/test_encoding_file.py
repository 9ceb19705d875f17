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
from ecgbyte.tokenizer import encoding_file
from ecgbyte.tokenizer.encoding_file import EncodedRecord, read_encoded, write_encoded
from tests.tokenizer.ecg_examples import small_tokenizer, wandering_record
from tests.tokenizer.published_files import save_published, train_published

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
    with pytest.raises(ValueError, match=rf"encoded\.jsonl, line 1: ({key}: |ids: |checksum: )"):
        read_encoded(path, TOKENIZER)


FIXED = small_tokenizer()


def altered_archive(path: Path, tokenizer: ECGTokenizer, **changes: object) -> None:
    """An encoded record with arrays replaced, and with the checksum that fits them."""
    encoded = EncodedRecord(RECORD.record_id, tokenizer.encode(RECORD), 100.0, tokenizer.fingerprint)
    write_encoded(path, encoded)
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive} | changes
    content = {**encoded.as_dict(), **{name: np.asarray(value).tolist() for name, value in changes.items()}}
    content["lead_names"] = content["lead_names"] or None
    np.savez(path, **arrays | {"checksum": np.array(encoding_file._checksum(content))})


def other_ids(tokenizer: ECGTokenizer) -> np.ndarray:
    """Two letters where the tokenizer has a token for both: the same signal in other tokens."""
    ids = tokenizer.encode(RECORD).ids.tolist()
    place = next(index for index, token in enumerate(ids) if tokenizer.vocabulary.lengths[token] == 2)
    ids[place : place + 1] = tokenizer.token_symbols(ids[place]).tolist()
    return np.array(ids, dtype=np.int32)


NO_NAMES = np.array([], dtype=np.str_)
LEADS_TURNED = np.array(RECORD.lead_names[::-1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"range_mv": np.array([-9.0, 9.0])}, "range_mv: got .* the tokenizer's is"),
        ({"range_mv": np.array([1.0, -1.0])}, "range_mv: got .* ascending"),
        ({"range_mv": np.array([0.0, np.inf])}, "range_mv: got .* finite"),
        ({"shape": np.array([1, 720]), "lead_names": NO_NAMES}, "shape: got 1 leads, the tokenizer takes 12"),
        ({"shape": np.array([12, 2**40])}, "shape: got .* at most"),
        ({"shape": np.array([12, 61])}, "ids: hold 720 symbols, expected 12 leads of 61 samples"),
        ({"lead_names": LEADS_TURNED}, "lead_names: got .* the tokenizer's are"),
        ({"lead_names": NO_NAMES}, "lead_names: got None, the tokenizer's are"),
        ({"sampling_rate": np.float64(1e300)}, "sampling_rate: got 1e.300, the tokenizer's is 100"),
        ({"ids": other_ids(FIXED)}, "ids: are not those that the tokenizer gives"),
        ({"leads": np.zeros(3, np.int16)}, "leads: are not those of the ids"),
    ],
)
def test_an_altered_file_is_compared_with_the_tokenizer_even_where_its_checksum_fits(changes, message, tmp_path):
    altered_archive(tmp_path / "a.npz", FIXED, **changes)
    with pytest.raises(ValueError, match=rf"a\.npz: {message}"):
        read_encoded(tmp_path / "a.npz", FIXED)


def test_the_checksum_of_an_unaltered_file_fits(tmp_path):
    altered_archive(tmp_path / "a.npz", FIXED)
    assert len(read_encoded(tmp_path / "a.npz", FIXED)) == 1


def test_a_changed_value_that_the_tokenizer_does_not_know_is_noticed(tmp_path):
    write_encoded(tmp_path / "a.npz", ENCODED)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        arrays = dict(archive)
    for change in ({"record": np.array("other")}, {"clipped": np.float64(0.5)}, {"range_mv": arrays["range_mv"] * 2}):
        np.savez(tmp_path / "b.npz", **arrays | change)
        with pytest.raises(ValueError, match=r"b\.npz: checksum: .* it was altered"):
            read_encoded(tmp_path / "b.npz", TOKENIZER)
    del arrays["checksum"]
    np.savez(tmp_path / "b.npz", **arrays)
    with pytest.raises(ValueError, match="of an earlier ecgbyte: encode the record again"):
        read_encoded(tmp_path / "b.npz", TOKENIZER)


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", ids=np.zeros(100_000, np.int32))
    assert (tmp_path / "a.npz").stat().st_size < 2000
    monkeypatch.setattr(encoding_file, "MAX_RECORD_BYTES", 2000)
    with pytest.raises(ValueError, match="takes more than 2000 bytes"):
        read_encoded(tmp_path / "a.npz", TOKENIZER)
    (tmp_path / "a.jsonl").write_text(" " * 3000)
    with pytest.raises(ValueError, match="line 1: is longer than 2000 bytes"):
        read_encoded(tmp_path / "a.jsonl", TOKENIZER)


@pytest.mark.parametrize("matching", ["longest", "merge-order"])
@pytest.mark.parametrize("boundary", ["lead", "record"])
def test_all_kinds_of_tokenizers_recognise_their_own(matching, boundary, tmp_path):
    tokenizer = small_tokenizer(matching=matching, boundary=boundary)
    encoded = EncodedRecord(RECORD.record_id, tokenizer.encode(RECORD), 100.0, tokenizer.fingerprint)
    write_encoded(tmp_path / "a.npz", encoded)
    assert same(read_encoded(tmp_path / "a.npz", tokenizer)[0], encoded)


def test_published_ids_are_kept(tmp_path):
    _, vocab, merges = train_published("abcabcabcaab", 6)
    save_published(tmp_path / "p.pkl", vocab, merges)
    tokenizer = ECGTokenizer.from_published(tmp_path / "p.pkl", amplitude_range=(-1, 1))
    encoded = EncodedRecord("r", tokenizer.encode(RECORD.signal), None, tokenizer.fingerprint)
    write_encoded(tmp_path / "a.npz", encoded)
    (read,) = read_encoded(tmp_path / "a.npz", tokenizer)
    assert same(read, encoded) and read.encoding.ids.min() >= 97


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
    with pytest.raises(ValueError, match="cannot be read"):
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
