"""The figures of what `experiments.steps.attention` kept: maps of lead and time, with numbers that say how alike they
are."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from ecgbyte.models.attention import PARTS, spread_over_samples
from ecgbyte.tokenizer.encoding import Encoding
from experiments.figures.attention import attention_figure, attention_maps_figure
from experiments.steps.attention import ATTENTION_VERSION, CAPTIONS_FILE, CONDITIONS, MEASURES

_BIN_SECONDS = 0.1


def draw_attention(folder: str | os.PathLike[str], out: str | os.PathLike[str]) -> list[Path]:
    """Draw the figures of what `attention_examples` kept in `folder`: two a question type, into `out`, which is made.

    ``attention-<type>.png`` is the ECG on paper, coloured by the attention of the answer; the other,
    ``attention-<type>-controls.png``, has maps of the other measures and of the controls.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If ``attention.json`` is of another version.
    """
    folder, out = Path(folder), Path(out)
    content = json.loads((folder / CAPTIONS_FILE).read_text(encoding="utf-8"))
    if content.get("version") != ATTENTION_VERSION:
        raise ValueError(
            f"{folder / CAPTIONS_FILE}: got version {content.get('version')!r}, expected {ATTENTION_VERSION}"
        )
    out.mkdir(parents=True, exist_ok=True)
    figures = []
    for caption in content["examples"]:
        with np.load(folder / caption["file"], allow_pickle=False) as stored:
            arrays = dict(stored)
        figures += _draw_example(caption, arrays, float(content["sampling_rate"]), out)
    return figures


def _draw_example(caption: Mapping[str, Any], arrays: Mapping[str, np.ndarray], rate: float, out: Path) -> list[Path]:
    keys = [(condition, measure) for condition in CONDITIONS for measure in MEASURES]
    weights = {key: arrays[".".join(key)] for key in keys}
    encodings = {condition: _kept_encoding(arrays, condition) for condition in CONDITIONS}
    relative = {key: relative_weights(weights[key], encodings[key[0]]) for key in keys}
    leads = {key: lead_weights(weights[key], encodings[key[0]]) for key in keys}
    kind = caption["question_type"]
    title = f"{kind}, record {caption['record_id']}, segment {caption['segment']}"
    own = weights["ecg", "attention"]
    parts = arrays["ecg.parts"]
    even = len(own) / float(arrays["ecg.visible"].mean())
    on_ecg = (
        f"Of the attention, mean over layers, heads and answer tokens, {100 * parts[PARTS.index('ECG')]:.1f} % is on "
        f"the ECG ({100 * even:.1f} % if all positions had the same)."
    )
    unseen = np.isnan(relative["ecg", "attention"]).mean()
    cut = f" The last {100 * unseen:.0f} % of the samples did not fit and were not shown." if unseen else ""
    return [
        attention_figure(
            arrays["ecg.signal"],
            relative["ecg", "attention"],
            out / f"attention-{kind}.png",
            sampling_rate=rate,
            title=f"What the answer attends to: {title}",
            question=caption["question"],
            reference=caption["reference"],
            answer=caption["answer"],
            note=f"{on_ecg}{cut} Attention alone explains nothing: see its controls.",
        ),
        attention_maps_figure(
            {_labels(*key): values for key, values in relative.items()},
            {_labels(*key): values for key, values in leads.items()},
            out / f"attention-{kind}-controls.png",
            sampling_rate=rate,
            title=f"The same question and answer, by measure and control: {title}",
            note=_controls_note(caption, weights, relative, rate),
        ),
    ]


def _labels(condition: str, measure: str) -> tuple[str, str]:
    conditions = {"ecg": "this ECG", "other-patient": "another patient's ECG", "untrained": "this ECG, untrained model"}
    measures = {"attention": "attention", "rollout": "rollout", "gradient-input": "|gradient x input|"}
    return conditions[condition], measures[measure]


def _controls_note(
    caption: Mapping[str, Any],
    weights: Mapping[tuple[str, str], np.ndarray],
    relative: Mapping[tuple[str, str], np.ndarray],
    rate: float,
) -> str:
    """How alike measures and conditions are, as rank correlations."""
    own = weights["ecg", "attention"]
    between = [
        f"with {_labels('ecg', measure)[1]} {_correlation(own, weights['ecg', measure])}" for measure in MEASURES[1:]
    ]
    controls = []
    for measure in MEASURES:
        untrained = _correlation(weights["ecg", measure], weights["untrained", measure])
        other = _correlation(*(_binned(relative[name, measure], rate) for name in ("ecg", "other-patient")))
        controls.append(f"{_labels('ecg', measure)[1]} {other} and {untrained}")
    return (
        f"Rank correlation (Spearman) of the attention over tokens {', '.join(between)}; of this ECG with another "
        f"patient's by lead and {_BIN_SECONDS:g} s, and with the untrained model by token: "
        f"{', '.join(controls)}. Where "
        "a control looks the same, the pattern is not about this ECG. The model's answer to the other ECG (record "
        f"{caption['other_record_id']}): {caption['answer_to_other_patient'] or '(nothing)'}."
    )


def relative_weights(weights: np.ndarray, encoding: Encoding) -> np.ndarray:
    """Each sample's weight over what it would be if all tokens had the same, float64 [leads, samples].

    Spread over samples, equal weights already look like attention to the QRS complex, where tokens are short; the
    quotient takes that away.
    """
    total = float(weights.sum())
    if total <= 0:
        raise ValueError(f"weights: their sum is {total}, expected more than 0")
    equal = np.full(len(weights), total / len(weights))
    return np.asarray(spread_over_samples(weights, encoding) / spread_over_samples(equal, encoding))


def lead_weights(weights: np.ndarray, encoding: Encoding) -> np.ndarray:
    """Each lead's weight over what it would be if all tokens had the same, float64 [leads]; NaN where none was shown.

    A token that crosses the border of a lead counts for both, by its samples.
    """
    equal = np.full(len(weights), float(weights.sum()) / len(weights))
    own, even = (spread_over_samples(values, encoding) for values in (weights, equal))
    shown = ~np.isnan(even).all(axis=1)
    result = np.full(len(own), np.nan)
    result[shown] = np.nansum(own[shown], axis=1) / np.nansum(even[shown], axis=1)
    return result


def _binned(relative: np.ndarray, rate: float) -> np.ndarray:
    width = round(_BIN_SECONDS * rate)
    whole = relative[:, : relative.shape[1] // width * width]
    return np.asarray(whole.reshape(len(whole), -1, width).mean(axis=2).ravel())


def _correlation(one: np.ndarray, other: np.ndarray) -> str:
    both = np.isfinite(one) & np.isfinite(other)
    one, other = one[both], other[both]
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return "not defined"
    return f"{spearmanr(one, other).statistic:.2f}"


def _kept_encoding(arrays: Mapping[str, np.ndarray], condition: str) -> Encoding:
    ids, leads, offsets, signal = (arrays[f"{condition}.{name}"] for name in ("ids", "leads", "offsets", "signal"))
    # The range of the symbols plays no part in where tokens lie.
    return Encoding(ids, leads, offsets, (signal.shape[0], signal.shape[1]), float("nan"), float("nan"))
