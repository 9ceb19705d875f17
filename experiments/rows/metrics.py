"""What a row may say: its table, its input, its scale and its metric."""

from __future__ import annotations

from typing import NamedTuple

TABLES = (
    "language-quality",
    "efficiency",
    "controls",
    "comparisons",
    "roc-areas",
    "transfer",
    "ablations",
    "tokenizer",
)

INPUTS = ("ecg", "other-patient", "flat-line", "noise", "text-only", "shuffled-leads")

SCALES = ("small run", "full")


class Metric(NamedTuple):
    """How a metric is named and printed: its label, its unit and the digits after the point."""

    label: str
    unit: str
    digits: int


_LANGUAGE = {
    "bleu-4": Metric("BLEU-4", "0 to 100", 2),
    "bleu-4-sentence": Metric("sentence BLEU-4", "0 to 100", 2),
    "rouge-1": Metric("ROUGE-1", "F1, 0 to 100", 2),
    "rouge-2": Metric("ROUGE-2", "F1, 0 to 100", 2),
    "rouge-l": Metric("ROUGE-L", "F1, 0 to 100", 2),
    "meteor": Metric("METEOR", "0 to 100", 2),
    "bertscore-f1": Metric("BERTScore F1", "0 to 100", 2),
    "accuracy": Metric("accuracy", "%", 2),
    "empty-answers": Metric("empty answers", "%", 2),
    "truncated-inputs": Metric("truncated inputs", "%", 2),
}

_RANKING = {
    "roc-area": Metric("ROC area", "0 to 1", 3),
    "roc-area-macro": Metric("ROC area, mean over attributes", "0 to 1", 3),
}

METRICS: dict[str, Metric] = {
    **_LANGUAGE,
    **_RANKING,
    **{f"{name}-difference": Metric(f"{m.label}, ECG - control", m.unit, m.digits) for name, m in _LANGUAGE.items()},
    **{f"{name}-difference": Metric(f"{m.label}, ECG - control", m.unit, m.digits) for name, m in _RANKING.items()},
    **{f"{name}-p-value": Metric(f"{m.label}, p", "0 to 1", 4) for name, m in {**_LANGUAGE, **_RANKING}.items()},
    **{f"{name}-p-holm": Metric(f"{m.label}, p (Holm)", "0 to 1", 4) for name, m in {**_LANGUAGE, **_RANKING}.items()},
    "train-seconds": Metric("training time", "s", 1),
    "steps": Metric("optimiser steps", "steps", 0),
    "samples-seen": Metric("samples seen", "samples", 0),
    "distinct-records": Metric("distinct ECGs", "records", 0),
    "positions": Metric("positions without padding", "positions", 0),
    "padded-positions": Metric("positions with padding", "positions", 0),
    "timed-seconds-per-1000-samples": Metric("time per 1,000 samples of some timed steps", "s", 2),
    "tokens-seen": Metric("ECG positions seen", "positions", 0),
    "training-flops": Metric("training operations", "GFLOP", 0),
    "peak-memory": Metric("peak memory", "MB", 0),
    "data-wait-seconds": Metric("waiting for batches", "s", 1),
    "final-loss": Metric("last training loss", "nats", 3),
    "validation-loss": Metric("validation loss", "nats", 4),
    "seconds-to-validation-loss": Metric("time to the validation loss", "s", 1),
    "samples-to-validation-loss": Metric("samples to the validation loss", "samples", 0),
    "vocabulary-size": Metric("vocabulary", "tokens", 0),
    "compression": Metric("compression", "symbols per token", 3),
    "bits-per-sample-bound": Metric("bits per sample, at most", "bits", 3),
    "bits-per-sample-entropy": Metric("bits per sample, unigram entropy", "bits", 3),
    "tokens-per-record": Metric("tokens per segment", "tokens", 1),
    "used-tokens": Metric("tokens used", "% of the vocabulary", 1),
    "usage-entropy": Metric("entropy of token usage", "bits", 3),
    "token-length-mean": Metric("symbols per used token", "symbols", 2),
    "token-length-longest": Metric("longest used token", "symbols", 0),
    "run-share": Metric("symbols in tokens of one repeated letter", "%", 2),
    "reconstruction-rmse": Metric("reconstruction error", "mV, root mean square", 4),
    "reconstruction-prd": Metric("reconstruction error, share of the signal", "%", 2),
    "reconstruction-largest": Metric("largest reconstruction error inside the range", "bins", 3),
    "outside-range": Metric("samples outside the range", "%", 3),
}
