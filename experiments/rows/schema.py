"""A row of results: one measured value and all that is needed to measure it again. What may stand in it, written here.

Where a measure goes is said by ``table``: answers measured against references have ``language-quality``, whatever the
input; the cost of training ``efficiency``; areas under ROC curves ``roc-areas``, whatever the input; paired differences
between the ECG and a control ``controls``; paired tests between methods ``comparisons``; measures of the tokens
``tokenizer``; whether training had converged ``convergence``; which learning rates were tried ``learning-rates``; what
perfect answers would have ``ceilings``. Runs with one setting changed have ``ablations``, runs tested on another data
set than they were trained on ``transfer``, one run decoded several times ``decodings``. Tables are drawn from nothing
else.
`experiments.rows.files` writes rows and reads them.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ecgbyte.checks import check_option
from experiments.rows.metrics import INPUTS, METRICS, SCALES, TABLES

# The form of the files; rows of other versions do not mix with these.
SCHEMA_VERSION = 2
# Values are written with six digits after the point, so bounds and intervals may be missed by less than one of these.
ROUNDING = 1e-6


class ResultRow(NamedTuple):
    """One measured value.

    Attributes
    ----------
    table : str
        One of `TABLES`.
    method : str
        Such as ``"ecg-byte"``.
    input : str
        One of `INPUTS`: what stood in the place of the ECG when the answers were made.
    dataset, split : str
        Such as ``"synthetic"``, ``"test"``.
    metric : str
        A key of `METRICS`.
    value : float
        Finite, within the metric's bounds. What has no value (an area with one class only) has no row.
    n : int
        How many samples the value rests on.
    seed : int or None
        The seed of the run; None for a mean over several runs.
    profile : str
        The profile that planned the run.
    scale : str
        One of `SCALES`; ``"small run"`` marks a value that cannot be compared with published ones.
    signature : str
        Defines the metric; rows of one table and metric must agree in it.
    ci_low, ci_high : float
        95 % interval; both NaN where there is none (an empty cell in the file).
    subset : str
        ``"all"``, a question type such as ``"single-verify"``, or for ROC areas an attribute.
    variant : str
        Empty, or what sets the row apart: the changed setting of an ablation (``"num_merges=500"``), the other method
        of a comparison (``"against merl"``).
    trained_on : str
        The data set of the training, where it is another than `dataset`; else empty.
    seeds : int
        Of how many training runs this is the mean; 1 for a row of one run. With more, the interval is over training
        runs and patients.
    run_seeds : str
        The seeds of the runs of a mean, such as ``"0+1+2"``; empty for a row of one run.
    stage : str
        Empty, or the stage of training (``"end-to-end"``, ``"stage-1"``, ``"stage-2"``).
    padding : str
        ``"none"`` (padded to the longest of a batch), ``"packed"`` (no padding at all), a fixed length such as
        ``"1024"``, ``"shared"`` (as none, and questions about one ECG share its positions), or empty where it does not
        apply.
    configuration, versions : str
        JSON objects, sorted keys, no spaces (see `compact_json`).
    configuration_fingerprint, data_fingerprint, tokenizer_fingerprint : str
        Fingerprints; empty where there is nothing to identify.
    train_seconds, evaluate_seconds : float
        Seconds of the run; NaN where nothing was timed.
    device, code_version : str
        Where and with which code.
    """

    table: str
    method: str
    input: str
    dataset: str
    split: str
    metric: str
    value: float
    n: int
    seed: int | None
    profile: str
    scale: str
    signature: str
    ci_low: float = math.nan
    ci_high: float = math.nan
    subset: str = "all"
    variant: str = ""
    trained_on: str = ""
    seeds: int = 1
    run_seeds: str = ""
    stage: str = ""
    padding: str = ""
    configuration: str = "{}"
    configuration_fingerprint: str = ""
    data_fingerprint: str = ""
    tokenizer_fingerprint: str = ""
    train_seconds: float = math.nan
    evaluate_seconds: float = math.nan
    device: str = ""
    versions: str = "{}"
    code_version: str = ""

    @property
    def key(self) -> tuple[str | int | None, ...]:
        """What no two rows of a file may share."""
        return tuple(getattr(self, name) for name in KEY)

    def describe(self) -> str:
        """The key in words, for messages."""
        return ", ".join(f"{name} {getattr(self, name)!r}" for name in KEY)


COLUMNS = ResultRow._fields
KEY = (
    "table",
    "method",
    "input",
    "dataset",
    "split",
    "metric",
    "subset",
    "variant",
    "trained_on",
    "stage",
    "padding",
    "seed",
    "seeds",
    "profile",
)
FLOATS = ("value", "ci_low", "ci_high", "train_seconds", "evaluate_seconds")
INTEGERS = ("n", "seeds")
_NAMES = ("method", "dataset", "split", "profile", "subset", "signature")
_LAYOUTS = ("", "none", "packed", "shared")


def compact_json(content: object) -> str:
    """JSON with sorted keys and no spaces, so that equal contents are equal strings."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def seed_columns(seeds: Sequence[int]) -> dict[str, Any]:
    """The columns of a row of one training run, or of the mean over several."""
    if len(seeds) == 1:
        return {"seed": seeds[0], "seeds": 1, "run_seeds": ""}
    return {"seed": None, "seeds": len(seeds), "run_seeds": "+".join(map(str, seeds))}


