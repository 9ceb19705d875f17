"""An ECG as text: ``<sig_start>signal_12signal_7<sig_end>``, for any prompt, chat or training set that takes text.

A text tokenizer that has the ECG tokens reads this text as just the ids that `ecgbyte.hub.ECGProcessor` gives, so a
data set with a column of such text trains with every trainer. What a user types should not be read so: where text comes
from others, `names_ecg_tokens` tells whether it would be.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ecgbyte.tokenizer.encoding import Encoding
from ecgbyte.tokenizer.id_scheme import token_name

START, END, SIGNAL = "<sig_start>", "<sig_end>", "<signal>"
ECG_NAMES = re.compile(r"signal_[0-9]+|<sig_start>|<sig_end>|<signal>|lead_[A-Za-z0-9]+")


def ecg_as_text(ids: Encoding | np.ndarray | Sequence[int]) -> str:
    """Write the tokens of an ECG by their names.

    Parameters
    ----------
    ids : Encoding or int [tokens]

    Returns
    -------
    str
        With ``<sig_start>`` before and ``<sig_end>`` after it.

    Raises
    ------
    TypeError
        If the ids are not integers [tokens].

    Examples
    --------
    >>> ecg_as_text([12, 7])
    '<sig_start>signal_12signal_7<sig_end>'
    """
    array = np.asarray(ids.ids if isinstance(ids, Encoding) else ids)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise TypeError(f"ids: got {array.dtype} of shape {array.shape}, expected integers [tokens]")
    return START + "".join(map(token_name, array.tolist())) + END


def text_as_ecg(text: str) -> list[int]:
    """The ids that `ecg_as_text` wrote.

    Raises
    ------
    ValueError
        If the text is anything else.

    Examples
    --------
    >>> text_as_ecg("<sig_start>signal_12signal_7<sig_end>")
    [12, 7]
    """
    if not re.fullmatch(r"<sig_start>(?:signal_[0-9]{1,9})*<sig_end>", text):
        raise ValueError(f"text: got {text[:60]!r}, expected <sig_start>signal_...<sig_end>")
    return [int(number) for number in re.findall(r"signal_([0-9]+)", text)]


def names_ecg_tokens(text: str) -> bool:
    """Whether a text holds the name of an ECG token, which a text tokenizer would read as that token.

    Examples
    --------
    >>> names_ecg_tokens("Is signal_7 normal?"), names_ecg_tokens("Is the signal normal?")
    (True, False)
    """
    return ECG_NAMES.search(text) is not None


def special_pieces(text_tokenizer: Any, ecg_ids: frozenset[int], text: str) -> list[tuple[str, int | None]]:
    """Cut a text at the special tokens of a text tokenizer that are not ECG tokens, as the tokenizer itself does.

    Returns
    -------
    list of (str, int or None)
        A stretch of text and None, or a special token and its id.
    """
    special = {
        name: token
        for name, token in text_tokenizer.get_added_vocab().items()
        if token not in ecg_ids and text_tokenizer.added_tokens_decoder[token].special
    }
    if not special:
        return [(text, None)]
    # The longest name first, as where several begin at one place.
    pattern = re.compile("|".join(map(re.escape, sorted(special, key=len, reverse=True))))
    pieces: list[tuple[str, int | None]] = []
    end = 0
    for found in pattern.finditer(text):
        pieces += [(text[end : found.start()], None), (found[0], special[found[0]])]
        end = found.end()
    return [piece for piece in [*pieces, (text[end:], None)] if piece[0]]


def plain_text_ids(text_tokenizer: Any, ecg_ids: frozenset[int], text: str) -> list[int]:
    """The ids of a text in which names of ECG tokens are letters like others; other special tokens are what they are.

    Parameters
    ----------
    text_tokenizer : transformers tokenizer
    ecg_ids : frozenset of int
        Its ids of ECG tokens.
    text : str

    Returns
    -------
    list of int
        None of them an ECG token; without BOS and EOS.
    """
    if not names_ecg_tokens(text):
        return list(text_tokenizer.encode(text, add_special_tokens=False))
    ids: list[int] = []
    for piece, token in special_pieces(text_tokenizer, ecg_ids, text):
        if token is not None:
            ids.append(token)
            continue
        read = text_tokenizer.encode(piece, add_special_tokens=False, split_special_tokens=True)
        if not ecg_ids.isdisjoint(read):
            # Published checkpoints add them as ordinary tokens, which are found in any text: cut each name in two.
            cuts = [0, *(name.start() + 1 for name in ECG_NAMES.finditer(piece)), len(piece)]
            halves = [piece[start:stop] for start, stop in itertools.pairwise(cuts)]
            read = [
                token_id
                for half in halves
                for token_id in text_tokenizer.encode(half, add_special_tokens=False, split_special_tokens=True)
            ]
        ids += read
    return ids
