"""Measures that the published code takes from nltk: METEOR, and the mean of smoothed sentence BLEU-4.

Both split texts at white space, as published, so a comma stays with its word. Nothing is downloaded: METEOR matches
synonyms where the WordNet data of nltk is installed, and is called METEOR without WordNet where it is not.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgbyte.metrics.language import PAIRS_KEPT, check_pairs


def sentence_bleu4_scores(references: Sequence[str], answers: Sequence[str]) -> NDArray[np.float64]:
    """BLEU-4 of each answer by itself, smoothed as in the published code (nltk's ``method1``: 0.1 for no match).

    The published tables hold its mean. It is hard to read: orders that are longer than the answer count as 0.1 of 1, so
    the right one-word answer scores 17.78, and any answer without a right word 0.

    Parameters
    ----------
    references, answers : sequences of str, the same length
        One reference an answer.

    Returns
    -------
    numpy.ndarray
        float64 [samples], 0 to 100.

    Raises
    ------
    ValueError, TypeError
        As `ecgbyte.metrics.language.corpus_bleu4`.
    ModuleNotFoundError
        If nltk is not installed.
    """
    check_pairs(references, answers)
    _nltk_version()
    return np.array([_sentence_bleu4(*pair) for pair in zip(references, answers, strict=True)], dtype=np.float64)


def sentence_bleu4_signature() -> str:
    """Names the definition of `sentence_bleu4_scores`, with nltk's version."""
    return f"bleu-4-sentence|smooth:method1|tok:split|case:mixed|empty:0|mean:samples|nltk:{_nltk_version()}"


def meteor_scores(
    references: Sequence[str], answers: Sequence[str], *, wordnet: bool | None = None
) -> NDArray[np.float64]:
    """METEOR of each answer by nltk (Lavie and Agarwal 2007; alpha 0.9, beta 3, gamma 0.5), lower case.

    Words match if they are equal, have the same Porter stem or, with WordNet, are synonyms (nltk looks them up by the
    stem, so it finds few). A right one-word answer scores 50: one match is one chunk, which takes half.

    Parameters
    ----------
    references, answers : sequences of str, the same length
        One reference an answer.
    wordnet : bool, optional
        Whether synonyms match. Where None, if the WordNet data is installed (see `has_wordnet`).

    Returns
    -------
    numpy.ndarray
        float64 [samples], 0 to 100.

    Raises
    ------
    ValueError, TypeError
        As `ecgbyte.metrics.language.corpus_bleu4`.
    LookupError
        If WordNet is asked for and not installed; the message says how to install it.
    ModuleNotFoundError
        If nltk is not installed.
    """
    check_pairs(references, answers)
    synonyms = _wants_wordnet(wordnet)
    pairs = zip(references, answers, strict=True)
    return np.array([_meteor(*pair, synonyms) for pair in pairs], dtype=np.float64)


def meteor_signature(*, wordnet: bool | None = None) -> str:
    """Names the definition of `meteor_scores`, which of its two variants it is, and nltk's version."""
    name, matches = (
        ("meteor", "exact,stem,synonym") if _wants_wordnet(wordnet) else ("meteor without WordNet", "exact,stem")
    )
    settings = "alpha:0.9|beta:3|gamma:0.5|tok:split|case:lower|empty:0|mean:samples"
    return f"{name}|match:{matches}|{settings}|nltk:{_nltk_version()}"


@functools.cache
def has_wordnet() -> bool:
    """Whether nltk's WordNet data is on this machine (``python -m nltk.downloader wordnet`` fetches it).

    Looked up once in a process.
    """
    _nltk_version()
    from nltk.corpus import wordnet

    try:
        wordnet.ensure_loaded()
    except LookupError:
        return False
    return True


def _wants_wordnet(wordnet: bool | None) -> bool:
    if wordnet and not has_wordnet():
        raise LookupError("wordnet: got True, but nltk's data is not installed: python -m nltk.downloader wordnet")
    return has_wordnet() if wordnet is None else wordnet


class _NoSynonyms:
    """Stands in for WordNet: knows no word, so that nltk's synonym stage matches nothing."""

    @staticmethod
    def synsets(word: str) -> tuple[Any, ...]:
        return ()


@functools.lru_cache(PAIRS_KEPT)  # short answers repeat often
def _meteor(reference: str, answer: str, synonyms: bool) -> float:
    from nltk.corpus import wordnet
    from nltk.translate.meteor_score import single_meteor_score

    known = wordnet if synonyms else _NoSynonyms()
    return 100.0 * single_meteor_score(reference.split(), answer.split(), wordnet=known)


@functools.lru_cache(PAIRS_KEPT)
def _sentence_bleu4(reference: str, answer: str) -> float:
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    return 100.0 * sentence_bleu([reference.split()], answer.split(), smoothing_function=SmoothingFunction().method1)


@functools.cache
def _nltk_version() -> str:
    try:
        import nltk
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "METEOR and sentence BLEU-4 need nltk: pip install 'ecgbyte[metrics]'", name="nltk"
        ) from error
    return str(nltk.__version__)
