"""The vocabulary of one list of merges: encoding in two ways, decoding, token lengths.

The merges are the only source; everything else is derived from them, so the two cannot disagree.

>>> import numpy as np
>>> vocabulary = Vocabulary(np.array([[0, 0], [0, 1], [2, 2]]), alphabet_size=2)  # aa, ab, aaaa
>>> vocabulary.encode(np.array([0, 0, 0, 1], dtype=np.uint8), "longest")
array([2, 3], dtype=int32)
>>> vocabulary.decode([4, 0, 3])
array([0, 0, 0, 0, 0, 0, 1], dtype=uint8)
>>> vocabulary.starts([4, 0, 3])
array([0, 4, 5, 7])
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgbyte._ext import batch_encoding as _batch_kernel
from ecgbyte._ext import bpe_encoding as _kernel
from ecgbyte._ext import match_trie as _match_trie
from ecgbyte.bpe.sequences import check_form
from ecgbyte.checks import check_num_threads, check_option
from ecgbyte.sharing import SharingThreads
from ecgbyte.symbols import ALPHABET_SIZE, check_alphabet_size

MATCHING = ("longest", "merge-order")

MAX_TOKENS: int = _kernel.MAX_TOKENS
MAX_TOKEN_SYMBOLS: int = _kernel.MAX_TOKEN_SYMBOLS
MAX_VOCABULARY_SYMBOLS: int = _kernel.MAX_VOCABULARY_SYMBOLS
MAX_TRIE_ENTRIES: int = _match_trie.MAX_TRIE_ENTRIES
MAX_SEQUENCE_SYMBOLS: int = _kernel.MAX_SEQUENCE_SYMBOLS

_SYMBOL = np.dtype(np.uint8)

# Copying fewer than these, 4 MB, takes less time than waking other threads for it.
_TOKENS_TO_COPY_ALONE = 1 << 20


class Vocabulary:
    """Tokens made of merges, and the tables to encode and decode with, built once.

    Parameters
    ----------
    merges : int [merges, 2]
        Ids 0 .. `alphabet_size` - 1 are symbols, `alphabet_size` + k is merge k, which may only join ids made before
        it. Different merges may make the same token string.
    alphabet_size : int
        Number of symbols, 1 to 256.

    Raises
    ------
    TypeError
        If `merges` does not hold integers.
    ValueError
        If `merges` is not [merges, 2]; if a merge names an id that is not made before it; or if the vocabulary is
        larger than 65,535 tokens (MAX_TOKENS), 2**20 symbols in one token (MAX_TOKEN_SYMBOLS), 2**26 in all
        (MAX_VOCABULARY_SYMBOLS), or 2**26 trie entries (MAX_TRIE_ENTRIES). The message names the merge.

    Notes
    -----
    *Thread-safety*: immutable, so one object may be used by any number of threads; encoding and decoding release the
    interpreter lock. It can be pickled and copied.
    """

    __slots__ = ("_merges", "_tables")

    _merges: NDArray[np.int32]
    _tables: _kernel.EncodingTables

    def __init__(self, merges: ArrayLike, alphabet_size: int = ALPHABET_SIZE) -> None:
        alphabet_size = check_alphabet_size(alphabet_size)
        given = np.asarray(merges)
        if given.size == 0 and given.shape in ((0,), (0, 2)):
            given = np.empty((0, 2), dtype=np.int32)
        if given.dtype.kind not in "iu":
            raise TypeError(f"merges: got dtype {given.dtype}, expected integers")
        if given.ndim != 2 or given.shape[1] != 2:
            raise ValueError(f"merges: got shape {given.shape}, expected [merges, 2]")
        if alphabet_size + given.shape[0] > MAX_TOKENS:
            raise ValueError(
                f"merges: got {given.shape[0]} with an alphabet of {alphabet_size}, expected at most {MAX_TOKENS} "
                "tokens in all"
            )
        outside = np.flatnonzero(((given < 0) | (given >= MAX_TOKENS)).any(axis=1))
        if outside.size:
            raise ValueError(
                f"merges: merge {outside[0]} joins ids {given[outside[0], 0]} and {given[outside[0], 1]}, expected "
                f"ids 0 to {alphabet_size + outside[0] - 1}, those made before it"
            )
        kept = given.astype(np.int32, order="C", copy=True)
        kept.flags.writeable = False
        object.__setattr__(self, "_tables", _kernel.EncodingTables(kept, alphabet_size))
        object.__setattr__(self, "_merges", kept)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Vocabulary is immutable: cannot set {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Vocabulary is immutable: cannot delete {name!r}")

    def __reduce__(self) -> tuple[type[Vocabulary], tuple[NDArray[np.int32], int]]:
        return Vocabulary, (self._merges, self.alphabet_size)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return self.alphabet_size == other.alphabet_size and np.array_equal(self._merges, other._merges)

    def __hash__(self) -> int:
        return hash((self.alphabet_size, self._merges.tobytes()))

    def __repr__(self) -> str:
        return f"Vocabulary(merges={len(self._merges)}, alphabet_size={self.alphabet_size})"

    @property
    def merges(self) -> NDArray[np.int32]:
        """The merges, int32 [merges, 2], read-only."""
        return self._merges

    @property
    def alphabet_size(self) -> int:
        """Number of symbols."""
        return int(self._tables.alphabet_size)

    @property
    def size(self) -> int:
        """Number of tokens: symbols and merges."""
        return int(self._tables.size)

    @property
    def lengths(self) -> NDArray[np.int32]:
        """Number of symbols of each token, int32 [size], read-only."""
        lengths: NDArray[np.int32] = self._tables.lengths
        return lengths

    def token_symbols(self, token: int) -> NDArray[np.uint8]:
        """Return the symbols of one token, uint8 [symbols], read-only.

        Raises
        ------
        ValueError
            If `token` is not in the vocabulary.
        """
        if isinstance(token, bool) or not isinstance(token, int | np.integer):
            raise TypeError(f"token: got {token!r}, expected an integer")
        if not 0 <= token < self.size:
            raise ValueError(f"token: got {token}, expected 0 to {self.size - 1}")
        starts = self._tables.string_starts
        symbols: NDArray[np.uint8] = self._tables.strings[starts[token] : starts[token + 1]]
        return symbols

    def encode(self, symbols: NDArray[np.uint8], matching: str = "longest") -> NDArray[np.int32]:
        """Encode one sequence.

        Parameters
        ----------
        symbols : uint8 [symbols]
            Values 0 .. `alphabet_size` - 1; any stride; may be read-only or empty.
        matching : {"longest", "merge-order"}
            "longest": from left to right the longest token that fits, as the published code does. "merge-order":
            byte-pair encoding proper, the merges in the order they were learnt, each from left to right.

        Returns
        -------
        int32 [tokens]
            Decodes to exactly `symbols`.

        Raises
        ------
        TypeError
            If `symbols` is no uint8 array.
        ValueError
            If it is not one-dimensional or longer than MAX_SEQUENCE_SYMBOLS, a symbol lies outside the alphabet, or
            `matching` is unknown.
        KeyboardInterrupt
            On Ctrl-C, within about 0.1 s.

        Notes
        -----
        Where another thread writes the symbols meanwhile, the ids may be those of neither content.
        """
        merge_order = check_option("matching", matching, MATCHING) == "merge-order"
        if not isinstance(symbols, np.ndarray) or symbols.dtype != _SYMBOL:
            kind = f"dtype {symbols.dtype}" if isinstance(symbols, np.ndarray) else type(symbols).__name__
            raise TypeError(f"symbols: got {kind}, expected a NumPy array of uint8")
        if symbols.ndim != 1:
            raise ValueError(f"symbols: got shape {symbols.shape}, expected [symbols]")
        if len(symbols) > MAX_SEQUENCE_SYMBOLS:
            raise ValueError(f"symbols: got {len(symbols)}, expected at most {MAX_SEQUENCE_SYMBOLS}")
        if len(symbols) > _kernel.MAX_COPIED_SYMBOLS:
            return self._encode_long(symbols, merge_order)
        if not symbols.flags.c_contiguous:
            symbols = np.ascontiguousarray(symbols)
        ids: NDArray[np.int32] = self._tables.encode_sequence(symbols, merge_order)
        return ids

    def _encode_long(self, symbols: NDArray[np.uint8], merge_order: bool) -> NDArray[np.int32]:
        """Encode a sequence that is copied part by part."""
        batch = _batch_kernel.BatchEncoding(self._tables, [symbols], merge_order, alone=True)
        batch.encode()
        ids = np.empty(int(batch.join()[-1]), dtype=np.int32)
        batch.copy(ids)
        return ids

    def encode_batch(
        self,
        sequences: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
        matching: str = "longest",
        num_threads: int = 1,
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Encode many sequences, each for itself.

        Parameters
        ----------
        sequences : list of uint8 [symbols], or uint8 [sequences, symbols]
            As in `encode`.
        matching : {"longest", "merge-order"}
            As in `encode`.
        num_threads : int
            Threads that share the sequences; the result does not depend on it.

        Returns
        -------
        ids : int32 [tokens of all sequences]
        splits : int64 [sequences + 1]
            Sequence k has the tokens ``ids[splits[k] : splits[k + 1]]``.

        Raises
        ------
        TypeError, ValueError
            As in `encode`; the message names the sequence.

        Notes
        -----
        Time is linear in the symbols. The sequences are read where they lie (only arrays with gaps between the
        symbols of a sequence are copied whole). Where another thread writes them meanwhile, the ids may be those of
        neither content, and a symbol outside the alphabet may be missed; nothing else happens. Ctrl-C is heeded.
        Long sequences are cut into pieces and joined again, so that threads share them too. Memory over the input and
        the result: 4 bytes a token, and about 1.2 MB (longest match) or 2.2 MB (merge order) a thread.

        *Thread-safety*: safe; the interpreter lock is released during the work.
        """
        merge_order = check_option("matching", matching, MATCHING) == "merge-order"
        num_threads = check_num_threads(num_threads)
        check_form(sequences)
        batch = _batch_kernel.BatchEncoding(self._tables, sequences, merge_order, num_threads)
        with SharingThreads(min(num_threads, batch.num_jobs)) as threads:
            threads.run(batch.encode)
            splits: NDArray[np.int64] = batch.join()
            ids = np.empty(int(splits[-1]), dtype=np.int32)
            if ids.size < _TOKENS_TO_COPY_ALONE:
                batch.copy(ids)
            else:
                threads.run(batch.copy, ids)
        return ids, splits

    def decode(self, ids: ArrayLike) -> NDArray[np.uint8]:
        """Return the symbols of a sequence of tokens, uint8 [symbols].

        Parameters
        ----------
        ids : integers [tokens]

        Raises
        ------
        TypeError
            If `ids` does not hold integers.
        ValueError
            If it is not one-dimensional or an id is not in the vocabulary; the message names its position.
        """
        symbols: NDArray[np.uint8] = self._tables.decode(_as_ids(ids))
        return symbols

    def starts(self, ids: ArrayLike) -> NDArray[np.int64]:
        """Return at which symbol each token starts, and the end: int64 [tokens + 1].

        Raises
        ------
        TypeError, ValueError
            As in `decode`.
        """
        starts: NDArray[np.int64] = self._tables.starts(_as_ids(ids))
        return starts


def _as_ids(ids: ArrayLike) -> NDArray[np.int64]:
    given = np.asarray(ids)
    if given.ndim != 1:
        raise ValueError(f"ids: got shape {given.shape}, expected [tokens]")
    if given.size == 0:
        return np.empty(0, dtype=np.int64)
    if given.dtype.kind not in "iu":
        raise TypeError(f"ids: got dtype {given.dtype}, expected integers")
    # A copy, so that what is checked is what is used, whatever another thread writes meanwhile; aligned.
    return np.array(given, dtype=np.int64, order="C")
