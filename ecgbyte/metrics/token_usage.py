"""Which tokens of the vocabulary are used, how long they are, and how much of the signal lies in runs of one letter.

A large vocabulary pays only where it is used; a long token of one repeated letter says that the signal stood still, and
nothing of its shape. All measures follow from one count for each token, so records of any number are counted one after
another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbyte.bpe import Vocabulary
from ecgbyte.metrics.compression import entropy_of_counts, whole_numbers

USED_TOKENS_SIGNATURE = "100 * different ids / vocabulary size|letters included|pooled over records|version:1"
USAGE_ENTROPY_SIGNATURE = "unigram entropy of the ids, bits per token|pooled over records|version:1"
MEAN_LENGTH_SIGNATURE = "symbols per token, mean over occurrences|pooled over records|version:1"
LONGEST_SIGNATURE = "symbols of the longest token that occurs|pooled over records|version:1"
RUN_SHARE_SIGNATURE = "100 * symbols in tokens of one letter, 2 symbols or more / symbols|pooled over records|version:1"


@dataclass(frozen=True, eq=False)
class TokenUsage:
    """How often each token of a vocabulary occurs in a set of records.

    *Thread-safety*: immutable; the arrays are read-only.

    Attributes
    ----------
    counts : int64 [vocabulary]
        Occurrences of each token; one at least occurs.
    lengths : int64 [vocabulary]
        Symbols of each token.
    one_letter : bool [vocabulary]
        Whether a token is one letter two times or more (see `one_letter_tokens`).
    """

    counts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    one_letter: NDArray[np.bool_]

    def __post_init__(self) -> None:
        for name, kinds, kind in (("counts", "iu", np.int64), ("lengths", "iu", np.int64), ("one_letter", "b", bool)):
            values = np.asarray(getattr(self, name))
            if values.ndim != 1 or values.dtype.kind not in kinds:
                raise ValueError(f"{name}: got {values.dtype} of shape {values.shape}, expected [vocabulary]")
            values = values.astype(kind)
            values.setflags(write=False)
            object.__setattr__(self, name, values)
        if not len(self.counts) == len(self.lengths) == len(self.one_letter):
            raise ValueError(
                f"counts, lengths, one_letter: got {len(self.counts)}, {len(self.lengths)} and {len(self.one_letter)} "
                "values, expected one each for every token of the vocabulary"
            )
        if len(self.counts) and self.counts.min() < 0:
            raise ValueError(f"counts: got {self.counts.min()}, expected 0 or more")
        if len(self.lengths) and self.lengths.min() < 1:
            raise ValueError(f"lengths: got {self.lengths.min()}, expected 1 or more")
        if not self.counts.sum():
            raise ValueError("counts: got no tokens, expected at least one")

    @property
    def num_tokens(self) -> int:
        """Tokens counted."""
        return int(self.counts.sum())

    @property
    def num_symbols(self) -> int:
        """Symbols that they cover."""
        return int((self.counts * self.lengths).sum())

    @property
    def used_percent(self) -> float:
        """How much of the vocabulary occurs, in percent."""
        return 100 * int(np.count_nonzero(self.counts)) / len(self.counts)

    @property
    def entropy(self) -> float:
        """Entropy of the use, in bits per token; log2 of the vocabulary size where all tokens occur alike."""
        return entropy_of_counts(self.counts)

    @property
    def mean_length(self) -> float:
        """Symbols per token, mean over occurrences."""
        return self.num_symbols / self.num_tokens

    @property
    def longest(self) -> int:
        """Symbols of the longest token that occurs."""
        return int(self.lengths[self.counts > 0].max())

    @property
    def run_percent(self) -> float:
        """How many of the symbols lie in tokens of one repeated letter, in percent."""
        return 100 * int((self.counts * self.lengths)[self.one_letter].sum()) / self.num_symbols

    def ranked_shares(self) -> NDArray[np.float64]:
        """The share of each token that occurs, 0 to 1, the most frequent first, float64 [used tokens]."""
        used = np.sort(self.counts[self.counts > 0])[::-1]
        return used / self.num_tokens

    def lengths_by_occurrence(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The lengths that occur and the share of the occurrences, 0 to 1, that have each.

        Returns
        -------
        lengths : int64 [different lengths], ascending
        shares : float64 [different lengths]
        """
        totals = np.bincount(self.lengths, weights=self.counts)
        lengths = np.flatnonzero(totals)
        return lengths.astype(np.int64), totals[lengths] / self.num_tokens

    def lengths_by_vocabulary(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The lengths in the vocabulary, whether used or not, and the share of its tokens that have each."""
        lengths, tokens = np.unique(self.lengths, return_counts=True)
        return lengths, tokens / len(self.lengths)


def one_letter_tokens(vocabulary: Vocabulary) -> NDArray[np.bool_]:
    """Tell which tokens are one letter repeated, two symbols or more, bool [vocabulary]. O(merges)."""
    letters = list(range(vocabulary.alphabet_size))
    for first, second in vocabulary.merges.tolist():
        letters.append(letters[first] if letters[first] == letters[second] else -1)
    repeated = np.array(letters) >= 0
    repeated[: vocabulary.alphabet_size] = False
    return repeated


def count_tokens(ids_by_record: Iterable[ArrayLike], vocabulary: Vocabulary) -> TokenUsage:
    """Count the tokens of encoded records, one record in memory at a time.

    Parameters
    ----------
    ids_by_record : iterable of array-like
        Token ids int [tokens] of each record.
    vocabulary : Vocabulary
        The one they were encoded with.

    Raises
    ------
    ValueError
        If there is no token at all, or an id is not in the vocabulary.
    """
    counts = np.zeros(vocabulary.size, dtype=np.int64)
    for index, ids in enumerate(ids_by_record):
        array = whole_numbers(f"ids_by_record[{index}]", ids)
        if len(array) and array.max() >= vocabulary.size:
            raise ValueError(
                f"ids_by_record[{index}]: got id {array.max()}, expected ids below the vocabulary's {vocabulary.size}"
            )
        counts += np.bincount(array, minlength=vocabulary.size)
    if not counts.any():
        raise ValueError("ids_by_record: got no tokens, expected at least one")
    return TokenUsage(counts, vocabulary.lengths.astype(np.int64), one_letter_tokens(vocabulary))
