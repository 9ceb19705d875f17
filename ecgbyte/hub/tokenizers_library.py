"""ECG tokenizers as tokenizers of the Hugging Face library ``tokenizers``, and back; with equal ids.

Only for ``matching="merge-order"``, which is what that library does; it has nothing like the longest match. What it
takes is text: `symbols_as_text` writes symbols as letters. The leads of an ECG are parted by blanks, which no token
crosses and which have no id, so that a whole ECG is encoded as this package encodes it with ``boundary="lead"``.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ecgbyte.symbols import ALPHABET_SIZE
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer

# Larger alphabets than a to z: that many signs from Latin Extended-A on, none of which is a blank.
_FIRST_SIGN = 0x100


def symbols_as_text(symbols: np.ndarray, alphabet_size: int = ALPHABET_SIZE) -> str:
    """Write symbols as text for `to_tokenizers`: a to z, or other signs for alphabets of more than 26.

    Parameters
    ----------
    symbols : uint8 [symbols] or [leads, samples]
        Leads are parted by a blank.
    alphabet_size : int
        Of the tokenizer.

    Returns
    -------
    str

    Raises
    ------
    TypeError, ValueError
        If they are no such symbols.

    Examples
    --------
    >>> symbols_as_text(np.array([[0, 1, 2], [25, 24, 23]], dtype=np.uint8))
    'abc zyx'
    """
    if not isinstance(symbols, np.ndarray) or symbols.dtype != np.uint8:
        raise TypeError(f"symbols: got {getattr(symbols, 'dtype', type(symbols).__name__)}, expected uint8")
    if symbols.ndim not in (1, 2) or (symbols.size and symbols.max() >= alphabet_size):
        raise ValueError(f"symbols: expected [symbols] or [leads, samples] of values below {alphabet_size}")
    signs = _signs(alphabet_size)
    rows = symbols.reshape(-1, symbols.shape[-1]) if symbols.size else symbols.reshape(0, 0)
    return " ".join("".join(signs[symbol] for symbol in row) for row in rows.tolist())


def to_tokenizers(tokenizer: ECGTokenizer) -> Any:
    """The same vocabulary as a ``tokenizers.Tokenizer``.

    Parameters
    ----------
    tokenizer : ECGTokenizer
        With ``matching="merge-order"`` and without a published id scheme.

    Returns
    -------
    tokenizers.Tokenizer
        Takes what `symbols_as_text` writes. The range is not in it: keep the ECG tokenizer for that.

    Raises
    ------
    ValueError
        If the tokenizer matches otherwise, or two of its tokens have the same symbols, which that library cannot hold.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers

    if tokenizer.matching != "merge-order":
        raise ValueError(
            f"tokenizer: has matching={tokenizer.matching!r}, which the tokenizers library cannot do; "
            "tokenizer.with_matching('merge-order') can be exported, with other tokens for a signal"
        )
    vocabulary, signs = tokenizer.vocabulary, _signs(tokenizer.alphabet_size)
    if len(tokenizer) != vocabulary.size:
        raise ValueError("tokenizer: has the ids of a published vocabulary, which has no merge order of its own here")
    texts = ["".join(signs[symbol] for symbol in vocabulary.token_symbols(token)) for token in range(vocabulary.size)]
    ids = {text: token for token, text in enumerate(texts)}
    if len(ids) != len(texts):
        twice = next(token for token, text in enumerate(texts) if ids[text] != token)
        raise ValueError(
            f"tokenizer: tokens {twice} and {ids[texts[twice]]} have the same symbols, {texts[twice][:40]!r}"
        )
    merges = [(texts[left], texts[right]) for left, right in vocabulary.merges.tolist()]
    exported = Tokenizer(models.BPE(vocab=ids, merges=merges))
    exported.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return exported


def merges_of_tokenizers(exported: Any) -> tuple[np.ndarray, int]:
    """Merges and alphabet of a ``tokenizers.Tokenizer`` that `to_tokenizers` made, or that was trained on such text.

    Parameters
    ----------
    exported : tokenizers.Tokenizer

    Returns
    -------
    merges : int32 [merges, 2]
        For `ecgbyte.ECGTokenizer.from_merges`, with ``matching="merge-order"``.
    alphabet_size : int

    Raises
    ------
    ValueError
        If it is no byte-pair encoding of single signs, or its ids are not those of this package: letters in their
        order, then the merges in theirs.
    """
    model = json.loads(exported.to_str())["model"]
    if model.get("type") != "BPE":
        raise ValueError(f"exported: got a model of type {model.get('type')!r}, expected BPE")
    vocab: dict[str, int] = model["vocab"]
    pairs = [tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in model["merges"]]
    alphabet_size = len(vocab) - len(pairs)
    expected = {sign: symbol for symbol, sign in enumerate(_signs(max(alphabet_size, 1)))}
    if {text: token for text, token in vocab.items() if token < alphabet_size} != expected:
        raise ValueError(f"exported: ids 0 to {alphabet_size - 1} are not the {alphabet_size} letters in their order")
    merges = []
    for k, (left, right) in enumerate(pairs):
        if vocab.get(left + right) != alphabet_size + k:
            raise ValueError(f"exported: merge {k} has the id {vocab.get(left + right)}, expected {alphabet_size + k}")
        merges.append((vocab[left], vocab[right]))
    return np.array(merges, dtype=np.int32).reshape(-1, 2), alphabet_size


def _signs(alphabet_size: int) -> str:
    if alphabet_size <= ALPHABET_SIZE:
        return "".join(chr(ord("a") + symbol) for symbol in range(alphabet_size))
    return "".join(chr(_FIRST_SIGN + symbol) for symbol in range(alphabet_size))
