"""The rows of ``results/<profile>/runs.csv``: one row a run and metric, the columns written once, here.

Where a measure goes is said by ``table``: answers measured against references have ``language-quality``, whatever the
input; the cost of training ``efficiency``; areas under ROC curves ``roc-areas``, whatever the input; paired differences
between the ECG and a control ``controls``; paired tests between methods ``comparisons``; measures of the tokens
``tokenizer``. Runs with one setting changed have ``ablations``, runs tested on another data set than they were trained
on ``transfer``. Tables are drawn from nothing else.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, fields

from ecgbyte.checks import check_option
from experiments.rows.metrics import INPUTS, METRICS, SCALES, TABLES


@dataclass(frozen=True, kw_only=True)
class ResultRow:
    """One measured value and all that is needed to measure it again.

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
        Finite. What has no value (an area with one class only) has no row.
    ci_low, ci_high : float
        95 % interval; both NaN where there is none (an empty cell in the file).
    n : int
        How many samples the value rests on.
    seed : int
        The seed of the run.
    profile : str
        The profile that planned the run.
    subset : str
        ``"all"``, a question type such as ``"single-verify"``, or for ROC areas an attribute.
    variant : str
        Empty, or what sets the row apart: the changed setting of an ablation (``"num_merges=500"``), the other method
        of a comparison (``"against merl"``).
    trained_on : str
        The data set of the training, where it is another than `dataset`; else empty.
    seeds : int
        Of how many training runs this is the mean; 1 for a row of one run. With more, `seed` is the first of them, and
        the interval is over training runs and patients.
    stage : str
        Empty, or the stage of training (``"end-to-end"``, ``"stage-1"``, ``"stage-2"``).
    padding : str
        ``"none"`` (padded to the longest of a batch), ``"packed"`` (no padding at all), a fixed length such as
        ``"1024"``, ``"shared"`` (as none, and questions about one ECG share its positions), or empty where it does not
        apply.
    scale : str
        One of `SCALES`; ``"small run"`` marks a value that cannot be compared with published ones.
    signature : str
        Defines the metric; rows of one table and metric must agree in it.
    configuration, versions : str
        JSON objects, sorted keys, no spaces (see `compact_json`).
    configuration_fingerprint, data_fingerprint, tokenizer_fingerprint : str
        Fingerprints; empty where there is nothing to identify.
    train_seconds, evaluate_seconds : float
        Seconds; NaN where nothing was timed.
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
    ci_low: float = math.nan
    ci_high: float = math.nan
    n: int
    seed: int
    profile: str
    subset: str = "all"
    variant: str = ""
    trained_on: str = ""
    seeds: int = 1
    stage: str = ""
    padding: str = ""
    scale: str
    signature: str
    configuration: str = "{}"
    configuration_fingerprint: str = ""
    data_fingerprint: str = ""
    tokenizer_fingerprint: str = ""
    train_seconds: float = math.nan
    evaluate_seconds: float = math.nan
    device: str = ""
    versions: str = "{}"
    code_version: str = ""

    def __post_init__(self) -> None:
        for name in COLUMNS:
            _check_type(name, getattr(self, name))
        check_option("table", self.table, TABLES)
        check_option("input", self.input, INPUTS)
        check_option("metric", self.metric, tuple(METRICS))
        check_option("scale", self.scale, SCALES)
        for name in ("method", "dataset", "split", "profile", "subset", "signature"):
            if not getattr(self, name):
                raise ValueError(f"{name}: got an empty string, expected a name")
        if self.padding not in ("", "none", "packed", "shared") and not self.padding.isdecimal():
            raise ValueError(
                f"padding: got {self.padding!r}, expected '', 'none', 'packed', 'shared' or a length such as '1024'"
            )
        if not math.isfinite(self.value):
            raise ValueError(f"value: got {self.value} for {self.describe()}, expected a finite number")
        if math.isnan(self.ci_low) != math.isnan(self.ci_high):
            raise ValueError(
                f"ci_low, ci_high: got {self.ci_low}, {self.ci_high} for {self.describe()}, expected both or neither"
            )
        if self.ci_low > self.ci_high:
            raise ValueError(
                f"ci_low, ci_high: got {self.ci_low} > {self.ci_high} for {self.describe()}, expected low <= high"
            )
        for name in ("ci_low", "ci_high", "train_seconds", "evaluate_seconds"):
            if math.isinf(getattr(self, name)):
                raise ValueError(f"{name}: got {getattr(self, name)}, expected a finite number or NaN")
        if self.seeds < 1:
            raise ValueError(f"seeds: got {self.seeds}, expected 1 or more")
        if self.n < 0:
            raise ValueError(f"n: got {self.n}, expected 0 or more")
        for name in ("configuration", "versions"):
            _check_json_object(name, getattr(self, name))

    @property
    def key(self) -> tuple[str | int, ...]:
        """What no two rows of a file may share."""
        return tuple(getattr(self, name) for name in KEY)

    def describe(self) -> str:
        """The key in words, for messages."""
        return ", ".join(f"{name} {getattr(self, name)!r}" for name in KEY)


COLUMNS = tuple(field.name for field in fields(ResultRow))
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
INTEGERS = ("n", "seed", "seeds")


def compact_json(content: object) -> str:
    """JSON with sorted keys and no spaces, so that equal contents are equal strings."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def check_rows(rows: Iterable[ResultRow]) -> list[ResultRow]:
    """Return `rows` sorted by key after checking that they can stand in one file.

    Raises
    ------
    ValueError
        If two rows share a key, or rows of one table and metric have different signatures.
    """
    ordered = sorted(rows, key=lambda row: row.key)
    for before, after in itertools.pairwise(ordered):
        if before.key == after.key:
            raise ValueError(f"rows: two rows have the same key: {after.describe()}")
    signatures: dict[tuple[str, str], str] = {}
    for row in ordered:
        known = signatures.setdefault((row.table, row.metric), row.signature)
        if known != row.signature:
            raise ValueError(
                f"rows: {row.metric!r} of table {row.table!r} is defined in two ways, {known!r} and {row.signature!r}; "
                "such rows do not mix, measure the older ones again"
            )
    return ordered


def _check_type(name: str, value: object) -> None:
    if name in INTEGERS:
        correct = isinstance(value, int) and not isinstance(value, bool)
    elif name in FLOATS:
        correct = isinstance(value, int | float) and not isinstance(value, bool)
    else:
        correct = isinstance(value, str)
    if not correct:
        expected = "int" if name in INTEGERS else "float" if name in FLOATS else "str"
        raise TypeError(f"{name}: got {type(value).__name__} {value!r}, expected {expected}")


def _check_json_object(name: str, text: str) -> None:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{name}: got {text[:60]!r}, expected a JSON object ({error})") from error
    if not isinstance(content, dict) or compact_json(content) != text:
        raise ValueError(f"{name}: got {text[:60]!r}, expected a JSON object as compact_json writes it")
