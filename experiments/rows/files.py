"""Rows as files, and back: ``measures.csv``, one row a run and metric, beside ``runs.csv``, one row a run.

A run is what gave a value: one training run of a method, the mean over several, a comparison, a stage of training at a
layout. Its settings and versions stand in full once, in ``configurations.json``; what defines each metric stands once,
with the version of this form, in ``schema.json``.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ecgbyte.files import fingerprint, write_atomically
from experiments.rows.groups import AGAINST
from experiments.rows.metrics import FROM_BEST
from experiments.rows.schema import COLUMNS, SCHEMA_VERSION, ResultRow, check_rows, compact_json
from experiments.rows.variants import TOKENIZER_METRICS

MEASURES_FILE, RUNS_FILE = "measures.csv", "runs.csv"
CONFIGURATIONS_FILE, SCHEMA_FILE = "configurations.json", "schema.json"
MEASURE_COLUMNS = (
    *("table", "method", "input", "dataset", "subset", "metric", "value", "ci_low", "ci_high", "n", "seed", "run"),
)
# What holds for a run as a whole; `seeds` are all of its training seeds, such as 0+1+2.
RUN_COLUMNS = (
    *("run", "profile", "scale", "method", "seeds", "split", "variant", "trained_on", "stage", "padding"),
    *("train_seconds", "evaluate_seconds", "device", "configuration", "configuration_fingerprint"),
    *("data_fingerprint", "tokenizer_fingerprint", "code_version", "versions"),
)
# The columns of a row that its run gives.
COLUMNS_OF_RUNS = tuple(name for name in RUN_COLUMNS if name not in ("run", "method"))
# Long texts that runs share: the runs name them by their fingerprints.
_SHARED = ("configuration", "versions")
_SECONDS = ("train_seconds", "evaluate_seconds")


def run_name(row: ResultRow) -> str:
    """The name of the run that a row belongs to, unique in its file.

    Such as ``"ecg-byte:0"``, ``"ecg-byte:0+1+2"`` (a mean), ``"merl against ecg-byte:0+1+2"``,
    ``"ecg-byte:0/end-to-end/packed"``, ``"ecg-byte:0/tokens"``, ``"ecg-byte:0/ptb-xl to synthetic"``,
    ``"ecg-byte:0, model.layers=2"``, ``"ecg-byte:0/minus base, model.layers=2"``.
    """
    compared = row.variant.startswith(AGAINST)
    parts = [f"{row.method}{f' {row.variant}' if compared else ''}:{_seeds_of(row)}"]
    if row.metric in TOKENIZER_METRICS:
        parts.append("tokens")
    parts += filter(None, (row.stage, row.padding))
    if row.split != ("train" if row.stage else "test"):
        parts.append(row.split)
    if row.trained_on:
        parts.append(f"{row.trained_on} to {row.dataset}")
    if row.table == "ablations":
        # What is compared is of two runs.
        parts += ["minus base"] if row.metric.endswith("-difference") else ()
        parts += ["minus the best two-stage method"] if row.metric == FROM_BEST else ()
    return "/".join(parts) + (f", {row.variant}" if row.variant and not compared else "")


def _seeds_of(row: ResultRow) -> str:
    if row.seed is None and not row.run_seeds:
        raise ValueError(f"run_seeds: got none for {row.describe()}, expected those of its {row.seeds} runs")
    return row.run_seeds or str(row.seed)


def write_rows(folder: str | os.PathLike[str], rows: Iterable[ResultRow]) -> None:
    """Write rows, sorted by key, numbers rounded to six digits after the point: same results, same bytes.

    Raises
    ------
    TypeError, ValueError
        As `check_rows`, and if rows of one run differ in what holds for the run as a whole.
    FileNotFoundError
        If `folder` does not exist.
    """
    folder = Path(folder)
    rows = check_rows(rows)
    runs: dict[str, dict[str, Any]] = {}
    shared: dict[str, Any] = {}
    measures = []
    signatures: dict[str, dict[str, str]] = {}
    for row in rows:
        name = run_name(row)
        _add_run(runs, name, row)
        cells = [format_cell(getattr(row, column)) for column in MEASURE_COLUMNS[:-1]]
        measures.append([*cells, name])
        signatures.setdefault(row.table, {})[row.metric] = row.signature
    lines = []
    for run in (runs[name] for name in sorted(runs)):
        for column in _SHARED:
            text = run[column]
            run[column] = fingerprint(text)
            shared.setdefault(run[column], json.loads(text))
        lines.append([format_cell(run[column]) for column in RUN_COLUMNS])
    schema = {"version": SCHEMA_VERSION, "signatures": signatures}
    write_atomically(folder / SCHEMA_FILE, json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    write_atomically(folder / CONFIGURATIONS_FILE, json.dumps(shared, indent=1, sort_keys=True) + "\n")
    write_atomically(folder / RUNS_FILE, _csv_text(RUN_COLUMNS, lines))
    write_atomically(folder / MEASURES_FILE, _csv_text(MEASURE_COLUMNS, measures))


def _add_run(runs: dict[str, dict[str, Any]], name: str, row: ResultRow) -> None:
    """Note the run of a row, after checking that what is known of it already is the same."""
    values = {column: getattr(row, column) for column in RUN_COLUMNS if column not in ("run", "seeds")}
    run = runs.setdefault(name, {"run": name, "seeds": _seeds_of(row), **values})
    for column, value in values.items():
        if column in _SECONDS and (math.isnan(value) or math.isnan(run[column])):
            # Not every row of a run says how long it took.
            run[column] = run[column] if math.isnan(value) else value
        elif run[column] != value:
            raise ValueError(f"{column}: got {run[column]!r} and {value!r} for the run {name!r}, expected one of them")


def read_rows(folder: str | os.PathLike[str]) -> list[ResultRow]:
    """Read what `write_rows` wrote and check all of it.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If the form is of another version, a file has other columns, a cell cannot be what its column holds, a run or
        a definition is missing, or as `check_rows`; the file and, where it is one line, the line are named.
    """
    folder = Path(folder)
    signatures = read_signatures(folder)
    path = folder / MEASURES_FILE
    content, runs = _read_csv(path, MEASURE_COLUMNS), read_runs(folder)
    for name, kind in (("value", float), ("ci_low", float), ("ci_high", float), ("n", int), ("seed", int)):
        empty = {"seed": None, "ci_low": math.nan, "ci_high": math.nan}
        content[name] = _numbers(path, name, content[name], kind, empty)
    for line, (name, method) in enumerate(zip(content["run"], content["method"], strict=True), 2):
        if name not in runs or runs[name]["method"] != method:
            raise ValueError(f"{path}, line {line}: run: got {name!r}, which is no run of {method!r} in {RUNS_FILE}")
    own = [runs[name] for name in content["run"]]
    for column in (*COLUMNS_OF_RUNS, "run_seeds"):
        content[column] = [run[column] for run in own]
    try:
        places = zip(content["table"], content["metric"], strict=True)
        content["signature"] = [signatures[table][metric] for table, metric in places]
    except KeyError as error:
        raise ValueError(f"{folder / SCHEMA_FILE}: does not define {error}, which {MEASURES_FILE} holds") from error
    try:
        return check_rows(map(ResultRow._make, zip(*(content[name] for name in COLUMNS), strict=True)))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def read_runs(folder: str | os.PathLike[str]) -> dict[str, dict[str, Any]]:
    """``runs.csv`` by the runs' names: configurations and versions in full, `seeds` counted, `run_seeds` as in rows.

    Raises
    ------
    FileNotFoundError, ValueError
        As `read_rows`.
    """
    folder = Path(folder)
    path = folder / RUNS_FILE
    columns = _read_csv(path, RUN_COLUMNS)
    texts = _read_configurations(folder / CONFIGURATIONS_FILE)
    for name in _SHARED:
        for line, reference in enumerate(columns[name], 2):
            if reference not in texts:
                raise ValueError(f"{path}, line {line}: {name}: {reference!r} is not in {CONFIGURATIONS_FILE}")
        columns[name] = [texts[reference] for reference in columns[name]]
    for name in _SECONDS:
        columns[name] = _numbers(path, name, columns[name], float, {name: math.nan})
    columns["run_seeds"] = [seeds if "+" in seeds else "" for seeds in columns["seeds"]]
    columns["seeds"] = [seeds.count("+") + 1 for seeds in columns["seeds"]]
    runs: dict[str, dict[str, Any]] = {}
    for line, cells in enumerate(zip(*columns.values(), strict=True), 2):
        run = dict(zip(columns, cells, strict=True))
        if runs.setdefault(run["run"], run) is not run:
            raise ValueError(f"{path}, line {line}: run: {run['run']!r} stands there twice")
    return runs


def read_signatures(folder: str | os.PathLike[str]) -> dict[str, dict[str, str]]:
    """What defines each metric of each table, from ``schema.json``; refuses other versions of the form.

    Raises
    ------
    FileNotFoundError
        If there is no such file, as in results of the form before this one.
    ValueError
        If it is of another version, or holds something else.
    """
    path = Path(folder) / SCHEMA_FILE
    if not path.is_file():
        raise FileNotFoundError(f"folder: there is no file {path}; results of an older form have to be made again")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version, signatures = content["version"], content["signatures"]
        known = {str(table): {str(m): str(text) for m, text in of.items()} for table, of in signatures.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: expected the version and the signatures of metrics ({error!r})") from error
    if version != SCHEMA_VERSION:
        raise ValueError(
            f"{path}: version: got {version!r}, expected {SCHEMA_VERSION}; rows of two versions do not mix, make these "
            "results again"
        )
    return known


def _read_csv(path: Path, expected: Sequence[str]) -> dict[str, list[Any]]:
    """The cells of a file as text, by column. The last cell of a line is never empty."""
    # Loaded here, so that the command line's help does not wait for it.
    import pandas as pd

    if not path.is_file():
        raise FileNotFoundError(f"folder: there is no file {path}")
    try:
        frame = pd.read_csv(path, header=None, dtype=object, na_filter=False)
    except ValueError as error:
        raise ValueError(f"{path}: expected lines of the columns {', '.join(expected)} ({error})") from error
    header = frame.iloc[0].tolist()
    if header != list(expected):
        raise ValueError(f"{path}, line 1: expected the columns {', '.join(expected)}; got {', '.join(header)}")
    cells = {name: frame[place].tolist()[1:] for place, name in enumerate(expected)}
    for line, cell in enumerate(cells[expected[-1]], 2):
        if not cell:
            raise ValueError(f"{path}, line {line}: expected {len(expected)} cells, got fewer")
    return cells


def _numbers(
    path: Path, name: str, cells: Sequence[str], kind: type[int] | type[float], empty: Mapping[str, float | None]
) -> list[Any]:
    """Cells as numbers; `empty` says what stands for an empty cell of a column that may have such."""
    numbers: list[Any] = []
    for line, cell in enumerate(cells, 2):
        if not cell and name in empty:
            numbers.append(empty[name])
            continue
        try:
            numbers.append(kind(cell))
        except ValueError as error:
            what = "a whole number" if kind is int else "a number"
            raise ValueError(f"{path}, line {line}: {name}: got {cell!r}, expected {what}") from error
    return numbers


def _read_configurations(path: Path) -> dict[str, str]:
    """The texts that runs name by their fingerprints."""
    if not path.is_file():
        raise FileNotFoundError(f"folder: there is no file {path}")
    content = json.loads(path.read_text(encoding="utf-8"))
    texts = {name: compact_json(value) for name, value in content.items()}
    for name, text in texts.items():
        if fingerprint(text) != name:
            raise ValueError(f"{path}: what stands under {name} is something else, it has been changed")
    return texts


def _csv_text(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return stream.getvalue()


def format_cell(value: str | int | float | None) -> str:
    """A value as the CSV files hold it: at most six digits after the point, NaN and None as an empty cell."""
    if value is None:
        return ""
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        digits = f"{value:.6f}".rstrip("0").rstrip(".")
        return "0" if digits == "-0" else digits
    return str(value)
