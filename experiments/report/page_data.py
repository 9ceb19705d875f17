"""What the scripts of a page draw from, as plain data that is embedded once."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ecgbyte.json_lines import compress
from experiments.report.report import KINDS, Report
from experiments.rows.groups import (
    AGAINST,
    NOISE_QUESTIONS,
    REFERENCE_METHOD,
    at_own_input,
    family,
    headline,
    method_order,
    most_seeds,
    subset_order,
)
from experiments.rows.metrics import INPUTS, METRICS
from experiments.rows.schema import ResultRow
from experiments.tables.controls import CONTROL_METRICS
from experiments.tables.quality import COMPARED_METRICS

MEASURES = ("accuracy", "finding-f1", "roc-area-macro", "bleu-4", "rouge-l", "meteor", "bertscore-f1")
_SUBSETS = {
    "all": "all questions",
    "generated": "generated questions",
    NOISE_QUESTIONS: "ECG-QA's, about noise",
    "reports": "whole reports",
    "answer-balanced": "text gives nothing away",
    "ecg-needed": "not right without the ECG",
    **KINDS,
}
INPUT_WORDS = {
    "ecg": "the ECG",
    "other-patient": "another patient's ECG",
    "flat-line": "a flat line",
    "noise": "noise",
    "text-only": "nothing",
    "shuffled-leads": "shuffled leads",
}


def page_data(report: Report) -> dict[str, Any]:
    """The data of a page.

    Returns
    -------
    dict
        ``methods``: name and family, in the order of the tables; ``table``: the main table, see `main_table`;
        ``curves``: see `curves`; ``asked``: see `experiments.report.asked.read_asked`; ``ecgs``: what
        `experiments.report.ecg_file` wrote, its traces compressed, or None; ``reference`` and ``opponent``: the methods
        that questions are filtered by at first.
    """
    table = main_table(report.rows)
    return {
        "methods": [[name, family(name)] for name in _methods(report)],
        "table": table,
        "curves": curves(report),
        "asked": report.asked,
        "ecgs": _with_traces_compressed(report.ecgs),
        "reference": REFERENCE_METHOD,
        "opponent": table["opponents"][0] if table["opponents"] else "",
    }


def subset_words(subset: str) -> str:
    """A part of the questions in words."""
    return _SUBSETS.get(subset, subset)


def main_table(rows: Iterable[ResultRow]) -> dict[str, Any]:
    """Every value of the main table, and the differences that were tested in pairs.

    Returns
    -------
    dict
        ``datasets``, ``subsets``, ``measures`` and ``inputs``: [name, words] each, for the switches; ``values``: from
        ``"dataset|subset|measure|input"`` to, by method, [value, low, high, n], without low and high where there is no
        interval; ``differences``: from ``"dataset|subset|measure|method|against"`` to [value, low, high];
        ``controls``: what the ECG adds, from ``"dataset|subset|measure|input|method"`` to the same; ``opponents``:
        methods to compare with, the one that most are tested against first; ``headline``: the subset shown first.
    """
    rows = list(rows)
    shown = [
        row
        for row in most_seeds(r for r in rows if r.table in ("language-quality", "roc-areas"))
        if row.metric in MEASURES
    ]
    values: dict[str, dict[str, list[float]]] = {}
    for row in [*shown, *(row._replace(input="ecg") for row in at_own_input(shown) if row.input != "ecg")]:
        key = "|".join((row.dataset, row.subset, row.metric, row.input))
        values.setdefault(key, {})[row.method] = [*_interval(row, row.metric), row.n]
    compared = most_seeds(row for row in rows if row.table == "comparisons")
    differences: dict[str, list[float]] = {}
    added: dict[str, list[float]] = {}
    for row in compared:
        metric = row.metric.removesuffix("-difference")
        if row.metric.endswith("-difference") and metric in (*COMPARED_METRICS, "roc-area-macro"):
            key = "|".join((row.dataset, row.subset, metric, row.method, row.variant.removeprefix(AGAINST)))
            differences[key] = _interval(row, metric)
    for row in most_seeds(r for r in rows if r.table == "controls"):
        metric = row.metric.removesuffix("-difference")
        if metric in CONTROL_METRICS:
            added["|".join((row.dataset, row.subset, metric, row.input, row.method))] = _interval(row, metric)
    datasets = sorted({row.dataset for row in shown})
    return {
        "datasets": [[name, name] for name in datasets],
        "subsets": [
            [name, subset_words(name)]
            for name in sorted({row.subset for row in shown if row.table == "language-quality"}, key=subset_order)
        ],
        "measures": [
            [name, METRICS[name].label, METRICS[name].unit, METRICS[name].digits]
            for name in MEASURES
            if any(row.metric == name for row in shown)
        ],
        "inputs": [[name, INPUT_WORDS[name]] for name in INPUTS if any(row.input == name for row in shown)],
        "values": values,
        "differences": differences,
        "controls": added,
        "opponents": _opponents(compared, shown),
        "headline": headline(shown, datasets[0]) if datasets else "all",
    }


def curves(report: Report) -> dict[str, Any]:
    """What validation said while the language models were trained.

    Returns
    -------
    dict
        ``measures``: [name, words] in the order of the points' values; ``x``: what the first value of a point is;
        ``lines``: [method, seed, points], a point being [x, value, ...] with None where there is none.
    """
    told = [curve for curve in report.curves if len(curve.validation) and curve.stage != "stage-1"]
    # Results from before accuracy was measured on validation have the loss alone.
    whole = bool(told) and all(curve.validation.shape[1] >= 6 for curve in told)
    lines = []
    for curve in sorted(told, key=lambda curve: (method_order(curve.method), curve.seed)):
        points = []
        for point in curve.validation.tolist():
            step, _, loss = point[:3]
            numbers = [point[5], point[3], point[4], loss] if whole else [step, loss]
            points.append([None if math.isnan(number) else round(number, 4) for number in numbers])
        lines.append([curve.method, curve.seed, points])
    measures = [["loss", "validation loss (nats)"]]
    if whole:
        measures = [["accuracy", "accuracy on validation (%)"], ["area", "mean ROC area on validation"], *measures]
    return {"measures": measures, "x": "epochs" if whole else "optimiser steps", "lines": lines}


def _methods(report: Report) -> list[str]:
    measured = {row.method for row in report.rows if row.table in ("language-quality", "roc-areas")}
    answered = set(report.asked["methods"]) if report.asked is not None else set()
    trained = {curve.method for curve in report.curves if curve.stage != "stage-1"}
    return sorted(measured | answered | trained, key=method_order)


def _opponents(compared: Sequence[ResultRow], shown: Sequence[ResultRow]) -> list[str]:
    """Every method, the one that most were tested against first."""
    tested: dict[str, int] = {}
    for row in compared:
        name = row.variant.removeprefix(AGAINST)
        tested[name] = tested.get(name, 0) + 1
    methods = {row.method for row in shown}
    return sorted(methods, key=lambda name: (-tested.get(name, 0) if name in _most(tested) else 1, method_order(name)))


def _most(tested: Mapping[str, int]) -> set[str]:
    return {name for name, number in tested.items() if number == max(tested.values())}


def _interval(row: ResultRow, metric: str) -> list[float]:
    # More than are shown, so that a page rounds as tables do.
    digits = METRICS[metric].digits + 4
    numbers = [row.value] if math.isnan(row.ci_low) else [row.value, row.ci_low, row.ci_high]
    return [round(number, digits) for number in numbers]


def _with_traces_compressed(ecgs: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The traces as base64 of compressed lines, since they are most of a page; ``asked`` as it is."""
    if ecgs is None:
        return None
    packed = base64.b64encode(compress("\n".join(ecgs["traces"]).encode())).decode("ascii")
    return {**ecgs, "traces": packed}
