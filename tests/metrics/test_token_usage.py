"""Use of the vocabulary, lengths of tokens and share of runs, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ecgbyte.bpe import Vocabulary
from ecgbyte.metrics.compression import ReconstructionError, measure_counts
from ecgbyte.metrics.token_usage import TokenUsage, count_tokens, one_letter_tokens

# Letters a to d; then aa, aaa, ab, aaaab, bb, and bb again with bb.
VOCABULARY = Vocabulary([(0, 0), (4, 0), (0, 1), (5, 6), (1, 1), (8, 8)], alphabet_size=4)


def test_tokens_of_one_letter() -> None:
    expected = [len(set(VOCABULARY.token_symbols(token).tolist())) == 1 for token in range(4, VOCABULARY.size)]
    assert one_letter_tokens(VOCABULARY).tolist() == [False] * 4 + expected
    assert expected == [True, True, False, False, True, True]


def test_measures_by_hand() -> None:
    usage = count_tokens([np.array([0, 0, 5, 7], dtype=np.int32), [5, 2, 2, 9]], VOCABULARY)
    assert usage.counts.tolist() == [2, 0, 2, 0, 0, 2, 0, 1, 0, 1]
    assert usage.lengths.tolist() == [1, 1, 1, 1, 2, 3, 2, 5, 2, 4]
    assert (usage.num_tokens, usage.num_symbols) == (8, 19)
    assert usage.used_percent == 50.0
    assert usage.mean_length == 19 / 8
    assert usage.longest == 5
    # Three shares of 1/4, two of 1/8.
    assert usage.entropy == pytest.approx(3 * 0.25 * 2 + 2 * 0.125 * 3)
    # aaa twice and bbbb once; a letter by itself is no run.
    assert usage.run_percent == pytest.approx(100 * (2 * 3 + 4) / 19)
    assert usage.ranked_shares().tolist() == [0.25, 0.25, 0.25, 0.125, 0.125]
    lengths, shares = usage.lengths_by_occurrence()
    assert (lengths.tolist(), shares.tolist()) == ([1, 3, 4, 5], [0.5, 0.25, 0.125, 0.125])
    lengths, shares = usage.lengths_by_vocabulary()
    assert (lengths.tolist(), shares.tolist()) == ([1, 2, 3, 4, 5], [0.4, 0.3, 0.1, 0.1, 0.1])


def test_a_signal_that_stands_still_is_all_runs_and_a_token_that_is_not_used_does_not_count() -> None:
    assert count_tokens([[9, 8, 5]], VOCABULARY).run_percent == 100.0
    assert count_tokens([[0, 1]], VOCABULARY).run_percent == 0.0
    assert count_tokens([[0, 0]], VOCABULARY).longest == 1
    assert count_tokens([[0, 0]], VOCABULARY).entropy == 0.0


def test_counts_give_what_the_ids_give() -> None:
    records = [np.random.default_rng(seed).integers(0, VOCABULARY.size, 50) for seed in range(3)]
    usage = count_tokens(iter(records), VOCABULARY)
    counts = np.bincount(np.concatenate(records), minlength=VOCABULARY.size)
    np.testing.assert_array_equal(usage.counts, counts)
    assert usage.mean_length == pytest.approx(measure_counts(usage.counts, 3, usage.num_symbols).compression)


def test_errors_are_gathered_record_by_record() -> None:
    error = ReconstructionError()
    with pytest.raises(ValueError, match="no samples"):
        _ = error.root_mean_square
    error.add([[3.0, 4.0]], [[3.0, 3.0]])
    error.add([[0.0, 0.0]], [[1.0, 0.0]])
    assert error.root_mean_square == pytest.approx((2 / 4) ** 0.5)
    assert error.percentage == pytest.approx(100 * (2 / 25) ** 0.5)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"ids_by_record\[1\]: got id 10, expected ids below the vocabulary's 10"):
        count_tokens([[0], [10]], VOCABULARY)
    with pytest.raises(ValueError, match="got no tokens"):
        count_tokens([[], []], VOCABULARY)
    with pytest.raises(ValueError, match=r"ids_by_record\[0\]: got -1"):
        count_tokens([[-1]], VOCABULARY)
    counts, lengths, runs = np.array([1, 2]), np.array([1, 1]), np.array([False, False])
    with pytest.raises(ValueError, match="got 2, 2 and 1 values"):
        TokenUsage(counts, lengths, runs[:1])
    with pytest.raises(ValueError, match="one_letter: got int64"):
        TokenUsage(counts, lengths, counts)
    with pytest.raises(ValueError, match="counts: got -2"):
        TokenUsage(-counts, lengths, runs)
    with pytest.raises(ValueError, match="lengths: got 0"):
        TokenUsage(counts, lengths * 0, runs)
    with pytest.raises(ValueError, match="num_records: got 0"):
        measure_counts([1, 2], 0, 10)
    with pytest.raises(ValueError, match="num_samples: got 2 for 3 tokens"):
        measure_counts([1, 2], 1, 2)
