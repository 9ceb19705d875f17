"""What a row may say: its table, its input, its scale and its metric.

A metric is one entry here: how it is named and printed, between which bounds it lies and, for measures of answers, the
function that scores them. Differences from a control and p-values follow from the entry.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ecgbyte.metrics.findings import finding_f1
from ecgbyte.metrics.language_scores import ANSWER_SCORES, MetricScores

TABLES = (
    "language-quality",
    "efficiency",
    "controls",
    "comparisons",
    "roc-areas",
    "transfer",
    "ablations",
    "tokenizer",
    "convergence",
    "learning-rates",
    "ceilings",
    "decodings",
)
INPUTS = ("ecg", "other-patient", "flat-line", "noise", "text-only", "shuffled-leads")
SCALES = ("small run", "full")

Bounds = tuple[float, float]
Score = Callable[[Sequence[str], Sequence[str]], MetricScores]
"""From references and answers, each str [samples], to what each answer adds to the metric."""

# Of an ablation, whose differences are otherwise from the run without its change.
FROM_BEST = "accuracy-from-best"

_PERCENT: Bounds = (0.0, 100.0)
_SHARE: Bounds = (0.0, 1.0)
_NOT_NEGATIVE: Bounds = (0.0, math.inf)


class Metric(NamedTuple):
    """How a metric is named, printed and, where it is one of answers, computed.

    Attributes
    ----------
    label : str
        Its name in tables and figures.
    unit : str
        Such as ``"0 to 100"`` or ``"s"``.
    digits : int
        After the point, where people read it.
    bounds : tuple of float
        The least and the greatest value it can have.
    score : callable or None
        From references and answers to `MetricScores`; None for a metric that is not one of single answers, or that
        needs a model (``bertscore-f1``).
    """

    label: str
    unit: str
    digits: int
    bounds: Bounds = (-math.inf, math.inf)
    score: Score | None = None


# Measures of answers, in the order in which they are computed.
_ANSWERS = {
    "bleu-4": Metric("BLEU-4", "0 to 100", 2, _PERCENT, ANSWER_SCORES["bleu-4"]),
    "bleu-4-sentence": Metric("sentence BLEU-4", "0 to 100", 2, _PERCENT, ANSWER_SCORES["bleu-4-sentence"]),
    "rouge-1": Metric("ROUGE-1", "F1, 0 to 100", 2, _PERCENT, ANSWER_SCORES["rouge-1"]),
    "rouge-2": Metric("ROUGE-2", "F1, 0 to 100", 2, _PERCENT, ANSWER_SCORES["rouge-2"]),
    "rouge-l": Metric("ROUGE-L", "F1, 0 to 100", 2, _PERCENT, ANSWER_SCORES["rouge-l"]),
    "meteor": Metric("METEOR", "0 to 100", 2, _PERCENT, ANSWER_SCORES["meteor"]),
    "bertscore-f1": Metric("BERTScore F1", "0 to 100", 2, _PERCENT),
    "accuracy": Metric("accuracy", "%", 2, _PERCENT, ANSWER_SCORES["accuracy"]),
    "finding-f1": Metric("F1 of findings", "0 to 100", 2, _PERCENT, finding_f1),
    "empty-answers": Metric("empty answers", "%", 2, _PERCENT, ANSWER_SCORES["empty-answers"]),
    "truncated-inputs": Metric("truncated inputs", "%", 2, _PERCENT),
}
_RANKING = {
    "roc-area": Metric("ROC area", "0 to 1", 3, _SHARE),
    "roc-area-macro": Metric("ROC area, mean over attributes", "0 to 1", 3, _SHARE),
}
_OTHERS = {
    "train-seconds": Metric("training time", "s", 1, _NOT_NEGATIVE),
    "steps": Metric("optimiser steps", "steps", 0, _NOT_NEGATIVE),
    "samples-seen": Metric("samples seen", "samples", 0, _NOT_NEGATIVE),
    "distinct-records": Metric("distinct ECGs", "records", 0, _NOT_NEGATIVE),
    "positions": Metric("positions without padding", "positions", 0, _NOT_NEGATIVE),
    "padded-positions": Metric("positions with padding", "positions", 0, _NOT_NEGATIVE),
    "timed-seconds-per-1000-samples": Metric("time per 1,000 samples of some timed steps", "s", 2, _NOT_NEGATIVE),
    "tokens-seen": Metric("ECG positions seen", "positions", 0, _NOT_NEGATIVE),
    "training-flops": Metric("training operations", "GFLOP", 0, _NOT_NEGATIVE),
    "peak-memory": Metric("peak memory", "MB", 0, _NOT_NEGATIVE),
    "data-wait-seconds": Metric("waiting for batches", "s", 1, _NOT_NEGATIVE),
    "final-loss": Metric("last training loss", "nats", 3),
    "validation-loss": Metric("validation loss", "nats", 4, _NOT_NEGATIVE),
    "seconds-to-validation-loss": Metric("time to the validation loss", "s", 1, _NOT_NEGATIVE),
    "samples-to-validation-loss": Metric("samples to the validation loss", "samples", 0, _NOT_NEGATIVE),
    "vocabulary-size": Metric("vocabulary", "tokens", 0, _NOT_NEGATIVE),
    "compression": Metric("compression", "symbols per token", 3, _NOT_NEGATIVE),
    "bits-per-sample-bound": Metric("bits per sample, at most", "bits", 3, _NOT_NEGATIVE),
    "bits-per-sample-entropy": Metric("bits per sample, unigram entropy", "bits", 3, _NOT_NEGATIVE),
    "tokens-per-record": Metric("tokens per segment", "tokens", 1, _NOT_NEGATIVE),
    "used-tokens": Metric("tokens used", "% of the vocabulary", 1, _PERCENT),
    "usage-entropy": Metric("entropy of token usage", "bits", 3, _NOT_NEGATIVE),
    "token-length-mean": Metric("symbols per used token", "symbols", 2, _NOT_NEGATIVE),
    "token-length-longest": Metric("longest used token", "symbols", 0, _NOT_NEGATIVE),
    "run-share": Metric("symbols in tokens of one repeated letter", "%", 2, _PERCENT),
    "reconstruction-rmse": Metric("reconstruction error", "mV, root mean square", 4, _NOT_NEGATIVE),
    "reconstruction-prd": Metric("reconstruction error, share of the signal", "%", 2, _NOT_NEGATIVE),
    "reconstruction-largest": Metric("largest reconstruction error inside the range", "bins", 3, _NOT_NEGATIVE),
    "outside-range": Metric("samples outside the range", "%", 3, _PERCENT),
    "clipped-records": Metric("ECGs with a clipped sample", "%", 1, _PERCENT),
    "clipped-leads": Metric("leads with a clipped sample", "%", 1, _PERCENT),
}
# Whether a training run had learnt what it can; one row a method and training seed.
_CONVERGENCE = {
    "converged": Metric("converged", "1 or 0", 0, _SHARE),
    "flat-at-end": Metric("change of the validation score over the last tenth of training", "points", 2),
    "polarity-lowest": Metric("lowest ROC area of questions and their opposites", "0 to 1", 3, _SHARE),
    "token-counts-gap": Metric("mean ROC area minus that of the linear token reader", "-1 to 1", 3, (-1.0, 1.0)),
}
# Of the trials from which validation chose a method's learning rate, and the one that a training run had.
_LEARNING_RATES = {
    "learning-rate": Metric("learning rate", "", 6, _NOT_NEGATIVE),
    "trial-loss": Metric("validation loss of the trial", "nats", 4, _NOT_NEGATIVE),
    "trial-score": Metric("validation score of the trial", "%", 2),
    "trial-step": Metric("step of the best score", "steps", 0, _NOT_NEGATIVE),
}


def derived(metrics: dict[str, Metric]) -> dict[str, Metric]:
    """The differences and p-values of measures of answers, by name."""
    entries = {}
    for name, metric in metrics.items():
        low, high = metric.bounds
        label = f"{metric.label}, ECG - control"
        entries[f"{name}-difference"] = Metric(label, metric.unit, metric.digits, (low - high, high - low))
        entries[f"{name}-p-value"] = Metric(f"{metric.label}, p", "0 to 1", 4, _SHARE)
        entries[f"{name}-p-holm"] = Metric(f"{metric.label}, p (Holm)", "0 to 1", 4, _SHARE)
    return entries


METRICS: dict[str, Metric] = {
    **_ANSWERS,
    **_RANKING,
    **derived({**_ANSWERS, **_RANKING}),
    FROM_BEST: Metric("accuracy, minus the best two-stage method", "points", 2, (-100.0, 100.0)),
    **_OTHERS,
    **_CONVERGENCE,
    **_LEARNING_RATES,
}


def bounds_of_metrics() -> dict[str, Bounds]:
    """The bounds of every metric, by name."""
    return {name: metric.bounds for name, metric in METRICS.items()}
