"""Training: what is learned, from whom, and that the same data give the same tokenizer."""

from __future__ import annotations

import sys
import weakref

import numpy as np
import pytest

import ecgbyte
from ecgbyte import ECGTokenizer, Preprocessor, Record
from ecgbyte.bpe.reference import train_merges_reference
from ecgbyte.bpe.training import MAX_TOKENS
from ecgbyte.signals.amplitude_range import fit_amplitude_range, record_range
from ecgbyte.symbols import symbolize
from ecgbyte.tokenizer import training_corpus
from tests.tokenizer.ecg_examples import small_tokenizer, wandering_record, wandering_signal

RECORDS = [wandering_record(seed) for seed in range(4)]


class ReadAgain:
    """A collection that is read from the start whenever it is iterated, as one that reads files does."""

    def __init__(self, *readings: list) -> None:
        self.readings = list(readings)
        self.times_read = 0

    def __iter__(self):
        reading = self.readings[min(self.times_read, len(self.readings) - 1)]
        self.times_read += 1
        return iter(reading)


@pytest.mark.parametrize("boundary", ["lead", "record"])
@pytest.mark.parametrize("amplitude_range", ["global", "per-record", (-1.0, 1.0)])
def test_merges_are_those_of_the_plain_steps_put_together(boundary, amplitude_range):
    tokenizer = small_tokenizer(boundary=boundary, amplitude_range=amplitude_range)
    sequences = []
    for record in RECORDS:
        if amplitude_range == "global":
            limits = fit_amplitude_range(RECORDS)
            low, high = limits.low, limits.high
        elif amplitude_range == "per-record":
            low, high = float(record.signal.min()), float(record.signal.max())
        else:
            low, high = amplitude_range
        symbols = symbolize(record.signal, low, high)
        sequences += symbols.tolist() if boundary == "lead" else [symbols.ravel().tolist()]
    assert tokenizer.merges.tolist() == [list(pair) for pair in train_merges_reference(sequences, 40)]


def test_the_range_is_that_of_the_population():
    assert small_tokenizer().amplitude_range == fit_amplitude_range(RECORDS)
    assert small_tokenizer(amplitude_range="per-record").amplitude_range == "per-record"
    own = small_tokenizer(amplitude_range="per-record").encode(RECORDS[0])
    assert (own.low, own.high) == (record_range(RECORDS[0]).low, record_range(RECORDS[0]).high)
    assert own.clipped == 0
    given = fit_amplitude_range(RECORDS[:1])
    assert small_tokenizer(amplitude_range=given).amplitude_range == given


def test_min_count_and_num_merges_end_training():
    few = small_tokenizer(min_count=50)
    assert len(few.merges) < 40
    assert (few.training.merges_requested, few.training.merges_made) == (40, len(few.merges))
    assert few.training.min_count == 50
    none = ECGTokenizer.train(RECORDS, 0, progress=False)
    assert none.vocabulary_size == 26
    np.testing.assert_array_equal(none.decode(none.encode(RECORDS[0])), none.decode(none.encode(RECORDS[0]).ids))


def test_training_again_or_with_threads_gives_the_same_bytes(tmp_path):
    for name, settings in {"a": {}, "b": {}, "threads": {"num_threads": 3}}.items():
        small_tokenizer(**settings).save(tmp_path / name)
    first = (tmp_path / "a").read_bytes()
    assert (tmp_path / "b").read_bytes() == first
    assert (tmp_path / "threads").read_bytes() == first


def test_the_fingerprint_of_the_data_follows_ids_order_and_symbols():
    def trained(records):
        return ECGTokenizer.train(records, 5, amplitude_range=(-2, 2), progress=False)

    base = trained(RECORDS)
    renamed = [Record(RECORDS[0].signal, 100.0, record_id="other"), *RECORDS[1:]]
    changed = [Record(-RECORDS[0].signal, 100.0, record_id=RECORDS[0].record_id), *RECORDS[1:]]
    faster = [Record(record.signal, 200.0, record_id=record.record_id) for record in RECORDS]
    others = [trained(records).training_fingerprint for records in (renamed, changed, faster, RECORDS[::-1])]
    assert trained(list(RECORDS)).training_fingerprint == base.training_fingerprint
    assert len({base.training_fingerprint, *others}) == 5
    # The order of the records changes no merge.
    assert trained(RECORDS[::-1]).merges.tolist() == base.merges.tolist()


