"""Vocabularies that ECG-Byte's code saved: the same ids, names and order, and nothing hostile gets in."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte import ECGTokenizer, read_record
from ecgbyte.bpe.reference import encode_merge_order_reference
from ecgbyte.tokenizer import published_vocabulary
from ecgbyte.tokenizer.id_scheme import PublishedIds, TokenIds
from ecgbyte.tokenizer.published_vocabulary import pairs_of_tokens, tokens_of_merges
from tests.conftest import ROOT
from tests.tokenizer.ecg_examples import wandering_signal
from tests.tokenizer.published_files import longest_match, save_published, symbols_published, train_published

TEXT = symbols_published(wandering_signal(1, samples=120), -1.0, 1.0)
_, VOCAB, MERGES = train_published(TEXT, 60)
RANGE = (-0.9, 1.1)


@pytest.fixture
def saved(tmp_path) -> tuple[Path, list[int]]:
    path = tmp_path / "tokenizer_60.pkl"
    return path, save_published(path, VOCAB, MERGES)


@settings(deadline=None)
@given(st.text("abc", min_size=2, max_size=60), st.integers(1, 20))
def test_pairs_follow_from_the_tokens(text, num_merges):
    ids, _, merges = train_published(text, num_merges)
    pairs = pairs_of_tokens(tokens_of_merges(merges))
    # The pairs, applied in their order to bytes, give the published ids of the text they were learnt from.
    assert encode_merge_order_reference(list(text.encode()), pairs, alphabet_size=256) == ids


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ids_are_the_published_ones(saved, dtype):
    tokenizer = ECGTokenizer.from_published(saved[0], amplitude_range=RANGE)
    per_record = ECGTokenizer.from_published(saved[0], amplitude_range="per-record")
    for seed in range(20):
        signal = wandering_signal(seed).astype(dtype)
        wide = signal.astype(np.float64)
        assert tokenizer.encode(signal).ids.tolist() == longest_match(symbols_published(wide, *RANGE), MERGES)
        own = symbols_published(wide, wide.min(), wide.max())
        assert per_record.encode(signal).ids.tolist() == longest_match(own, MERGES)


def test_percentiles_are_widened_as_published(saved):
    tokenizer = ECGTokenizer.from_published(saved[0], amplitude_range={"percentile_1": -0.4, "percentile_99": 0.6})
    assert (tokenizer.amplitude_range.low, tokenizer.amplitude_range.high) == (-0.9, 1.1)
    with pytest.raises(ValueError, match="expected 'percentile_1' and 'percentile_99'"):
        ECGTokenizer.from_published(saved[0], amplitude_range={"low": 1})


@pytest.mark.parametrize("value", [0.0, 0.3, -2.0, 1e6 + 0.1])
@pytest.mark.parametrize("num_threads", [1, 3])
def test_constant_records_are_the_first_letter_as_published(saved, value, num_threads):
    tokenizer = ECGTokenizer.from_published(saved[0], amplitude_range="per-record")
    flat = np.full((12, 50), value)
    signals = [wandering_signal(0), flat, np.tile([0.0, 1.0], (12, 20)), flat, wandering_signal(1)]
    batch = tokenizer.encode_batch(signals, num_threads=num_threads)
    for signal, encoding in zip(signals, batch, strict=True):
        wide = signal.astype(np.float64)
        assert encoding.ids.tolist() == longest_match(symbols_published(wide, wide.min(), wide.max()), MERGES)
        assert encoding.ids.tolist() == tokenizer.encode(signal).ids.tolist()
    assert np.abs(tokenizer.decode(batch[1]) - value).max() <= 0.5 / 26 + 1e-6 * (1 + abs(value))


def test_names_stand_in_the_order_of_the_file(saved):
    path, order = saved
    tokenizer = ECGTokenizer.from_published(path)
    assert len(tokenizer) == tokenizer.vocabulary_size == 256 + len(MERGES)
    assert list(tokenizer.get_vocab().items()) == [(f"signal_{token}", token) for token in order]


def test_tokens_are_where_the_ids_say(saved):
    tokenizer = ECGTokenizer.from_published(saved[0], amplitude_range=RANGE)
    encoding = tokenizer.encode(wandering_signal(3))
    letters = symbols_published(wandering_signal(3).astype(np.float64), *RANGE)
    start = 0
    for token, (lead, offset) in zip(encoding.ids, zip(encoding.leads, encoding.offsets, strict=True), strict=True):
        string = VOCAB[int(token)]
        assert letters[start : start + len(string)] == string
        assert lead * 60 + offset[0] == start and offset[1] - offset[0] == len(string)
        assert "".join(chr(97 + symbol) for symbol in tokenizer.token_symbols(int(token))) == string
        start += len(string)
    assert start == len(letters)


def test_decoding_takes_the_same_ids(saved):
    tokenizer = ECGTokenizer.from_published(saved[0], amplitude_range=RANGE)
    signal = wandering_signal(4)
    encoding = tokenizer.encode(signal)
    half_bin = (RANGE[1] - RANGE[0]) / 52
    for given_ids in (encoding, encoding.ids, encoding.ids.tolist()):
        assert np.abs(tokenizer.decode(given_ids) - np.clip(signal, *RANGE)).max() <= half_bin + 1e-6
    symbols = np.frombuffer(TEXT.encode(), np.uint8) - np.uint8(97)
    ids = tokenizer.encode_symbols(symbols)
    assert ids.tolist() == longest_match(TEXT, MERGES)
    np.testing.assert_array_equal(tokenizer.decode_symbols(ids), symbols)
    for wrong, message in ((200, "byte that is no letter"), (256 + len(MERGES), "expected 0 to 315"), (-1, "got -1")):
        with pytest.raises(ValueError, match=message):
            tokenizer.decode_symbols([97, wrong])


def test_the_id_scheme_is_saved(saved, tmp_path):
    tokenizer = ECGTokenizer.from_published(saved[0], amplitude_range="per-record", sampling_rate=250)
    tokenizer.save(tmp_path / "ecg_tokenizer.json")
    again = ECGTokenizer.load(tmp_path / "ecg_tokenizer.json")
    assert again == tokenizer and list(again.get_vocab()) == list(tokenizer.get_vocab())
    assert pickle.loads(pickle.dumps(tokenizer)) == tokenizer
    plain = ECGTokenizer.from_merges(
        tokenizer.merges, boundary="record", amplitude_range="per-record", sampling_rate=250
    )
    assert plain != tokenizer and plain.fingerprint != tokenizer.fingerprint
    other = tmp_path / "other.pkl"
    save_published(other, VOCAB, MERGES, order_seed=1)
    assert ECGTokenizer.from_published(other, amplitude_range="per-record", sampling_rate=250) != tokenizer


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda vocab, merges: (vocab, merges, 1), "expected a tuple"),
        (lambda vocab, merges: [vocab, merges], "expected a tuple"),
        (lambda vocab, merges: (merges, vocab), r"expected \(dict, list\)"),
        (lambda vocab, merges: ({k: v for k, v in vocab.items() if k != 7}, merges), "vocab: got 315 ids"),
        (lambda vocab, merges: ({**vocab, 300: "zz"}, merges), "vocab: id 300 is 'zz'"),
        (lambda vocab, merges: ({**vocab, 7: "a"}, merges), "vocab: id 7 is 'a'"),
        (lambda vocab, merges: (vocab, merges[::-1]), "number 0 has the id"),
        (lambda vocab, merges: (vocab, [([97], 256)]), "two byte values or more"),
        (lambda vocab, merges: (vocab, [([97, 256], 256)]), "two byte values or more"),
        (lambda vocab, merges: (vocab, [([97, "b"], 256)]), "two byte values or more"),
        (lambda vocab, merges: (vocab, [([97, 98], "256")]), "has the id '256'"),
        (lambda vocab, merges: (vocab, [[]]), "no pair of a list"),
    ],
)
def test_other_content_is_refused(change, message, tmp_path):
    path = tmp_path / "changed.pkl"
    path.write_bytes(pickle.dumps(change(VOCAB, MERGES)))
    with pytest.raises(ValueError, match=rf"published vocabulary .*changed\.pkl: .*{message}"):
        ECGTokenizer.from_published(path)


@pytest.mark.parametrize("tokens", [["ab", "ab"], ["abc"], ["ab", "abab", "aabb"]])
def test_lists_that_no_training_makes_are_refused(tokens):
    with pytest.raises(ValueError, match=r"which the merges before it cut into \d tokens, expected two"):
        pairs_of_tokens([list(token.encode()) for token in tokens])


def test_other_letters_are_refused(tmp_path):
    _, vocab, merges = train_published("AbAbAb", 1)
    save_published(tmp_path / "upper.pkl", vocab, merges)
    with pytest.raises(ValueError, match="joins the byte 65, which is no letter"):
        ECGTokenizer.from_published(tmp_path / "upper.pkl")


def test_one_long_list_named_many_times_is_refused_at_once(tmp_path):
    token = [97] * 200_000
    path = tmp_path / "bomb.pkl"
    path.write_bytes(pickle.dumps((VOCAB, [(token, 256 + k) for k in range(1000)])))
    with pytest.raises(ValueError, match="hold more than 1048576 symbols"):
        ECGTokenizer.from_published(path)


def test_limits_and_missing_files_are_said(monkeypatch, tmp_path):
    monkeypatch.setattr(published_vocabulary, "MAX_MERGES", 10)
    with pytest.raises(ValueError, match="got 60, expected at most 10"):
        tokens_of_merges(MERGES)
    with pytest.raises(FileNotFoundError, match="there is no vocabulary file"):
        ECGTokenizer.from_published(tmp_path / "absent.pkl")


def test_id_schemes_are_checked():
    with pytest.raises(ValueError, match="expected every id from 0 to 255 once"):
        PublishedIds((0, 1, 2))
    with pytest.raises(TypeError, match="expected ints"):
        PublishedIds(("a",) * 256)
    vocabulary = ECGTokenizer.from_merges([(0, 0)]).vocabulary
    with pytest.raises(ValueError, match="got 256 ids for 1 merges, expected 257"):
        TokenIds(vocabulary, PublishedIds(tuple(range(256))))
    with pytest.raises(ValueError, match="alphabet_size: got 4"):
        TokenIds(ECGTokenizer.from_merges([], alphabet_size=4).vocabulary, PublishedIds(tuple(range(256))))


@pytest.fixture(scope="module")
def real_records(tmp_path_factory) -> list[np.ndarray]:
    """1,000 real ECGs, float32 [12, 1000] in mV."""
    packed = Path(os.environ.get("ECGBYTE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not (packed / "unpack.py").exists():
        pytest.skip(f"real ECG recordings are not in {packed} (set ECGBYTE_SHARED_DATA to their folder)")
    folder = tmp_path_factory.mktemp("ptb-xl")
    command = [sys.executable, str(packed / "unpack.py"), str(folder), "--max-records", "1000"]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    headers = sorted((folder / "ptb-xl" / "records100").glob("*/*.hea"))
    assert len(headers) == 1000
    return [read_record(header).signal for header in headers]


@pytest.mark.real_data
def test_the_published_file_on_a_thousand_real_records(real_records):
    packed = Path(os.environ.get("ECGBYTE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    path = packed / "published-tokenizers" / "ecg_byte_tokenizer_1000_25.pkl"
    vocab, merges = pickle.loads(path.read_bytes())
    whole = np.concatenate([signal.ravel() for signal in real_records])
    low, high = (float(value) for value in np.percentile(whole, (1, 99)))
    common = ECGTokenizer.from_published(path, amplitude_range={"percentile_1": low, "percentile_99": high})
    own = ECGTokenizer.from_published(path, amplitude_range="per-record")
    assert list(own.get_vocab().values()) == list(vocab)
    in_float32 = 0
    for signal in real_records:
        wide = signal.astype(np.float64)
        ids = longest_match(symbols_published(wide, low - 0.5, high + 0.5), merges)
        assert common.encode(wide).ids.tolist() == ids
        letters = symbols_published(wide, wide.min(), wide.max())
        assert own.encode(wide).ids.tolist() == longest_match(letters, merges)
        # The later code takes the range, and so the symbols, in the type of the record.
        narrow = symbols_published(signal, signal.min(), signal.max())
        in_float32 += sum(one != other for one, other in zip(letters, narrow, strict=True))
    print(f"symbols that differ where computed in float32: {in_float32} of {whole.size}")
    assert in_float32 < 1e-5 * whole.size
