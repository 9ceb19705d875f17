"""Generated answers against references: corpus BLEU-4, ROUGE and exact match.

All values are in percent (0 to 100). Every pair counts: an empty answer scores 0 and stays in the mean.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ecgbyte.metrics.words import TOKENS_SIGNATURE, WordTokenizer, composed

ROUGE_METRICS = ("rouge-1", "rouge-2", "rouge-l")
EXACT_MATCH_SIGNATURE = (
    "exact-match|unicode:nfc|case:folded|space:collapsed|list:comma,sorted|empty:0|mean:samples|version:2"
)
# Of Latin, Chinese and Japanese (wide and enumerating), and Arabic.
_COMMAS = re.compile("[,\uff0c\u3001\u060c]")
_ROUGE_TYPES = ("rouge1", "rouge2", "rougeL")
_BLEU_ORDER = 4
# Scores of pairs that each measure keeps.
PAIRS_KEPT = 1 << 17
_BLEU_STATISTICS = 2 + 2 * _BLEU_ORDER


def corpus_bleu4(references: Sequence[str], answers: Sequence[str]) -> tuple[float, str]:
    """Corpus BLEU-4 with sacrebleu's defaults (13a tokens, exponential smoothing).

    A corpus without an answer of four words or more (yes and no only) scores 0, right or wrong: read accuracy there.

    Parameters
    ----------
    references, answers : sequences of str, the same length
        One reference an answer.

    Returns
    -------
    value : float
        0 to 100.
    signature : str
        sacrebleu's signature, which names its version and settings.

    Raises
    ------
    ValueError
        If the lengths differ, there are no pairs, or a reference is empty.
    TypeError
        If something is not a string.
    """
    check_pairs(references, answers)
    metric = _bleu(effective_order=False)
    value = metric.corpus_score(list(answers), [list(references)]).score
    return float(value), str(metric.get_signature())


@functools.cache
def corpus_bleu4_signature() -> str:
    """sacrebleu's signature of `corpus_bleu4`, which does not depend on the texts."""
    return corpus_bleu4(["text"], ["text"])[1]


def bleu_statistics(references: Sequence[str], answers: Sequence[str]) -> NDArray[np.int64]:
    """What each pair adds to corpus BLEU.

    Returns
    -------
    numpy.ndarray
        int64 [samples, 10]: answer length, reference length, matching 1- to 4-grams, all 1- to 4-grams of the answer.
        Summed over samples and given to `bleu_from_statistics`, they are the corpus BLEU of those samples.

    Raises
    ------
    ValueError, TypeError
        As `corpus_bleu4`.
    """
    check_pairs(references, answers)
    return np.array([_bleu_counts(*pair) for pair in zip(references, answers, strict=True)], dtype=np.int64)


def bleu_from_statistics(sums: NDArray[np.number]) -> NDArray[np.float64]:
    """BLEU-4 from summed statistics, as sacrebleu computes it with exponential smoothing.

    Parameters
    ----------
    sums : numpy.ndarray
        [..., 10], sums of rows of `bleu_statistics`.

    Returns
    -------
    numpy.ndarray
        float64 [...], 0 to 100.

    Raises
    ------
    ValueError
        If the last axis has another length.
    """
    sums = np.asarray(sums, dtype=np.float64)
    if sums.ndim == 0 or sums.shape[-1] != _BLEU_STATISTICS:
        raise ValueError(f"sums: got shape {sums.shape}, expected [..., {_BLEU_STATISTICS}]")
    answer_length, reference_length = sums[..., 0], sums[..., 1]
    correct, total = sums[..., 2 : 2 + _BLEU_ORDER], sums[..., 2 + _BLEU_ORDER :]
    # The k-th order without a match counts as 1 / 2^k of a match.
    halvings = np.cumsum(correct == 0, axis=-1)
    matches = np.where(correct == 0, np.exp2(-halvings), correct)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = matches / total
        brevity = np.where(answer_length < reference_length, np.exp(1 - reference_length / answer_length), 1.0)
        value = 100 * brevity * np.exp(np.log(precision).mean(axis=-1))
    # No answer with a match, or none long enough to have 4-grams: 0.
    return np.where(~correct.any(axis=-1) | (total == 0).any(axis=-1), 0.0, value)