def test_records_may_be_read_again_from_files():
    collection = ReadAgain(RECORDS)
    assert ECGTokenizer.train(collection, 40, progress=False) == small_tokenizer()
    assert collection.times_read == 2


def test_arrays_give_the_same_merges_as_records():
    signals = np.stack([record.signal for record in RECORDS])
    tokenizer = ECGTokenizer.train(signals, 40, sampling_rate=100, progress=False)
    assert tokenizer.merges.tolist() == small_tokenizer().merges.tolist()
    assert tokenizer.lead_names is None
    assert tokenizer.encode(RECORDS[0]).spans(0)[0][0] == 0
    named = ECGTokenizer.train(signals, 40, sampling_rate=100, lead_names=RECORDS[0].lead_names, progress=False)
    assert named.lead_names == RECORDS[0].lead_names


def test_a_one_shot_iterator_is_refused_where_two_readings_are_needed():
    with pytest.raises(ValueError, match=r"one-shot iterator \(generator\).* twice.*amplitude_range=\(low"):
        ECGTokenizer.train((record for record in RECORDS), 5, progress=False)
    for amplitude_range in ("per-record", (-2.0, 2.0)):
        once = ECGTokenizer.train(iter(RECORDS), 40, amplitude_range=amplitude_range, progress=False)
        assert once == small_tokenizer(amplitude_range=amplitude_range)


@pytest.mark.parametrize("second", [RECORDS[:3], [*RECORDS[:3], wandering_record(9)], [*RECORDS, RECORDS[0]]])
def test_a_collection_that_changes_between_the_readings_is_refused(second):
    with pytest.raises(ValueError, match="the first reading gave 4 records"):
        ECGTokenizer.train(ReadAgain(RECORDS, second), 5, progress=False)


@pytest.mark.parametrize("amplitude_range", ["global", "per-record", (-1.0, 1.0)])
@pytest.mark.parametrize(
    ("records", "settings", "error", "message"),
    [
        ([], {}, ValueError, "records: is empty"),
        (RECORDS, {"lead_names": "I"}, TypeError, "single string"),
        (
            [RECORDS[0], wandering_record(1, rate=500)],
            {},
            ValueError,
            r"records\[1\]: record 'record-1' has 500",
        ),
        (RECORDS, {"sampling_rate": 250}, ValueError, r"records\[0\].*has 100 samples a second, expected 250"),
        (
            [RECORDS[0], wandering_record(1, lead_names=("I", "II"))],
            {},
            ValueError,
            r"records\[1\].*the leads I, II",
        ),
        ([RECORDS[0], RECORDS[1].signal], {}, TypeError, r"records\[1\]: got ndarray, expected only records or only"),
        ([RECORDS[0].signal], {}, ValueError, r"sampling_rate: missing; records\[0\] is an array"),
        (
            [RECORDS[0].signal, wandering_signal(1, 8)],
            {"sampling_rate": 100},
            ValueError,
            r"records\[1\]: got shape",
        ),
        ([RECORDS[0].signal, wandering_signal(1, samples=1)], {"sampling_rate": 100}, ValueError, "at least 2 samples"),
        (RECORDS[0].signal, {"sampling_rate": 100}, ValueError, r"records\[0\]: got shape \(60,\)"),
        ([RECORDS[0].signal * np.nan], {"sampling_rate": 100}, ValueError, r"records\[0\]: got nan in lead index 0"),
        ([np.zeros((12, 9), np.int16)], {"sampling_rate": 100}, TypeError, "int16"),
        (RECORDS[0], {}, TypeError, "records: got Record"),
        ("records100", {}, TypeError, "records: got str"),
        (None, {}, TypeError, "records: got NoneType"),
        (RECORDS, {"sampling_rate": -1}, ValueError, "sampling_rate"),
        (RECORDS, {"preprocessing": {"low": np.zeros(2)}}, ValueError, "preprocessing: cannot be written as JSON"),
    ],
)
def test_train_names_what_is_wrong_with_the_records(records, settings, error, message, amplitude_range):
    with pytest.raises(error, match=message):
        ECGTokenizer.train(records, 5, amplitude_range=amplitude_range, progress=False, **settings)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"num_merges": -1}, ValueError, "num_merges"),
        ({"num_merges": 2.5}, TypeError, "num_merges"),
        ({"num_merges": 10**6}, ValueError, "num_merges"),
        ({"min_count": 0}, ValueError, "min_count"),
        ({"num_threads": 0}, ValueError, "num_threads"),
        ({"alphabet_size": 1}, ValueError, "alphabet_size"),
        ({"boundary": "beat"}, ValueError, "boundary: got 'beat', expected one of 'lead', 'record'"),
        ({"matching": "bpe"}, ValueError, "matching: got 'bpe', expected one of 'longest', 'merge-order'"),
        ({"amplitude_range": "percentile"}, ValueError, "amplitude_range: got 'percentile', expected one of 'global'"),
        ({"amplitude_range": (1, 0)}, ValueError, "low"),
        ({"amplitude_range": (0, 1, 2)}, TypeError, "amplitude_range"),
    ],
)
def test_train_names_a_wrong_option(settings, error, message):
    with pytest.raises(error, match=message):
        ECGTokenizer.train(RECORDS, **{"num_merges": 5, "progress": False, **settings})


