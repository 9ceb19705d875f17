"""The functions of ECG-Byte's code under their own names, with the same arguments and results.

The line of repositories that ECG-Byte came from has them in two Rust extensions, ``rust_bpe`` (``encode_text``) and
``ecg_byte`` (``encode_symbol``), and in a module of tokenizer helpers. Exchange the import and the rest stays::

    from ecgbyte.compat import byte_pair_encoding, decode_text, encode_text, normalize_all, track_encoding

Ids are as there: a byte's value, and 256 + k for merge k. Three things differ, and say so where they do:

- **Ties.** Where several pairs are equally frequent, `byte_pair_encoding` takes the smallest pair of ids. The published
  code takes the one that its hash map happens to hold last, so that two runs give two vocabularies.
- **Not a number.** `normalize_all` refuses NaN; the published code makes an ``a`` of it without a word.
- **Tracking.** `track_encoding` gives the tokens that `encode_text` gives, with their places. The published function
  compares a tuple with a list, so that it never merges; ``as_published=True`` does the same.

A vocabulary's tables are built once and kept, for the two lists of merges used last. A list that grew or whose tuples
were exchanged is noticed; whoever changes the numbers inside a token in place has to give a new list.

For new code `ecgbyte.ECGTokenizer.from_published` is the better way: no strings in between, and everything checked.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ecgbyte.bpe import Vocabulary, train_merges
from ecgbyte.checks import MAX_THREADS, whole_number
from ecgbyte.tokenizer.id_scheme import FIRST_MERGE
from ecgbyte.tokenizer.published_vocabulary import pairs_of_tokens, published_text, tokens_of_merges
from ecgbyte.tokenizer.tokenizer_content import PUBLISHED_WIDENING_MV

ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_LETTERS = np.array(list(ALPHABET))
_EPSILON = 1e-6

Merges = Sequence[tuple[Sequence[int], int]]

__all__ = [
    "byte_pair_encoding",
    "decode_text",
    "encode_symbol",
    "encode_text",
    "normalize_all",
    "reverse_normalize_all",
    "track_encoding",
]


def encode_text(text: str, merges: Merges) -> list[int]:
    """Cut a text into the longest tokens that fit, from left to right.

    Parameters
    ----------
    text : str
        Any; it is taken as UTF-8.
    merges : list of (list of int, int)
        The byte values of each token and its id, 256 + k for merge k.

    Returns
    -------
    list of int
        The ids that the published function gives.

    Raises
    ------
    TypeError
        If `text` is no string.
    ValueError
        If `merges` is no list that byte-pair encoding made: see `ecgbyte.tokenizer.published_vocabulary`.

    Notes
    -----
    O(symbols); the published function builds its trie at every call. *Thread-safety*: safe.

    Examples
    --------
    >>> encode_text("aabaa", [([97, 97], 256), ([97, 97, 98], 257)])
    [257, 256]
    """
    ids: list[int] = _vocabulary(merges).encode(_bytes(text), "longest").tolist()
    return ids


def encode_symbol(text: str, merges: Merges) -> list[int]:
    """`encode_text` by the name that the later code gives it.

    Examples
    --------
    >>> encode_symbol("aab", [([97, 97], 256)])
    [256, 98]
    """
    return encode_text(text, merges)


def decode_text(encoded_ids: Sequence[int], vocab: Mapping[int, str]) -> str:
    """Put the texts of the ids side by side.

    Raises
    ------
    KeyError
        If `vocab` has no such id.

    Examples
    --------
    >>> decode_text([256, 98], {98: "b", 256: "aa"})
    'aab'
    """
    return "".join(vocab[token] for token in encoded_ids)


def byte_pair_encoding(
    text: str, num_merges: int, num_threads: int = 1
) -> tuple[list[int], dict[int, str], list[tuple[list[int], int]]]:
    """Learn merges from one text, and encode it with them.

    Parameters
    ----------
    text : str
        Any; it is taken as UTF-8.
    num_merges : int
        Fewer are made where nothing is left to merge.
    num_threads : int
        0 means all there are. The result does not depend on it.

    Returns
    -------
    ids : list of int
        The text in tokens, by the merges in their order.
    vocab : dict of int to str
        Bytes 0 to 255 as the published code writes them (``<200>`` beyond ASCII), then the merges.
    merges : list of (list of int, int)
        The byte values of each token, and its id.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.

    Notes
    -----
    Equally frequent pairs: the smallest (left id, right id) is merged first. The published code leaves ties to its hash
    map; with a text and a number of merges without ties the results are equal.

    Examples
    --------
    >>> ids, vocab, merges = byte_pair_encoding("abababc", 2)
    >>> ids, vocab[256], merges
    ([257, 256, 99], 'ab', [([97, 98], 256), ([97, 98, 97, 98], 257)])
    """
    num_threads = whole_number("num_threads", num_threads, minimum=0, maximum=MAX_THREADS)
    num_threads = num_threads or min(MAX_THREADS, os.cpu_count() or 1)
    data = _bytes(text)
    pairs = train_merges([data], num_merges, alphabet_size=FIRST_MERGE, num_threads=num_threads)
    vocabulary = Vocabulary(pairs, alphabet_size=FIRST_MERGE)
    ids: list[int] = vocabulary.encode(data, "merge-order").tolist()
    tokens = [vocabulary.token_symbols(token).tolist() for token in range(FIRST_MERGE, vocabulary.size)]
    vocab = {byte: published_text(byte) for byte in range(FIRST_MERGE)}
    for k, (left, right) in enumerate(pairs.tolist()):
        vocab[FIRST_MERGE + k] = vocab[left] + vocab[right]
    return ids, vocab, [(token, FIRST_MERGE + k) for k, token in enumerate(tokens)]


def track_encoding(
    text: str, merges: Merges, verbose: bool = True, *, as_published: bool = False
) -> tuple[list[int], list[tuple[int, int]]]:
    """The tokens of a text and where each of them stands.

    Parameters
    ----------
    text : str
    merges : list of (list of int, int)
        As in `encode_text`.
    verbose : bool
        Taken for the sake of calls as they are; there is no progress bar to show.
    as_published : bool
        Give every byte by itself, as the published function does.

    Returns
    -------
    ids : list of int
        Those of `encode_text`.
    segment_map : list of (int, int)
        First byte and one past the last of each.

    Raises
    ------
    TypeError, ValueError
        As `encode_text`.

    Examples
    --------
    >>> track_encoding("aab", [([97, 97], 256)])
    ([256, 98], [(0, 2), (2, 3)])
    """
    data = _bytes(text)
    if as_published:
        return data.tolist(), [(place, place + 1) for place in range(len(data))]
    vocabulary = _vocabulary(merges)
    ids = vocabulary.encode(data, "longest")
    starts = vocabulary.starts(ids).tolist()
    return ids.tolist(), list(itertools.pairwise(starts))


def normalize_all(signal: np.ndarray, percentiles: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Scale a signal to 0 .. 1 over the widened percentiles, and write it in 26 letters.

    Parameters
    ----------
    signal : float, any shape
        In mV.
    percentiles : dict
        ``percentile_1`` and ``percentile_99``, in mV; 0.5 mV are added on each side.

    Returns
    -------
    clipped_normalized : float, shape of `signal`
    symbol_signal : str of one letter, shape of `signal`

    Raises
    ------
    KeyError
        If a percentile is missing.
    ValueError
        If a sample is NaN.

    Examples
    --------
    >>> _, letters = normalize_all(np.array([-1.0, 0.0, 1.0]), {"percentile_1": -0.5, "percentile_99": 0.5})
    >>> "".join(letters)
    'amz'
    """
    low, high = _ends(percentiles)
    normalized = np.clip((signal - low) / (high - low + _EPSILON), 0, 1)
    if np.isnan(normalized).any():
        place = np.argwhere(np.isnan(normalized))[0].tolist()
        raise ValueError(f"signal: got NaN at {place}, expected numbers in mV")
    symbols = np.minimum(np.floor(normalized * len(ALPHABET)), len(ALPHABET) - 1).astype(np.intp)
    return normalized, _LETTERS[symbols]


