"""A tokenizer's encodings with dropout: other tokens, the same signal, and only the seed decides."""

from __future__ import annotations

import numpy as np
import pytest

from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer


def signals(count: int, samples: int = 300) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [generator.normal(size=(3, samples + 10 * k)).cumsum(axis=1) / 10 for k in range(count)]


@pytest.fixture(scope="module", params=[("lead", "longest"), ("lead", "merge-order"), ("record", "longest")])
def tokenizer(request: pytest.FixtureRequest) -> ECGTokenizer:
    boundary, matching = request.param
    return ECGTokenizer.train(
        signals(20), 200, boundary=boundary, matching=matching, sampling_rate=100.0, progress=False
    )


def test_tokens_differ_and_the_signal_is_the_same(tokenizer: ECGTokenizer) -> None:
    for signal in signals(3):
        plain = tokenizer.encode(signal)
        spellings = {tokenizer.encode(signal, dropout=0.2, seed=seed).ids.tobytes() for seed in range(6)}
        assert len(spellings) == 6 and plain.ids.tobytes() not in spellings
        encoding = tokenizer.encode(signal, dropout=0.2, seed=3)
        assert len(encoding) > len(plain) and encoding.shape == plain.shape
        assert (encoding.low, encoding.high, encoding.clipped) == (plain.low, plain.high, plain.clipped)
        np.testing.assert_array_equal(tokenizer.decode(encoding), tokenizer.decode(plain))
        if tokenizer.boundary == "lead":
            assert all(len(encoding.spans(token)) == 1 for token in range(len(encoding)))
        np.testing.assert_array_equal(tokenizer.encode(signal, dropout=0.0, seed=3).ids, plain.ids)


def test_a_batch_gives_what_encode_gives_at_any_number_of_threads(tokenizer: ECGTokenizer) -> None:
    many = signals(8)
    for threads in (1, 3):
        one = tokenizer.encode_batch(many, dropout=0.3, seed=5, num_threads=threads)
        each = tokenizer.encode_batch(many, dropout=0.3, seed=list(range(8)), num_threads=threads)
        for number, signal in enumerate(many):
            alone = tokenizer.encode(signal, dropout=0.3, seed=5)
            np.testing.assert_array_equal(one[number].ids, alone.ids)
            np.testing.assert_array_equal(one[number].offsets, alone.offsets)
            np.testing.assert_array_equal(each[number].ids, tokenizer.encode(signal, dropout=0.3, seed=number).ids)


def test_equal_leads_are_cut_each_in_its_own_way(tokenizer: ECGTokenizer) -> None:
    if tokenizer.boundary != "lead":
        pytest.skip("leads are one sequence")
    row = signals(1)[0][:1]
    encoding = tokenizer.encode(np.repeat(row, 3, axis=0), dropout=0.3, seed=1)
    leads = [encoding.ids[encoding.leads == lead].tobytes() for lead in range(3)]
    assert len(set(leads)) == 3


def test_bad_arguments_are_refused(tokenizer: ECGTokenizer) -> None:
    (signal,) = signals(1)
    with pytest.raises(ValueError, match=r"dropout: expected a number of 0 at least and below 1, got 1\.5"):
        tokenizer.encode(signal, dropout=1.5)
    with pytest.raises(ValueError, match="seed: expected 0 to 9223372036854775807, got -1 to -1"):
        tokenizer.encode(signal, dropout=0.1, seed=-1)
    with pytest.raises(ValueError, match="seed: expected one, or one for each of 1 signals"):
        tokenizer.encode_batch([signal], dropout=0.1, seed=[1, 2])
    with pytest.raises(TypeError, match="seed: expected whole numbers"):
        tokenizer.encode(signal, dropout=0.1, seed=1.5)  # type: ignore[arg-type]