@pytest.mark.parametrize("alphabet_size", [2, 26])
def test_too_many_merges_are_refused_before_the_records_are_read(alphabet_size):
    collection = ReadAgain(RECORDS)
    settings = {"alphabet_size": alphabet_size, "progress": False}
    most = MAX_TOKENS - alphabet_size
    with pytest.raises(ValueError, match=f"num_merges: got {most + 1}, expected 0 to {most}"):
        ECGTokenizer.train(collection, most + 1, **settings)
    assert collection.times_read == 0
    assert ECGTokenizer.train(collection, most, **settings).training.merges_requested == most


def test_progress_goes_to_standard_error_where_that_is_a_terminal(monkeypatch, capsys):
    ECGTokenizer.train(RECORDS, 5)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    ECGTokenizer.train(RECORDS, 5)
    written = capsys.readouterr()
    assert written.out == ""
    for stage in ("reading the range", "reading the symbols", "merging"):
        assert stage in written.err
    ECGTokenizer.train(RECORDS, 5, progress=False)
    assert capsys.readouterr().err == ""


def test_the_settings_of_the_preprocessing_are_kept(tmp_path):
    preprocessor = Preprocessor(target_rate=50)
    records = [preprocessor.apply(wandering_record(seed, samples=300)) for seed in range(2)]
    tokenizer = ECGTokenizer.train(records, 5, preprocessing=preprocessor, progress=False)
    tokenizer.save(tmp_path / "tokenizer.json")
    assert ECGTokenizer.load(tmp_path / "tokenizer.json").preprocessing == preprocessor.settings()
    assert tokenizer.sampling_rate == 50


@pytest.mark.real_data
def test_on_real_records(real_data, tmp_path):
    headers = sorted((real_data / "ptb-xl" / "records100").rglob("*.hea"))[:50]
    records = [ecgbyte.read_record(header.with_suffix("")) for header in headers]
    assert len(records) == 50
    for name in ("a", "b"):
        ECGTokenizer.train(records[:40], 500, progress=False).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    tokenizer = ECGTokenizer.load(tmp_path / "a")
    for record, encoding in zip(records[40:], tokenizer.encode_batch(records[40:]), strict=True):
        clipped = np.clip(record.signal.astype(np.float64), encoding.low, encoding.high)
        error = np.abs(tokenizer.decode(encoding) - clipped).max()
        assert error <= 0.5 * (encoding.high - encoding.low + 1e-6) / 26 + 1e-6
        assert encoding.compression > 2
        assert encoding.clipped < 0.2
        assert encoding.spans(0)[0][0] == "I"


def test_no_record_and_no_symbols_are_kept(monkeypatch):
    alive = []

    def watched(*arguments, **settings):
        symbols = symbolize(*arguments, **settings)
        assert sum(reference() is not None for reference in alive) <= 1  # the one before, which goes now
        alive.append(weakref.ref(symbols))
        return symbols

    monkeypatch.setattr(training_corpus, "symbolize", watched)
    assert small_tokenizer(boundary="record") == small_tokenizer(boundary="record")
    assert len(alive) == 2 * len(RECORDS)
    assert not any(reference() is not None for reference in alive)
