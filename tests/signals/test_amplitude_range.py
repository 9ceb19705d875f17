"""Ranges: streaming percentiles against NumPy's, and each record's own extremes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies

from ecgbyte.signals.amplitude_range import AmplitudeRange, fit_amplitude_range, record_range
from ecgbyte.signals.records import Record


def population(seed: int = 0, records: int = 20) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [generator.normal(scale=generator.uniform(0.1, 2), size=(12, 100 + k)) for k in range(records)]


@given(
    st.lists(
        numpy_strategies.arrays(
            np.float64, st.tuples(st.integers(1, 3), st.integers(1, 30)), elements=st.floats(-200, 200)
        ),
        min_size=1,
        max_size=5,
    ),
    st.floats(0, 100),
    st.floats(0, 100),
    st.sampled_from([2.0**-10, 2.0**-4, 1.0, 4.0]),
)
def test_error_bound_holds(
    signals: list[np.ndarray], one_percentile: float, other_percentile: float, resolution: float
) -> None:
    low, high = sorted((one_percentile, other_percentile))
    if low == high:
        return
    fitted = fit_amplitude_range(
        signals, low_percentile=low, high_percentile=high, widen_mv=0.5, resolution_mv=resolution
    )
    exact = np.percentile(np.concatenate([signal.ravel() for signal in signals]), [low, high])
    assert fitted.error_mv == resolution / 2
    assert fitted.num_values == sum(signal.size for signal in signals)
    np.testing.assert_allclose([fitted.low + 0.5, fitted.high - 0.5], exact, rtol=0, atol=fitted.error_mv + 1e-9)


def test_error_bound_is_reached_but_not_passed_far_outside() -> None:
    signal = np.array([[-1e6, -40.0, 0.0, 40.0, 1e6]])
    fitted = fit_amplitude_range([signal], low_percentile=0, high_percentile=100, widen_mv=0)
    assert abs(fitted.low + 1e6) <= fitted.error_mv and abs(fitted.high - 1e6) <= fitted.error_mv
    fitted = fit_amplitude_range([signal], low_percentile=25, high_percentile=75, widen_mv=0)
    assert abs(fitted.low + 40) <= fitted.error_mv and abs(fitted.high - 40) <= fitted.error_mv


def test_by_hand() -> None:
    # Values 0, 1, 2, 3 in bins of 1 mV stand at 0.5, 1.5, 2.5, 3.5; the 50th percentile lies between the middle two.
    fitted = fit_amplitude_range(
        [np.array([[3.0, 1.0], [0.0, 2.0]])], low_percentile=0, high_percentile=50, widen_mv=0.25, resolution_mv=1.0
    )
    assert (fitted.low, fitted.high, fitted.error_mv, fitted.num_values) == (0.25, 2.25, 0.5, 4)


def test_order_of_records_makes_no_difference() -> None:
    signals = population()
    first = fit_amplitude_range(signals)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(signals))
        again = fit_amplitude_range(signals[position] for position in order)
        assert np.array([again.low, again.high]).tobytes() == np.array([first.low, first.high]).tobytes()


def test_records_and_arrays_give_the_same() -> None:
    signals = [signal.astype(np.float32) for signal in population()]
    assert fit_amplitude_range([Record(signal, 100) for signal in signals]) == fit_amplitude_range(signals)


def test_published_range_sees_the_first_100_000_values_only() -> None:
    quiet, loud = np.zeros((12, 5000)), np.full((12, 5000), 7.0)
    quiet[:, ::2] = 0.1
    published = fit_amplitude_range([quiet, quiet, loud, loud, loud], as_published=True)
    assert (published.low, published.high, published.num_values) == (-0.5, 0.6, 100_000)
    assert published.error_mv == 0
    assert fit_amplitude_range([quiet, quiet, loud, loud, loud]).high == pytest.approx(7.5, abs=0.001)
    signals = population(records=3)
    few = np.concatenate([signal.ravel() for signal in signals])
    published = fit_amplitude_range(signals, as_published=True)
    assert [published.low + 0.5, published.high - 0.5] == pytest.approx(np.percentile(few, [1, 99]))
    assert published.num_values == few.size < 100_000


def test_published_range_stops_reading() -> None:
    def endless() -> object:
        while True:
            yield np.arange(60_000.0).reshape(12, 5000)

    assert fit_amplitude_range(endless(), as_published=True).num_values == 100_000  # type: ignore[arg-type]


def test_own_range_of_a_record() -> None:
    signal = np.zeros((12, 10))
    signal[3, 4], signal[7, 1] = -2.0, 3.5
    for given_signal in (signal, Record(signal, 100)):
        own = record_range(given_signal)
        assert (own.low, own.high, own.error_mv, own.num_values) == (-2.0, 3.5, 0.0, 120)


def test_constant_record_lies_in_the_middle_of_its_range() -> None:
    assert record_range(np.full((12, 10), 0.25)) == AmplitudeRange(-0.25, 0.75)
    assert record_range(np.zeros((12, 1))) == AmplitudeRange(-0.5, 0.5)


@pytest.mark.parametrize(
    ("low", "high"), [(1.0, 1.0), (2.0, 1.0), (np.nan, 1.0), (0.0, np.inf), (-np.inf, 0.0), (0.0, np.nan)]
)
def test_ends_that_make_no_range(low: float, high: float) -> None:
    with pytest.raises(ValueError, match=r"low|high"):
        AmplitudeRange(low, high)


def test_ends_of_another_type() -> None:
    with pytest.raises(TypeError, match="low: expected a number in mV, got str"):
        AmplitudeRange("0", 1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="error_mv"):
        AmplitudeRange(0, 1, error_mv=-1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"low_percentile": 99, "high_percentile": 1}, "ascending"),
        ({"high_percentile": 101}, "from 0 to 100"),
        ({"low_percentile": np.nan}, "from 0 to 100"),
        ({"widen_mv": -0.1}, "widen_mv: got -0.1"),
        ({"resolution_mv": 0.001}, "power of two"),
        ({"resolution_mv": 0}, "power of two"),
    ],
)
def test_options_out_of_range(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_amplitude_range([np.zeros((1, 2))], **arguments)


@pytest.mark.parametrize("as_published", [False, True])
@pytest.mark.parametrize(
    ("signals", "kind", "message"),
    [
        ([], ValueError, "is empty"),
        ([np.zeros((12, 0))], ValueError, "is empty"),
        (np.zeros((12, 10)), TypeError, "single signal"),
        (Record(np.zeros((12, 10)), 100), TypeError, "single signal"),
        ([np.zeros((1, 2)), "text"], TypeError, "number 1 is str"),
        ([np.zeros(5)], ValueError, r"number 0 has shape \(5,\)"),
        ([np.zeros((1, 2), dtype=bool)], TypeError, "type bool"),
        ([np.zeros((1, 2)), np.array([[0, 1], [2, np.nan]])], ValueError, "number 1 has nan in lead 1 at sample 1"),
        ([np.array([[np.inf]])], ValueError, "number 0 has inf in lead 0 at sample 0"),
    ],
)
def test_bad_signals(signals: object, kind: type[Exception], message: str, as_published: bool) -> None:
    with pytest.raises(kind, match=message):
        fit_amplitude_range(signals, as_published=as_published)  # type: ignore[arg-type]


def test_constant_population_without_widening() -> None:
    with pytest.raises(ValueError, match="expected low below high"):
        fit_amplitude_range([np.zeros((1, 5))], widen_mv=0)


def test_bad_record_for_its_own_range() -> None:
    with pytest.raises(ValueError, match="is empty"):
        record_range(np.zeros((12, 0)))
    with pytest.raises(ValueError, match="nan in lead 2 at sample 0"):
        record_range(np.array([[0.0], [1.0], [np.nan]]))
    with pytest.raises(TypeError, match="is list"):
        record_range([[0.0, 1.0]])  # type: ignore[arg-type]