def check_rows(rows: Iterable[ResultRow]) -> list[ResultRow]:
    """Return `rows` sorted by key after checking them, a column at a time, and that they can stand in one file.

    Raises
    ------
    TypeError, ValueError
        If a cell cannot be what its column holds; the column and the row are named.
    ValueError
        If two rows share a key, or rows of one table and metric have different signatures.
    """
    rows = list(rows)
    if not rows:
        return []
    columns = dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))
    _check_types(columns)
    _check_texts(columns)
    _check_numbers(rows, columns)
    _check_definitions(columns)
    # A mean, which has no seed, comes before its runs.
    seeds = [-1 if seed is None else seed for seed in columns["seed"]]
    keys = list(zip(*(seeds if name == "seed" else columns[name] for name in KEY), strict=True))
    order = sorted(range(len(rows)), key=keys.__getitem__)
    for before, after in itertools.pairwise(order):
        if keys[before] == keys[after]:
            raise ValueError(f"rows: two rows have the same key: {rows[after].describe()}")
    return [rows[place] for place in order]


def _check_types(columns: Mapping[str, Sequence[Any]]) -> None:
    for name, values in columns.items():
        types: tuple[type, ...]
        expected, types = "str", (str,)
        if name in INTEGERS:
            expected, types = "int", (int,)
        elif name == "seed":
            expected, types = "int or None", (int, type(None))
        elif name in FLOATS:
            expected, types = "float", (float, int)
        for kind in set(map(type, values)):
            if kind is bool or not issubclass(kind, types):
                value = next(value for value in values if type(value) is kind)
                raise TypeError(f"{name}: got {kind.__name__} {value!r}, expected {expected}")


def _check_texts(columns: Mapping[str, Sequence[str]]) -> None:
    options_of = {"table": TABLES, "input": INPUTS, "metric": tuple(METRICS), "scale": SCALES}
    for name, options in options_of.items():
        for value in sorted(set(columns[name]).difference(options)):
            check_option(name, value, options)
    for name in _NAMES:
        if "" in columns[name]:
            raise ValueError(f"{name}: got an empty string, expected a name")
    for padding in set(columns["padding"]).difference(_LAYOUTS):
        if not padding.isdecimal():
            raise ValueError(
                f"padding: got {padding!r}, expected '', 'none', 'packed', 'shared' or a length such as '1024'"
            )
    for name in ("configuration", "versions"):
        for text in set(columns[name]):
            _check_json_object(name, text)


def _check_numbers(rows: Sequence[ResultRow], columns: Mapping[str, Sequence[Any]]) -> None:
    value, low, high = (np.array(columns[name], dtype=np.float64) for name in ("value", "ci_low", "ci_high"))
    seeds, counts = (np.array(columns[name]) for name in ("seeds", "n"))
    is_mean = np.array([seed is None for seed in columns["seed"]])
    named = np.array([text.count("+") + 1 if text else 0 for text in columns["run_seeds"]])
    bounds = np.array([METRICS[name].bounds for name in columns["metric"]])
    checks = [
        ("value", ~np.isfinite(value), "a finite number"),
        ("ci_low, ci_high", np.isnan(low) != np.isnan(high), "both or neither"),
        ("ci_low, ci_high", low > high, "low <= high"),
        *(
            (name, np.isinf(np.array(columns[name], dtype=np.float64)), "a finite number or NaN")
            for name in ("ci_low", "ci_high", "train_seconds", "evaluate_seconds")
        ),
        ("seeds", seeds < 1, "1 or more"),
        ("n", counts < 0, "0 or more"),
        ("seed, seeds", is_mean != (seeds > 1), "a seed for one run, and none for a mean over several"),
        ("run_seeds, seeds", (named > 0) & (named != seeds), "as many seeds as runs"),
        ("value, metric", (value < bounds[:, 0] - ROUNDING) | (value > bounds[:, 1] + ROUNDING), ""),
    ]
    for names, bad, expected in checks:
        if bad.any():
            row = rows[int(bad.argmax())]
            got = ", ".join(str(getattr(row, name)) for name in names.split(", "))
            expected = expected or "{:g} to {:g}".format(*METRICS[row.metric].bounds)
            raise ValueError(f"{names}: got {got} for {row.describe()}, expected {expected}")


def _check_definitions(columns: Mapping[str, Sequence[str]]) -> None:
    known: dict[tuple[str, str], str] = {}
    for table, metric, signature in set(zip(columns["table"], columns["metric"], columns["signature"], strict=True)):
        other = known.setdefault((table, metric), signature)
        if other != signature:
            first, second = sorted((other, signature))
            raise ValueError(
                f"rows: {metric!r} of table {table!r} is defined in two ways, {first!r} and {second!r}; "
                "such rows do not mix, measure the older ones again"
            )


def _check_json_object(name: str, text: str) -> None:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{name}: got {text[:60]!r}, expected a JSON object ({error})") from error
    if not isinstance(content, dict) or compact_json(content) != text:
        raise ValueError(f"{name}: got {text[:60]!r}, expected a JSON object as compact_json writes it")
