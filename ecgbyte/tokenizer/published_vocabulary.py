"""Vocabularies that ECG-Byte's code saved: a pickle of ``(vocab, merges)``, read without executing anything.

``vocab`` is a dict from id to text, ``merges`` a list of ``(token, id)`` with the whole token as byte values. Which two
tokens a merge joined is not in the file, but follows from it. When merge k was learnt, the place in the corpus where
its pair stood had been cut into two tokens by the merges before it; neither reaches beyond the pair, and merges go from
left to right, so the same merges cut the token's own text into the same two. So there is one pair for each merge, and
no two merges make the same text.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecgbyte.tokenizer.id_scheme import FIRST_LETTER, FIRST_MERGE, NUM_LETTERS
from ecgbyte.tokenizer.restricted_pickle import MAX_PICKLE_BYTES, read_plain_pickle

MAX_MERGES = 65_535 - FIRST_MERGE
# Of all merges together; the largest vocabulary published has well under a tenth of it.
MAX_SYMBOLS = 2**20

Pair = tuple[int, int]


def read_published(path: str | os.PathLike[str]) -> tuple[list[int], list[list[int]]]:
    """Read a saved vocabulary.

    Parameters
    ----------
    path : path-like
        A pickle of ``(vocab, merges)``, at most 8 MiB.

    Returns
    -------
    order : list of int
        The ids in the order of the file: 0 .. 255 are bytes, 256 + k is merge k.
    tokens : list of list of int
        The byte values of each merge's token.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no such pickle, holds an instruction that would execute something, or is larger than the limits of this
        module (65,279 merges, 2**20 symbols in their tokens together). The message names the file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"path: there is no vocabulary file {path}")
    with path.open("rb") as stream:
        data = stream.read(MAX_PICKLE_BYTES + 1)
    try:
        return checked_published(read_plain_pickle(data))
    except ValueError as error:
        raise ValueError(f"published vocabulary {path}: {error}") from error


def checked_published(content: Any) -> tuple[list[int], list[list[int]]]:
    """Check ``(vocab, merges)``; see `read_published`.

    Raises
    ------
    ValueError
        If it is not what the published code makes.
    """
    if type(content) is not tuple or len(content) != 2:
        raise ValueError(f"holds a {type(content).__name__}, expected a tuple (vocab, merges)")
    vocab, merges = content
    if type(vocab) is not dict or type(merges) is not list:
        raise ValueError(f"holds ({type(vocab).__name__}, {type(merges).__name__}), expected (dict, list)")
    tokens = tokens_of_merges(merges)
    if any(type(token) is not int for token in vocab) or sorted(vocab) != list(range(FIRST_MERGE + len(tokens))):
        raise ValueError(
            f"vocab: got {len(vocab)} ids, expected each from 0 to {FIRST_MERGE + len(tokens) - 1} once, which are 256 "
            f"bytes and {len(tokens)} merges"
        )
    texts = [published_text(byte) for byte in range(FIRST_MERGE)]
    for token, text in vocab.items():
        expected = texts[token] if token < FIRST_MERGE else "".join(texts[byte] for byte in tokens[token - FIRST_MERGE])
        if text != expected:
            raise ValueError(f"vocab: id {token} is {str(text)[:40]!r}, its merge says {expected[:40]!r}")
    return list(vocab), tokens


