"""Levels of unequal width: which level a sample is in, what they decode to, and how they are fitted."""

from __future__ import annotations

import bisect
import copy
import itertools
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte.signals.amplitude_levels import AmplitudeLevels, fit_amplitude_levels
from ecgbyte.signals.amplitude_range import AmplitudeRange, fit_amplitude_range
from ecgbyte.symbols import symbolize
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer

borders_of = st.lists(
    st.floats(-20, 20, allow_nan=False).map(lambda x: round(x, 3)), min_size=3, max_size=30, unique=True
).map(sorted)


def slow_symbol(borders: list[float], value: float) -> tuple[int, bool]:
    """The level of a sample, and whether it was clipped, by looking at each border."""
    if value < borders[0]:
        return 0, True
    if value > borders[-1]:
        return len(borders) - 2, True
    return min(len(borders) - 2, bisect.bisect_right(borders, value) - 1), False


@given(borders_of, st.lists(st.floats(-30, 30), min_size=4, max_size=40), st.data())
@settings(deadline=None, max_examples=80)
def test_symbols_clipping_and_decoding_are_those_of_a_loop(
    borders: list[float], values: list[float], data: st.DataObject
) -> None:
    # Borders themselves are the samples that go wrong.
    values = values + [data.draw(st.sampled_from(borders)) for _ in range(4)]
    values = values[: len(values) // 2 * 2]
    signal = np.array(values).reshape(2, -1)
    levels = AmplitudeLevels(borders)
    tokenizer = ECGTokenizer.from_merges(
        [], alphabet_size=levels.num_levels, amplitude_range=levels, num_leads=2, sampling_rate=100.0
    )
    expected = [slow_symbol(borders, value) for value in values]
    encoding = tokenizer.encode(signal)
    assert encoding.ids.tolist() == [symbol for symbol, _ in expected]
    assert encoding.clipped == pytest.approx(np.mean([clipped for _, clipped in expected]))
    assert (encoding.low, encoding.high) == (borders[0], borders[-1])
    decoded = tokenizer.decode(encoding)
    middles = [(low + high) / 2 for low, high in itertools.pairwise(borders)]
    np.testing.assert_array_equal(decoded.ravel(), np.float32([middles[symbol] for symbol, _ in expected]))
    inside = [
        abs(value - back)
        for value, back, (symbol, clipped) in zip(values, decoded.ravel().tolist(), expected, strict=True)
        if not clipped
    ]
    widths = np.diff(borders)
    assert all(error <= widths.max() / 2 + 1e-5 for error in inside)
    np.testing.assert_array_equal(tokenizer.decode(encoding.ids), decoded)


def test_equal_levels_are_the_usual_range() -> None:
    signal = np.random.default_rng(0).normal(size=(3, 400))
    equal = AmplitudeLevels(np.linspace(-1.5, 2.0, 27))
    tokenizer = ECGTokenizer.from_merges([], amplitude_range=equal, num_leads=3)
    usual = symbolize(signal, -1.5, 2.0)
    # The published formula widens the range by a millionth, which moves samples that lie on a border alone.
    assert (tokenizer.encode(signal).ids.reshape(3, -1) == usual).mean() > 0.999


def test_fitted_levels_reach_to_the_percentiles() -> None:
    generator = np.random.default_rng(0)
    signals = [generator.normal(0, 0.2, size=(3, 1000)) for _ in range(10)]
    for signal in signals:
        signal[:, ::100] += 2.0
    levels = fit_amplitude_levels(signals, low_percentile=0.01, high_percentile=99.99)
    everything = np.concatenate([signal.ravel() for signal in signals])
    assert levels.num_levels == 26 and levels.num_values == everything.size
    np.testing.assert_allclose(
        [levels.low, levels.high], np.percentile(everything, [0.01, 99.99]), atol=levels.error_mv + 1e-9
    )
    widths = np.diff(levels.borders)
    near_zero = int(np.searchsorted(levels.borders, 0.0)) - 1
    assert widths[-1] > 4 * widths[near_zero], "wide at the peaks, narrow at the baseline"
    same = fit_amplitude_levels(signals[::-1])
    assert same == levels and hash(same) == hash(levels)
    clipped = [((signal < levels.low) | (signal > levels.high)).any() for signal in signals]
    usual = fit_amplitude_range(signals, widen_mv=0.0)
    assert sum(clipped) < len(signals) == sum((signal > usual.high).any() for signal in signals)


def test_mu_law_steps_are_equal_after_the_logarithm() -> None:
    signals = [np.linspace(-1.0, 3.0, 4001)[None]]
    levels = fit_amplitude_levels(signals, low_percentile=0, high_percentile=100, mu=16.0)
    companded = np.sign(levels.borders) * np.log1p(16.0 * np.abs(levels.borders) / levels.high)
    np.testing.assert_allclose(np.diff(companded), np.diff(companded).mean(), rtol=1e-9)


def test_the_tokenizer_keeps_its_levels(tmp_path: Path) -> None:
    signals = [np.random.default_rng(n).normal(size=(2, 300)).cumsum(axis=1) / 8 for n in range(8)]
    levels = fit_amplitude_levels(signals)
    tokenizer = ECGTokenizer.train(signals, 50, amplitude_range=levels, sampling_rate=100.0, progress=False)
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    loaded = ECGTokenizer.load(path)
    assert loaded == tokenizer and loaded.amplitude_range == levels
    np.testing.assert_array_equal(loaded.amplitude_range.borders, levels.borders)
    np.testing.assert_array_equal(loaded.encode(signals[0]).ids, tokenizer.encode(signals[0]).ids)
    assert tokenizer.encode(signals[0]).ids.tolist() == tokenizer.encode_batch(signals)[0].ids.tolist()
    equal = ECGTokenizer.train(
        signals, 50, amplitude_range=(levels.low, levels.high), sampling_rate=100.0, progress=False
    )
    assert equal.fingerprint != tokenizer.fingerprint and equal.amplitude_range != levels
    text = path.read_text()
    path.write_text(text.replace(repr(levels.high), repr(levels.high + 1), 1))
    with pytest.raises(ValueError, match=r"amplitude_range\.borders: reach from"):
        ECGTokenizer.load(path)
    for other in (pickle.loads(pickle.dumps(levels)), copy.deepcopy(levels)):
        assert other == levels and (other.low, other.high, other.error_mv) == (levels.low, levels.high, levels.error_mv)
    signals[0][1, 7] = np.nan
    with pytest.raises(ValueError, match="signal: got nan in lead index 1 at sample 7"):
        tokenizer.encode(signals[0])
    with pytest.raises(ValueError, match="levels of unequal width, by which alone"):
        tokenizer.decode(tokenizer.encode(signals[1]), as_published=True)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="borders: expected finite numbers that rise"):
        AmplitudeLevels([0.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="borders: expected those of 2 to 256 levels"):
        AmplitudeLevels([0.0, 1.0])
    levels = AmplitudeLevels([0.0, 1.0, 3.0])
    assert levels != AmplitudeRange(0.0, 3.0) and AmplitudeRange(0.0, 3.0) != levels
    with pytest.raises(ValueError, match="expected a level for each of 26 letters, got 2"):
        ECGTokenizer.from_merges([], amplitude_range=levels)
    with pytest.raises(ValueError, match="expected a level for each of 26 letters, got 2"):
        ECGTokenizer.train([np.zeros((1, 10))], 1, amplitude_range=levels, sampling_rate=1.0, progress=False)
    with pytest.raises(ValueError, match="are both"):
        fit_amplitude_levels([np.zeros((1, 10))])
    with pytest.raises(ValueError, match="signals: is empty"):
        fit_amplitude_levels([])
    with pytest.raises(ValueError, match="mu: expected a positive number, got 0"):
        fit_amplitude_levels([np.ones((1, 10))], mu=0)
    with pytest.raises(ValueError, match="num_levels: expected 2 to 256, got 1"):
        fit_amplitude_levels([np.ones((1, 10))], num_levels=1)