def reverse_normalize_all(symbol_signal: np.ndarray, percentiles: Mapping[str, float]) -> np.ndarray:
    """Give each letter its amplitude back, as published: letter k is k/25 of the range, up to a bin away.

    `ecgbyte.ECGTokenizer.decode` gives the middle of the bin instead, at most half a bin away.

    Parameters
    ----------
    symbol_signal : str of one letter, any shape
    percentiles : dict
        As in `normalize_all`.

    Returns
    -------
    float64, shape of `symbol_signal`
        In mV.

    Raises
    ------
    KeyError
        If a percentile is missing.
    ValueError
        If there is something else than letters a to z.

    Examples
    --------
    >>> reverse_normalize_all(np.array(["a", "z"]), {"percentile_1": -0.5, "percentile_99": 0.5}).tolist()
    [-1.0, 1.0]
    """
    letters = np.asarray(symbol_signal, dtype=np.str_)
    symbols = np.searchsorted(_LETTERS, letters)
    wrong = _LETTERS[np.minimum(symbols, len(ALPHABET) - 1)] != letters
    if wrong.any():
        raise ValueError(f"symbol_signal: got {str(letters[wrong].flat[0])!r}, expected letters a to z")
    low, high = _ends(percentiles)
    amplitudes: np.ndarray = symbols / (len(ALPHABET) - 1) * (high - low) + low
    return amplitudes


def _ends(percentiles: Mapping[str, float]) -> tuple[Any, Any]:
    """The range; of the type that the percentiles have, which decides in what precision symbols are computed."""
    return percentiles["percentile_1"] - PUBLISHED_WIDENING_MV, percentiles["percentile_99"] + PUBLISHED_WIDENING_MV


def _bytes(text: str) -> np.ndarray:
    if not isinstance(text, str):
        raise TypeError(f"text: got {type(text).__name__}, expected str")
    return np.frombuffer(text.encode("utf-8"), dtype=np.uint8)


# The lists used last, copied (so that a change is seen) and with their tables; replaced as a whole, so threads need no
# lock.
_kept: tuple[tuple[list[Any], Vocabulary], ...] = ()


def _vocabulary(merges: Merges) -> Vocabulary:
    global _kept
    if not isinstance(merges, (list, tuple)):
        raise TypeError(f"merges: got {type(merges).__name__}, expected a list of (byte values, id)")
    given = list(merges)
    for copy, vocabulary in _kept:
        # Equal without a look inside where the tuples are the same objects.
        if copy == given:
            return vocabulary
    pairs = pairs_of_tokens(tokens_of_merges(given))
    vocabulary = Vocabulary(np.array(pairs, dtype=np.int32).reshape(-1, 2), alphabet_size=FIRST_MERGE)
    _kept = ((given, vocabulary), *_kept[:1])
    return vocabulary