def tokens_of_merges(merges: Sequence[Any]) -> list[list[int]]:
    """The tokens of ``[(token, id), ...]``, with ids 256, 257 and so on.

    Raises
    ------
    ValueError
        If the list is no such one, or beyond the limits of this module.
    """
    if len(merges) > MAX_MERGES:
        raise ValueError(f"merges: got {len(merges)}, expected at most {MAX_MERGES}")
    tokens: list[list[int]] = []
    symbols = 0
    for k, merge in enumerate(merges):
        if not isinstance(merge, (tuple, list)) or len(merge) != 2 or not isinstance(merge[0], (list, tuple)):
            raise ValueError(f"merges: number {k} is no pair of a list of byte values and an id")
        token, token_id = merge
        symbols += len(token)  # before they are looked at: a pickle can name one long list many times
        if symbols > MAX_SYMBOLS:
            raise ValueError(f"merges: hold more than {MAX_SYMBOLS} symbols")
        if type(token_id) is not int or token_id != FIRST_MERGE + k:
            raise ValueError(f"merges: number {k} has the id {token_id!r}, expected {FIRST_MERGE + k}")
        if len(token) < 2 or not all(type(byte) is int and 0 <= byte < FIRST_MERGE for byte in token):
            raise ValueError(f"merges: number {k} has the token {str(token)[:60]}, expected two byte values or more")
        tokens.append(list(token))
    return tokens


def published_text(byte: int) -> str:
    """How the published vocabulary writes a byte: as its character, and beyond 127 as ``<200>``."""
    return chr(byte) if byte < 128 else f"<{byte}>"


def pairs_of_tokens(tokens: Sequence[Sequence[int]]) -> list[Pair]:
    """Which two ids each merge joined, see the top of this module.

    Parameters
    ----------
    tokens : list of list of int
        The byte values of each merge's token.

    Returns
    -------
    list of (int, int)
        Ids 0 .. 255 are bytes, 256 + k is merge k.

    Raises
    ------
    ValueError
        If the merges before one do not cut its token in two, so that no training can have made it.

    Notes
    -----
    O(symbols log symbols) in the symbols of all tokens.
    """
    ranks: dict[Pair, int] = {}
    pairs: list[Pair] = []
    for k, token in enumerate(tokens):
        parts = _merged(token, ranks)
        if len(parts) != 2:
            text = "".join(published_text(byte) for byte in token)
            raise ValueError(
                f"merges: number {k} makes {text[:40]!r}, which the merges before it cut into {len(parts)} tokens, "
                "expected two; was the list made by byte-pair encoding, and is it whole and in order?"
            )
        pair = (parts[0], parts[1])
        ranks[pair] = FIRST_MERGE + k
        pairs.append(pair)
    return pairs


def _merged(token: Sequence[int], ranks: dict[Pair, int]) -> list[int]:
    """Apply merges to one token in their order, each from left to right; `ranks` gives the id of a pair."""
    ids: list[int | None] = list(token)
    following = list(range(1, len(token) + 1))
    before = list(range(-1, len(token) - 1))
    waiting: list[tuple[int, int, Pair]] = []

    def look_at(place: int) -> None:
        right = following[place]
        left_id = ids[place]
        right_id = ids[right] if right < len(ids) else None
        if left_id is not None and right_id is not None and (left_id, right_id) in ranks:
            heapq.heappush(waiting, (ranks[left_id, right_id], place, (left_id, right_id)))

    for place in range(len(token)):
        look_at(place)
    while waiting:
        merge, place, pair = heapq.heappop(waiting)
        right = following[place]
        if right >= len(ids) or (ids[place], ids[right]) != pair:
            continue  # one of the two went into another merge
        ids[place], ids[right] = merge, None
        following[place] = following[right]
        if following[place] < len(ids):
            before[following[place]] = place
        look_at(place)
        if before[place] >= 0:
            look_at(before[place])
    return [token_id for token_id in ids if token_id is not None]


def pairs_of_letters(pairs: Sequence[Pair]) -> list[Pair]:
    """The same pairs with letters as 0 .. 25 and merges from 26 on.

    Raises
    ------
    ValueError
        If a merge joins a byte that is no letter from a to z.
    """
    own: list[Pair] = []
    for k, pair in enumerate(pairs):
        sides = []
        for side in pair:
            if side < FIRST_MERGE and not FIRST_LETTER <= side < FIRST_LETTER + NUM_LETTERS:
                raise ValueError(f"merges: number {k} joins the byte {side}, which is no letter from a to z")
            sides.append(side - (FIRST_LETTER if side < FIRST_MERGE else FIRST_MERGE - NUM_LETTERS))
        own.append((sides[0], sides[1]))
    return own
