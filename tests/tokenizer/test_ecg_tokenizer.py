"""The tokenizer: round trips, its promises on order and threads, and what it says to bad input."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecgbyte
from ecgbyte import ECGTokenizer, Record
from ecgbyte.signals.amplitude_range import AmplitudeRange
from tests.tokenizer.ecg_examples import small_tokenizer, wandering_record, wandering_signal

BOUNDARIES = st.sampled_from(["lead", "record"])
MATCHINGS = st.sampled_from(["longest", "merge-order"])
RANGES = st.sampled_from(["global", "per-record", (-0.75, 1.25)])


def random_records(draw: st.DrawFn) -> list[np.ndarray]:
    leads = draw(st.integers(1, 12))
    return [
        wandering_signal(
            draw(st.integers(0, 10_000)), leads, draw(st.integers(2, 40)), draw(st.sampled_from(["f4", "f8"]))
        )
        for _ in range(draw(st.integers(1, 4)))
    ]


@settings(max_examples=120, deadline=None)
@given(data=st.data(), boundary=BOUNDARIES, matching=MATCHINGS, amplitude_range=RANGES, as_published=st.booleans())
def test_decoding_stays_within_half_a_bin_of_the_clipped_input(data, boundary, matching, amplitude_range, as_published):
    signals = random_records(data.draw)
    tokenizer = ECGTokenizer.train(
        signals,
        data.draw(st.integers(0, 60)),
        amplitude_range=amplitude_range,
        boundary=boundary,
        matching=matching,
        sampling_rate=100,
        progress=False,
    )
    for signal in signals:
        encoding = tokenizer.encode(signal)
        low, high = encoding.low, encoding.high
        clipped = np.clip(signal.astype(np.float64), low, high)
        decoded = tokenizer.decode(encoding, as_published=as_published)
        assert decoded.dtype == np.float32
        assert decoded.shape == signal.shape
        bins = 1.0 if as_published else 0.5
        rounding = np.spacing(np.float32(max(abs(low), abs(high))))
        assert np.abs(decoded - clipped).max() <= bins * (high - low + 1e-6) / 26 + rounding
        outside = np.mean((signal.astype(np.float64) < low) | (signal.astype(np.float64) > high))
        assert encoding.clipped == pytest.approx(outside)
        # The ids alone decode to the same, given the range where each record has its own.
        limits = (low, high) if amplitude_range == "per-record" else None
        again = tokenizer.decode(encoding.ids, amplitude_range=limits, as_published=as_published)
        np.testing.assert_array_equal(again, decoded)


@settings(max_examples=80, deadline=None)
@given(data=st.data(), boundary=BOUNDARIES, matching=MATCHINGS)
def test_offsets_tile_every_lead(data, boundary, matching):
    signals = random_records(data.draw)
    tokenizer = ECGTokenizer.train(signals, 50, boundary=boundary, matching=matching, sampling_rate=100, progress=False)
    for signal in signals:
        encoding = tokenizer.encode(signal)
        leads, samples = signal.shape
        covered = np.zeros((leads, samples), dtype=int)
        for token in range(encoding.num_tokens):
            spans = encoding.spans(token)
            start, stop = encoding.offsets[token]
            assert spans[0] == (encoding.leads[token], start, min(stop, samples))
            assert sum(last - first for _, first, last in spans) == tokenizer.vocabulary.lengths[encoding.ids[token]]
            for lead, first, last in spans:
                covered[lead, first:last] += 1
            if boundary == "lead":
                assert len(spans) == 1
                assert stop <= samples
        assert (covered == 1).all()
        assert (np.diff(encoding.leads) >= 0).all()
        assert encoding.compression == signal.size / encoding.num_tokens


@settings(max_examples=80, deadline=None)
@given(
    symbols=st.lists(st.integers(0, 3), max_size=200).map(lambda values: np.array(values, dtype=np.uint8)),
    corpus=st.lists(st.integers(0, 3), min_size=2, max_size=200).map(lambda values: np.array(values, dtype=np.uint8)),
    matching=MATCHINGS,
)
def test_symbols_round_trip_without_loss(symbols, corpus, matching):
    merges = ecgbyte.bpe.train_merges([corpus], 20)
    tokenizer = ECGTokenizer.from_merges(merges, matching)
    ids = tokenizer.encode_symbols(symbols)
    assert ids.dtype == np.int32
    decoded = tokenizer.decode_symbols(ids)
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, symbols)


def test_record_boundary_lets_a_token_cross_and_lead_boundary_does_not():
    flat = np.zeros((3, 10), dtype=np.float32)
    settings = {"amplitude_range": (-1.0, 1.0), "sampling_rate": 100, "progress": False}
    joined = ECGTokenizer.train([flat], 4, boundary="record", **settings).encode(flat)
    apart = ECGTokenizer.train([flat], 2, boundary="lead", **settings).encode(flat)
    # Equal symbols: tokens double, to 16 of the 30 symbols of the record, and to 4 of the 10 of each lead.
    assert joined.spans(0) == [(0, 0, 10), (1, 0, 6)]
    assert joined.offsets[0].tolist() == [0, 16]
    assert apart.spans(0) == [(0, 0, 4)]
    assert apart.leads.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert apart.offsets[3:6].tolist() == [[0, 4], [4, 8], [8, 10]]


def test_spans_name_the_leads_and_refuse_a_token_that_is_not_there():
    encoding = small_tokenizer().encode(wandering_record(9))
    assert encoding.spans(0)[0][0] == "I"
    assert encoding.spans(-1)[-1][::2] == ("V6", 60)
    with pytest.raises(IndexError, match="token"):
        encoding.spans(encoding.num_tokens)


@pytest.mark.parametrize("boundary", ["lead", "record"])
@pytest.mark.parametrize("amplitude_range", ["global", "per-record"])
def test_a_batch_gives_what_each_signal_gives_alone(boundary, amplitude_range):
    tokenizer = small_tokenizer(boundary=boundary, amplitude_range=amplitude_range)
    signals = [wandering_signal(seed, samples=20 + 7 * seed) for seed in range(5)]
    batch = tokenizer.encode_batch(signals, num_threads=2)
    for signal, encoding in zip(signals, batch, strict=True):
        alone = tokenizer.encode(signal)
        for name in ("ids", "leads", "offsets"):
            np.testing.assert_array_equal(getattr(encoding, name), getattr(alone, name))
            assert getattr(encoding, name).dtype == getattr(alone, name).dtype
        assert (encoding.shape, encoding.low, encoding.high) == (alone.shape, alone.low, alone.high)
        assert (encoding.clipped, encoding.lead_names) == (alone.clipped, alone.lead_names)
    assert list(tokenizer.encode_batch([])) == []


def test_threads_and_copies_give_the_same():
    tokenizer = small_tokenizer()
    signal = wandering_signal(11)
    expected = tokenizer.encode(signal).ids
    with ThreadPoolExecutor(4) as pool:
        for ids in pool.map(lambda _: tokenizer.encode(signal).ids, range(20)):
            np.testing.assert_array_equal(ids, expected)
    np.testing.assert_array_equal(tokenizer.encode(signal, num_threads=2).ids, expected)
    copy = pickle.loads(pickle.dumps(tokenizer))
    assert copy == tokenizer
    assert hash(copy) == hash(tokenizer)
    np.testing.assert_array_equal(copy.encode(signal).ids, expected)


def test_an_encoding_does_not_depend_on_strides_byte_order_or_record():
    tokenizer = small_tokenizer()
    signal = wandering_signal(12)
    expected = tokenizer.encode(signal).ids
    wide = np.repeat(signal, 2, axis=1)[:, ::2]
    for variant in (wide, np.asfortranarray(signal), signal.astype(">f4"), signal.astype(np.float64), signal.tolist()):
        np.testing.assert_array_equal(tokenizer.encode(variant).ids, expected)
    np.testing.assert_array_equal(tokenizer.encode(Record(signal, 100.0)).ids, expected)


def test_a_flat_record_can_be_encoded_with_either_range():
    flat = np.full((12, 50), 0.25, dtype=np.float32)
    for amplitude_range in ("global", "per-record"):
        tokenizer = small_tokenizer(amplitude_range=amplitude_range)
        encoding = tokenizer.encode(flat)
        width = (encoding.high - encoding.low) / 26
        assert np.abs(tokenizer.decode(encoding) - flat).max() <= width


def test_with_matching_changes_only_the_matching():
    tokenizer = small_tokenizer()
    other = tokenizer.with_matching("merge-order")
    signal = wandering_signal(13)
    assert (tokenizer.matching, other.matching) == ("longest", "merge-order")
    assert other != tokenizer
    assert other.fingerprint != tokenizer.fingerprint
    assert other.with_matching("longest") == tokenizer
    assert other.encode(signal).ids.tolist() != tokenizer.encode(signal).ids.tolist()
    np.testing.assert_array_equal(other.decode(other.encode(signal)), tokenizer.decode(tokenizer.encode(signal)))
    with pytest.raises(ValueError, match=r"matching.*'greedy'.*'longest', 'merge-order'"):
        tokenizer.with_matching("greedy")


def test_a_tokenizer_and_its_arrays_do_not_change():
    tokenizer = small_tokenizer(preprocessing={"target_rate": 100})
    encoding = tokenizer.encode(wandering_signal(1))
    with pytest.raises(AttributeError, match="does not change"):
        tokenizer.boundary = "record"
    with pytest.raises(AttributeError, match="does not change"):
        del tokenizer._content
    for array in (tokenizer.merges, encoding.ids, encoding.leads, encoding.offsets):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    tokenizer.preprocessing["target_rate"] = 500
    assert tokenizer.preprocessing == {"target_rate": 100}


def test_properties_say_what_it_is():
    tokenizer = small_tokenizer(amplitude_range=(-1, 2))
    assert tokenizer.vocabulary_size == 66 == tokenizer.vocabulary.size
    assert tokenizer.amplitude_range == AmplitudeRange(-1.0, 2.0)
    assert (tokenizer.sampling_rate, tokenizer.num_leads, tokenizer.alphabet_size) == (100.0, 12, 26)
    assert tokenizer.lead_names[0] == "I"
    assert tokenizer.training_fingerprint == tokenizer.training.fingerprint
    assert (tokenizer.training.records, tokenizer.training.symbols) == (4, 4 * 12 * 60)
    assert tokenizer.fingerprint in repr(tokenizer)
    assert tokenizer.preprocessing is None


# Bad input ------------------------------------------------------------------------------------------------------------


def with_value(value: float) -> np.ndarray:
    signal = wandering_signal(1)
    signal[7, 33] = value
    return signal


@pytest.mark.parametrize(
    ("signal", "error", "message"),
    [
        (np.zeros((11, 60), np.float32), ValueError, r"signal: got shape \(11, 60\), expected \[12 leads, samples\]"),
        (np.zeros((60, 12), np.float32), ValueError, "leads and samples look exchanged"),
        (np.zeros(60, np.float32), ValueError, r"got shape \(60,\)"),
        (np.zeros((1, 12, 60), np.float32), ValueError, r"got shape \(1, 12, 60\)"),
        (np.zeros((12, 0), np.float32), ValueError, "at least 2 samples"),
        (np.zeros((12, 1), np.float32), ValueError, "at least 2 samples"),
        (
            np.zeros((12, 60), np.int16),
            TypeError,
            "got dtype int16, expected float32 or float64 in mV; digital samples",
        ),
        (np.zeros((12, 60), np.complex128), TypeError, "complex128"),
        (np.zeros((12, 60), bool), TypeError, "bool"),
        (np.zeros((12, 60), np.float16), TypeError, "float16"),
        ("00001_lr", TypeError, "expected float32 or float64"),
        (None, TypeError, "expected float32 or float64"),
        (with_value(np.nan), ValueError, "signal: got nan in lead V2 at sample 33, 1 such samples"),
        (with_value(np.inf), ValueError, "signal: got inf in lead V2 at sample 33"),
        (with_value(-np.inf), ValueError, "signal: got -inf in lead V2 at sample 33"),
    ],
)
@pytest.mark.parametrize("amplitude_range", ["global", "per-record"])
def test_encode_names_what_is_wrong_with_a_signal(signal, error, message, amplitude_range):
    tokenizer = small_tokenizer(amplitude_range=amplitude_range)
    with pytest.raises(error, match=message):
        tokenizer.encode(signal)
    with pytest.raises(error, match=message.replace("signal:", r"signals\[1\]:")):
        tokenizer.encode_batch([wandering_signal(2), signal])


def test_encode_refuses_a_record_of_another_rate_or_of_other_leads():
    tokenizer = small_tokenizer()
    with pytest.raises(
        ValueError, match=r"record-3.*500 samples a second, expected 100.*Preprocessor\(target_rate=100\)"
    ):
        tokenizer.encode(wandering_record(3, rate=500))
    with pytest.raises(ValueError, match="has the leads I, II, expected I, II, III"):
        tokenizer.encode(wandering_record(3, lead_names=("I", "II")))


@pytest.mark.parametrize("signals", [wandering_record(1), "abc", 3, None])
def test_encode_batch_wants_a_list(signals):
    with pytest.raises(TypeError, match=r"signals: got .* expected a list"):
        small_tokenizer().encode_batch(signals)


def test_decode_names_what_is_wrong_with_ids():
    tokenizer = small_tokenizer()
    ids = tokenizer.encode(wandering_signal(1)).ids
    for wrong, error, message in [
        (ids[:-1], ValueError, "do not fill 12 leads|crosses the end of lead"),
        ([], ValueError, "0 symbols"),
        ([0] * 12 + [66], ValueError, "ids: got 66 at 12, expected 0 to 65"),
        ([0, -1], ValueError, "ids: got -1 at 1"),
        ([2**40], ValueError, "ids: got 1099511627776 at 0"),
        ([0.5] * 12, TypeError, "float64"),
        (["a"] * 12, TypeError, "expected integers"),
        (ids[np.newaxis], ValueError, r"expected \[tokens\]"),
        (5, ValueError, r"expected \[tokens\]"),
    ]:
        with pytest.raises(error, match=message):
            tokenizer.decode(wrong)


def test_decode_refuses_a_token_that_crosses_a_lead_where_none_can():
    tokenizer = ECGTokenizer.from_merges([(0, 0), (26, 0)], amplitude_range=(-1, 1), num_leads=2)
    assert tokenizer.decode([26, 26]).shape == (2, 2)
    with pytest.raises(ValueError, match="one token crosses the end of lead 0"):
        tokenizer.decode([27, 0])
    whole = ECGTokenizer.from_merges([(0, 0), (26, 0)], boundary="record", amplitude_range=(-1, 1), num_leads=2)
    assert whole.decode([27, 0]).shape == (2, 2)


def test_decode_needs_the_range_of_a_record_that_has_its_own():
    tokenizer = small_tokenizer(amplitude_range="per-record")
    encoding = tokenizer.encode(wandering_signal(1))
    with pytest.raises(ValueError, match=r"amplitude_range: missing.*encoding\.low, encoding\.high"):
        tokenizer.decode(encoding.ids)
    with pytest.raises(ValueError, match="low"):
        tokenizer.decode(encoding.ids, amplitude_range=(1.0, -1.0))
    with pytest.raises(TypeError, match="amplitude_range"):
        tokenizer.decode(encoding.ids, amplitude_range="per-record")
    with pytest.raises(ValueError, match="encoding was made with"):
        tokenizer.decode(encoding, amplitude_range=(-9.0, 9.0))


def test_symbols_alone_need_no_range_but_signals_do():
    tokenizer = ECGTokenizer.from_merges([(0, 0), (26, 1)])
    assert tokenizer.encode_symbols(np.array([0, 0, 1, 5], dtype=np.uint8)).tolist() == [27, 5]
    assert tokenizer.training is None
    assert tokenizer.training_fingerprint is None
    for call in (lambda: tokenizer.encode(wandering_signal(1)), lambda: tokenizer.decode([0] * 12)):
        with pytest.raises(
            ValueError, match=r"amplitude_range: .*from_merges\(merges, amplitude_range=\(low, high\)\)"
        ):
            call()
    ranged = ECGTokenizer.from_merges([(0, 0), (26, 1)], amplitude_range=(-1, 1))
    assert ranged.num_leads == 12
    assert ranged.decode(ranged.encode(wandering_signal(1))).shape == (12, 60)
    own = ECGTokenizer.from_merges([(0, 0)], "merge-order", amplitude_range="per-record", lead_names=["I", "V2"])
    assert own.encode(wandering_record(1, lead_names=("I", "V2"))).lead_names == ("I", "V2")


@pytest.mark.parametrize(
    ("symbols", "error"),
    [
        ([0, 1], TypeError),
        (np.zeros(3, np.int64), TypeError),
        (np.zeros((2, 2), np.uint8), ValueError),
        (np.array([0, 26], np.uint8), ValueError),
    ],
)
def test_encode_symbols_takes_only_letters(symbols, error):
    with pytest.raises(error, match="symbols"):
        ECGTokenizer.from_merges([(0, 0)]).encode_symbols(symbols)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"merges": [(0, 26)]}, ValueError, "merge 0"),
        ({"merges": [(0, -1)]}, ValueError, "merge 0"),
        ({"merges": [(0, 1, 2)]}, ValueError, "merges"),
        ({"merges": [(0.0, 1.0)]}, TypeError, "merges"),
        ({"merges": "ab"}, TypeError, "merges"),
        ({"merges": [], "matching": "greedy"}, ValueError, "matching: got 'greedy'"),
        ({"merges": [], "boundary": "beat"}, ValueError, "boundary: got 'beat'"),
        ({"merges": [], "amplitude_range": "global"}, ValueError, "amplitude_range: got 'global'"),
        ({"merges": [], "amplitude_range": (1, 1)}, ValueError, "low"),
        ({"merges": [], "amplitude_range": (0, np.nan)}, ValueError, "finite"),
        ({"merges": [], "amplitude_range": (0, "1")}, TypeError, "high"),
        ({"merges": [], "amplitude_range": 3}, TypeError, "amplitude_range"),
        ({"merges": [], "sampling_rate": 0}, ValueError, "sampling_rate"),
        ({"merges": [], "sampling_rate": "100"}, TypeError, "sampling_rate"),
        ({"merges": [], "num_leads": 0}, ValueError, "num_leads"),
        ({"merges": [], "lead_names": ["II", "I"]}, ValueError, "lead_names: .*expected the order"),
        ({"merges": [], "lead_names": ["I"], "num_leads": 2}, ValueError, "1 names for 2 leads"),
        ({"merges": [], "alphabet_size": 300}, ValueError, "alphabet_size"),
    ],
)
def test_from_merges_names_what_is_wrong(arguments, error, message):
    with pytest.raises(error, match=message):
        ECGTokenizer.from_merges(**arguments)


def test_the_constructor_points_to_the_right_ways():
    with pytest.raises(TypeError, match=r"ECGTokenizer\.train"):
        ECGTokenizer([(0, 0)])
