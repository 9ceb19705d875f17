"""Symbols against the formula in NumPy, bit for bit, for every type, stride and alphabet."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ecgbyte._ext import symbols as kernel
from ecgbyte.symbols import desymbolize, from_letters, letters, symbolize


def formula_of_width(signal: np.ndarray, low: float, width: float, alphabet_size: int) -> np.ndarray:
    with np.errstate(over="ignore"):
        place = np.clip((signal.astype(np.float64) - low) / width, 0, 1)
    return np.minimum(np.floor(alphabet_size * place), alphabet_size - 1).astype(np.uint8)


def formula(signal: np.ndarray, low: float, high: float, alphabet_size: int = 26) -> np.ndarray:
    return formula_of_width(signal, low, high - low + 1e-6, alphabet_size)


SIGNALS = st.one_of(
    hnp.arrays(np.float32, hnp.array_shapes(min_dims=1, max_dims=2, max_side=40), elements=st.floats(-5, 5, width=32)),
    hnp.arrays(np.float64, hnp.array_shapes(min_dims=1, max_dims=2, max_side=40), elements=st.floats(-5, 5)),
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=1, max_dims=2, max_side=6),
        elements=st.floats(allow_nan=False, allow_infinity=False),
    ),
    hnp.arrays(np.int16, hnp.array_shapes(min_dims=1, max_dims=2, max_side=40)),
)
RANGES = st.tuples(st.floats(-4, 4), st.floats(1e-7, 40_000)).map(lambda drawn: (drawn[0], drawn[0] + drawn[1]))


@given(SIGNALS, RANGES, st.integers(1, 256))
def test_symbols_are_those_of_the_formula(signal: np.ndarray, ends: tuple[float, float], alphabet_size: int) -> None:
    expected = formula(signal, *ends, alphabet_size)
    symbols = symbolize(signal, *ends, alphabet_size=alphabet_size)
    assert symbols.dtype == np.uint8
    assert symbols.flags.c_contiguous
    np.testing.assert_array_equal(symbols, expected)


@st.composite
def signals_near_borders(draw: st.DrawFn) -> tuple[np.ndarray, float, float, int]:
    """A signal that lies mostly on and next to the borders of the bins, the range's low end and width, and letters."""
    dtype = draw(st.sampled_from([np.float32, np.float64, np.int16]))
    alphabet_size = draw(st.one_of(st.sampled_from([1, 2, 26, 256]), st.integers(1, 256)))
    anything = st.floats(allow_nan=False, allow_infinity=False)
    low = draw(st.one_of(st.floats(-4, 4), st.integers(-30_000, 30_000).map(float), anything))
    width = draw(
        st.one_of(
            st.floats(0.5, 8),
            st.integers(1, 60_000).map(float),
            st.floats(-320, 308).map(lambda power: 10.0**power),
            st.floats(-12, 3).map(lambda power: (abs(low) or 1.0) * 10.0**power),
        ).filter(lambda width: 0 < width < np.inf)
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    number = draw(st.sampled_from([1, 5, 127, 128, 300, 1000]))
    with np.errstate(over="ignore", invalid="ignore"):
        borders = low + rng.integers(-1, alphabet_size + 2, number) / alphabet_size * width
        if dtype is np.int16:
            signal = np.clip(np.rint(borders), -32_768, 32_767).astype(np.int16)
        else:
            signal = borders.astype(dtype)
            for _ in range(2):
                towards = rng.choice([-np.inf, np.inf], number).astype(dtype)
                signal = np.where(rng.random(number) < 0.4, np.nextafter(signal, towards), signal)
    uniform = rng.random(number) < draw(st.sampled_from([0.0, 0.5, 0.98]))
    with np.errstate(over="ignore", invalid="ignore"):
        anywhere = low + rng.uniform(-0.2, 1.2, number) * width
        anywhere = np.clip(anywhere, -32_768, 32_767) if dtype is np.int16 else anywhere
        signal = np.where(uniform, np.nan_to_num(anywhere).astype(dtype), signal)
    return np.nan_to_num(signal), low, width, alphabet_size


@settings(max_examples=600)
@given(signals_near_borders())
def test_every_instruction_set_gives_the_symbols_of_the_formula(drawn: tuple[np.ndarray, float, float, int]) -> None:
    signal, low, width, alphabet_size = drawn
    expected = formula_of_width(signal, low, width, alphabet_size)
    for instruction_set in range(kernel.INSTRUCTION_SETS):
        symbols = np.full(signal.shape, 255, dtype=np.uint8)
        assert kernel.symbolize(signal, low, width, alphabet_size, symbols, instruction_set=instruction_set) is None
        np.testing.assert_array_equal(symbols, expected)


@pytest.mark.parametrize("instruction_set", range(kernel.INSTRUCTION_SETS))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ends", [(-1.0, 1.0), (-1e300, 1e300), (1e8, 1e8 + 1), (-1.7e308, 0.0)])
def test_every_instruction_set_finds_what_is_not_finite(
    instruction_set: int, dtype: type, ends: tuple[float, float]
) -> None:
    low, high = ends
    for value in (np.nan, np.inf, -np.inf):
        for place in (0, 127, 128, 299):
            signal = np.full(300, 1e8, dtype=dtype)
            signal[place] = value
            symbols = np.empty(300, dtype=np.uint8)
            for part in (np.s_[:], np.s_[::-1]):
                found = kernel.symbolize(signal[part], low, high - low, 26, symbols, instruction_set=instruction_set)
                assert found == (0, place if part == np.s_[:] else 299 - place)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros(3, np.int32), 0.0, 1.0, 26, np.zeros(3, np.uint8)), "signal"),
        ((np.zeros((1, 1, 3), np.float32), 0.0, 1.0, 26, np.zeros((1, 1, 3), np.uint8)), "signal"),
        ((np.zeros(3, np.float32), 0.0, 1.0, 257, np.zeros(3, np.uint8)), "alphabet_size"),
        ((np.zeros(3, np.float32), 0.0, 0.0, 26, np.zeros(3, np.uint8)), "width"),
        ((np.zeros(3, np.float32), 0.0, 1.0, 26, np.zeros(4, np.uint8)), "symbols"),
        ((np.zeros((2, 3), np.float32), 0.0, 1.0, 26, np.zeros((3, 3), np.uint8)), "symbols"),
        ((np.zeros(3, np.float32), 0.0, 1.0, 26, np.zeros(6, np.uint8)[::2]), "without gaps"),
        ((np.zeros(3, np.float32), 0.0, 1.0, 26, np.zeros(3, np.uint8), 2, 4), "first, last"),
        ((np.zeros(3, np.float32), 0.0, 1.0, 26, np.zeros(3, np.uint8), 0, 3, 3), "instruction_set"),
    ],
)
def test_the_kernel_refuses_what_it_cannot_read(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kernel.symbolize(*arguments)


def test_symbols_at_and_beside_every_border() -> None:
    low, high = -0.83, 1.27
    borders = low + np.arange(27) / 26 * (high - low + 1e-6)
    near = [borders]
    for _ in range(3):
        near = [np.nextafter(near[0], -np.inf), *near, np.nextafter(near[-1], np.inf)]
    signal = np.stack(near)
    np.testing.assert_array_equal(symbolize(signal, low, high), formula(signal, low, high))
    single = signal.astype(np.float32)
    np.testing.assert_array_equal(symbolize(single, low, high), formula(single, low, high))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_any_stride_and_read_only(dtype: type) -> None:
    values = np.random.default_rng(0).normal(scale=2, size=(12, 301)).astype(dtype)
    expected = formula(values, -1.5, 1.5)
    values.flags.writeable = False
    for part in (np.s_[:], np.s_[:, ::3], np.s_[::-1, ::-1], np.s_[::2], np.s_[:, 5:6], np.s_[3]):
        np.testing.assert_array_equal(symbolize(values[part], -1.5, 1.5), expected[part])
    unaligned = np.frombuffer(b" " + values.tobytes(), dtype=dtype, offset=1).reshape(values.shape)
    np.testing.assert_array_equal(symbolize(unaligned, -1.5, 1.5), expected)
    np.testing.assert_array_equal(symbolize(values.T, -1.5, 1.5), expected.T)


def test_threads_give_the_same_symbols() -> None:
    signal = np.random.default_rng(1).normal(size=(3, 200_001)).astype(np.float32)
    for shaped in (signal, signal.reshape(-1), signal.T):
        expected = symbolize(shaped, -1, 1)
        assert symbolize(shaped, -1, 1, num_threads=3).tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_named(dtype: type, value: float) -> None:
    signal = np.zeros((3, 100), dtype=dtype)
    signal[1, 57] = signal[2, 3] = value
    for shaped in (signal, np.asfortranarray(signal)):
        with pytest.raises(ValueError, match=r"lead index 1, sample 57"):
            symbolize(shaped, -1, 1)
    with pytest.raises(ValueError, match=r"sample 57, expected finite"):
        symbolize(signal[1], -1, 1)


def test_the_value_named_does_not_depend_on_threads() -> None:
    signal = np.zeros((2, 300_000), dtype=np.float32)
    signal[0, 299_999] = signal[1, 2] = np.nan
    for num_threads in (1, 2, 4):
        with pytest.raises(ValueError, match="lead index 0, sample 299999"):
            symbolize(signal, -1, 1, num_threads=num_threads)


@pytest.mark.parametrize(
    ("signal", "error", "message"),
    [
        ([0.0, 1.0], TypeError, "signal: got list"),
        (np.zeros(3, dtype=np.int32), TypeError, "int32"),
        (np.zeros(3, dtype=">f4"), TypeError, "native byte order"),
        (np.zeros((2, 2, 2), dtype=np.float32), ValueError, r"shape \(2, 2, 2\)"),
        (np.float32(1.0), TypeError, "signal"),
        (np.zeros((12, 0), dtype=np.float32), ValueError, "at least one sample"),
        (np.zeros(0, dtype=np.float32), ValueError, "at least one sample"),
    ],
)
def test_wrong_signals_are_refused(signal: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        symbolize(signal, -1, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize(("low", "high"), [(1, 1), (2, 1), (np.nan, 1), (0, np.inf), (-1.7e308, 1.7e308)])
def test_wrong_ranges_are_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="low, high"):
        symbolize(np.zeros(3, dtype=np.float32), low, high)
    with pytest.raises(ValueError, match="low, high"):
        desymbolize(np.zeros(3, dtype=np.uint8), low, high)


@pytest.mark.parametrize("alphabet_size", [0, -1, 257])
def test_wrong_alphabets_are_refused(alphabet_size: int) -> None:
    with pytest.raises(ValueError, match="alphabet_size"):
        symbolize(np.zeros(3, dtype=np.float32), -1, 1, alphabet_size=alphabet_size)


def test_wrong_thread_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="num_threads"):
        symbolize(np.zeros(3, dtype=np.float32), -1, 1, num_threads=0)
    with pytest.raises(TypeError, match="num_threads"):
        symbolize(np.zeros(3, dtype=np.float32), -1, 1, num_threads=1.5)  # type: ignore[arg-type]


@given(hnp.arrays(np.float32, (3, 20), elements=st.floats(-5, 5, width=32)), RANGES, st.integers(1, 256))
def test_half_a_bin_at_most(signal: np.ndarray, ends: tuple[float, float], alphabet_size: int) -> None:
    low, high = ends
    symbols = symbolize(signal, low, high, alphabet_size=alphabet_size)
    back = desymbolize(symbols, low, high, alphabet_size=alphabet_size)
    assert back.dtype == np.float32
    assert back.shape == signal.shape
    half_bin = (high - low + 1e-6) / alphabet_size / 2
    rounding = 1e-6 * (abs(low) + abs(high))
    error = np.abs(back.astype(np.float64) - np.clip(signal.astype(np.float64), low, high)).max()
    # The bins reach 1e-6 beyond `high`, which shows only where they are narrower than that.
    assert error <= max(half_bin, 1e-6) + rounding


def test_levels_as_published_span_the_range() -> None:
    symbols = np.arange(26, dtype=np.uint8)
    levels = desymbolize(symbols, -1.0, 1.5, as_published=True)
    np.testing.assert_array_equal(levels, (-1.0 + np.arange(26) / 25 * 2.5).astype(np.float32))
    with pytest.raises(ValueError, match="at least 2"):
        desymbolize(np.zeros(2, dtype=np.uint8), -1, 1, alphabet_size=1, as_published=True)


def test_desymbolize_takes_any_shape_and_names_a_foreign_symbol() -> None:
    symbols = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    np.testing.assert_array_equal(
        desymbolize(symbols[:, ::-1], -1, 1), desymbolize(symbols.reshape(-1), -1, 1).reshape(2, 3, 4)[:, ::-1]
    )
    symbols[1, 0, 2] = 26
    with pytest.raises(ValueError, match=r"got 26 at \[1, 0, 2\], expected 0 to 25"):
        desymbolize(symbols, -1, 1)
    with pytest.raises(TypeError, match="int64"):
        desymbolize(np.arange(3), -1, 1)  # type: ignore[arg-type]
    assert desymbolize(np.zeros((2, 0), dtype=np.uint8), -1, 1).shape == (2, 0)


@given(st.text(alphabet="abcxyz"))
def test_letters_and_back(text: str) -> None:
    symbols = from_letters(text)
    assert symbols.dtype == np.uint8
    assert letters(symbols) == text


def test_letters_refuse_what_is_no_letter() -> None:
    with pytest.raises(ValueError, match="got 26 at 1"):
        letters(np.array([0, 26], dtype=np.uint8))
    with pytest.raises(ValueError, match="shape"):
        letters(np.zeros((2, 2), dtype=np.uint8))
    with pytest.raises(TypeError, match="int64"):
        letters(np.array([0, 1]))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="got 'B' at 1"):
        from_letters("aB")
    with pytest.raises(TypeError, match="bytes"):
        from_letters(b"ab")  # type: ignore[arg-type]