def rouge_scores(references: Sequence[str], answers: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """ROUGE-1, -2 and -L of each pair, F1 in percent, by rouge-score without stemming.

    Words are those of `ecgbyte.metrics.words`, in any script; rouge-score's own tokenizer knows a to z and digits only.
    ROUGE-2 of a one-word reference is 0 even for the right answer: there is no bigram.

    Returns
    -------
    dict of str to numpy.ndarray
        For each of `ROUGE_METRICS` float64 [samples].

    Raises
    ------
    ValueError, TypeError
        As `corpus_bleu4`.
    """
    check_pairs(references, answers)
    columns = np.array([_rouge(*pair) for pair in zip(references, answers, strict=True)], dtype=np.float64).T
    return {name: np.ascontiguousarray(column) for name, column in zip(ROUGE_METRICS, columns, strict=True)}


def rouge_signature() -> str:
    """Names the definition of `rouge_scores`, whose mean is reported, with rouge-score's version."""
    from importlib.metadata import version

    return f"rouge|f1|tok:{TOKENS_SIGNATURE}|stem:no|mean:samples|empty:0|rouge-score:{version('rouge-score')}"


@functools.lru_cache(PAIRS_KEPT)
def normalize_answer(answer: str) -> tuple[str, ...]:
    """Bring an answer into the form in which answers are compared.

    Composed form (NFC), folded case, runs of white space to one space, the items of a comma-separated list sorted; the
    order of findings is no error. Commas of Chinese, Japanese and Arabic separate items too. Punctuation within an item
    stays.

    Examples
    --------
    >>> normalize_answer("V2,  Lead II")
    ('lead ii', 'v2')
    """
    items = (" ".join(item.split()) for item in _COMMAS.split(composed(answer)))
    return tuple(sorted(item for item in items if item))


def exact_match_scores(references: Sequence[str], answers: Sequence[str]) -> NDArray[np.float64]:
    """100 where the normalised answer equals the normalised reference, else 0; defined by `EXACT_MATCH_SIGNATURE`.

    Returns
    -------
    numpy.ndarray
        float64 [samples].

    Raises
    ------
    ValueError, TypeError
        As `corpus_bleu4`.
    """
    check_pairs(references, answers)
    return np.array([_exact_match(*pair) for pair in zip(references, answers, strict=True)])


def exact_match(references: Sequence[str], answers: Sequence[str]) -> float:
    """Accuracy in percent: the mean of `exact_match_scores`.

    Raises
    ------
    ValueError, TypeError
        As `corpus_bleu4`.
    """
    return float(exact_match_scores(references, answers).mean())


def check_pairs(references: Sequence[str], answers: Sequence[str]) -> None:
    """Raise unless there is one non-empty reference for every answer, and at least one pair."""
    for name, texts in (("references", references), ("answers", answers)):
        if isinstance(texts, str):
            raise TypeError(f"{name}: got one string, expected a sequence of strings")
        for index, text in enumerate(texts):
            if not isinstance(text, str):
                raise TypeError(f"{name}[{index}]: got {type(text).__name__}, expected str")
    if len(references) != len(answers):
        raise ValueError(
            f"references, answers: got {len(references)} references for {len(answers)} answers, expected one each"
        )
    if not len(references):
        raise ValueError("references, answers: got no pairs, expected at least one")
    for index, reference in enumerate(references):
        if not normalize_answer(reference):
            raise ValueError(f"references[{index}]: got {reference!r}, expected a reference with content")


@functools.lru_cache(PAIRS_KEPT)  # short answers repeat often
def _bleu_counts(reference: str, answer: str) -> tuple[int, ...]:
    # The counts do not depend on the effective order; without it sacrebleu warns about sentences.
    score = _bleu(effective_order=True).sentence_score(answer, [reference])
    return (score.sys_len, score.ref_len, *score.counts, *score.totals)


@functools.lru_cache(PAIRS_KEPT)
def _rouge(reference: str, answer: str) -> tuple[float, ...]:
    scores = _rouge_scorer().score(reference, answer)
    return tuple(100 * scores[kind].fmeasure for kind in _ROUGE_TYPES)


@functools.lru_cache(PAIRS_KEPT)
def _exact_match(reference: str, answer: str) -> float:
    return 100.0 * (normalize_answer(reference) == normalize_answer(answer))


@functools.cache
def _bleu(*, effective_order: bool):  # type: ignore[no-untyped-def]  # sacrebleu is loaded only when it is used
    from sacrebleu.metrics import BLEU

    return BLEU(effective_order=effective_order, max_ngram_order=_BLEU_ORDER)


@functools.cache
def _rouge_scorer():  # type: ignore[no-untyped-def]  # rouge-score is loaded only when it is used
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(list(_ROUGE_TYPES), use_stemmer=False, tokenizer=WordTokenizer())
