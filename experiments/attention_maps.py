"""The figures of what `experiments.attention` kept: maps of lead and time, with numbers that say how alike they are."""

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
from experiments.attention import ATTENTION_VERSION, CAPTIONS_FILE, CONDITIONS, MEASURES
from experiments.attention_figures import attention_figure, attention_maps_figure

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
    weights = {
        (condition, measure): arrays[f"{condition}.{measure}"] for condition in CONDITIONS for measure in MEASURES
    }
    encodings = {condition: _kept_encoding(arrays, condition) for condition in CONDITIONS}
    relative = {key: relative_weights(values, encodings[key[0]]) for key, values in weights.items()}
    kind = caption["question_type"]
    title = f"{kind}, record {caption['record_id']}, segment {caption['segment']}"
    labels = {
        ("ecg", "attention"): "attention",
        ("ecg", "rollout"): "attention rollout",
        ("ecg", "gradient-input"): "|gradient x input|",
        ("other-patient", "attention"): "control: attention,\nanother patient's ECG",
        ("untrained", "attention"): "control: attention,\nuntrained model",
    }
    own = weights["ecg", "attention"]
    agreement = [
        f"with {name} {_correlation(own, weights['ecg', measure])}"
        for name, measure in (("rollout", "rollout"), ("|gradient x input|", "gradient-input"))
    ]
    agreement.append(f"with the untrained model {_correlation(own, weights['untrained', 'attention'])}")
    binned = [_binned(relative[condition, "attention"], rate) for condition in ("ecg", "other-patient")]
    agreement.append(f"with another patient's ECG, by lead and 0.1 s, {_correlation(*binned)}")
    parts = arrays["ecg.parts"]
    even = len(own) / float(arrays["ecg.visible"].mean())
    on_ecg = (
        f"Of the attention, mean over layers, heads and answer tokens, {100 * parts[PARTS.index('ECG')]:.1f} % is on "
        f"the ECG ({100 * even:.1f} % if all positions had the same)."
    )
    unseen = np.isnan(relative["ecg", "attention"]).mean()
    cut = f" The last {100 * unseen:.0f} % of the samples did not fit and were not shown." if unseen else ""
    shares = {label.replace("\n", " "): _lead_shares(weights[key], encodings[key[0]]) for key, label in labels.items()}
    shares["all tokens alike"] = _lead_shares(np.ones(len(own)), encodings["ecg"])
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
            {label: relative[key] for key, label in labels.items()},
            shares,
            out / f"attention-{kind}-controls.png",
            sampling_rate=rate,
            title=f"The same question and answer, other measures and controls: {title}",
            note=f"Rank correlation of the attention over tokens (Spearman): {', '.join(agreement)}. Where a control "
            f"looks the same, the pattern is not about this ECG. Answer with another patient's ECG "
            f"({caption['other_record_id']}): {caption['answer_to_other_patient'] or '(nothing)'}",
        ),
    ]


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


def _lead_shares(weights: np.ndarray, encoding: Encoding) -> np.ndarray:
    density = spread_over_samples(weights, encoding)
    return np.asarray(np.nansum(density, axis=1) / np.nansum(density))


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
