"""Check a folder of results: ``python -m experiments.check results/default``.

Every fault is one line on standard output. Exit code 0 where there is none, 1 where there are some, 2 where a folder is
not there.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ecgbyte.metrics.language import exact_match
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from experiments.report.answer_files import answered_methods, read_answer_files, read_question_file
from experiments.report.content import read_content
from experiments.rows.completeness import missing_rows
from experiments.rows.files import read_rows, read_runs, run_name
from experiments.rows.groups import GENERATED
from experiments.rows.losses import LOSSES_FILE, read_curves
from experiments.rows.schema import ROUNDING, ResultRow


def check_results(folder: Path) -> list[str]:
    """The faults of a folder of results, in words; none where it is in order.

    The rows are of this version of the form, no two have one key, and none is missing that its siblings have; values
    are finite and within the bounds of their metrics, and within their intervals. Counts agree with the answers, the
    runs and the rejected records; the tokenizer is that of the rows; the answers, scored again, are right as often as
    the rows say.

    Parameters
    ----------
    folder : Path
        Such as ``results/default``.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"folder: there is no folder {folder}")
    try:
        rows = read_rows(folder)
    except (ValueError, OSError) as error:
        return [str(error)]
    faults: list[str] = []
    parts: tuple[Callable[[], Iterator[str]], ...] = (
        lambda: _intervals(rows),
        lambda: missing_rows(rows),
        lambda: _runs(folder, rows),
        lambda: _answers(folder, rows),
        lambda: _tokenizer(folder, rows),
        lambda: _rejected(folder),
        lambda: _pages(folder),
    )
    for part in parts:
        try:
            faults += part()
        except (ValueError, OSError) as error:
            faults.append(str(error))
    return faults


def _intervals(rows: Sequence[ResultRow]) -> Iterator[str]:
    for row in rows:
        if row.value < row.ci_low - ROUNDING or row.value > row.ci_high + ROUNDING:
            yield f"interval: {row.value} lies outside {row.ci_low} to {row.ci_high} of {row.describe()}"


def _runs(folder: Path, rows: Sequence[ResultRow]) -> Iterator[str]:
    measured = {run_name(row) for row in rows}
    runs = read_runs(folder)
    for name in sorted(runs.keys() - measured):
        yield f"runs.csv: the run {name!r} has no measure"
    for name in sorted(measured - runs.keys()):
        yield f"runs.csv: measures of the run {name!r} stand under another name"


def _answers(folder: Path, rows: Sequence[ResultRow]) -> Iterator[str]:
    """Counts and accuracy of the rows against the answers, scored again."""
    questions = read_question_file(folder / "answers")
    counts = {"all": len(questions)}
    sources = {question.get("source") for question in questions}
    for question in questions:
        # Types are those of the headline's questions, where ECG-QA's stand beside them.
        if GENERATED not in sources or question["source"] == GENERATED:
            counts[question["question_type"]] = counts.get(question["question_type"], 0) + 1
    quality = [row for row in rows if row.table == "language-quality"]
    for row in quality:
        if row.subset in counts and row.n != counts[row.subset] and row.metric != "truncated-inputs":
            yield f"n: got {row.n} for {row.describe()}, but {counts[row.subset]} such questions were answered"
    wanted = {
        (row.method, row.seed, row.input): row
        for row in quality
        if (row.metric, row.subset, row.seeds) == ("accuracy", "all", 1)
    }
    found: set[tuple[str, int | None, str]] = set()
    for method in answered_methods(folder / "answers"):
        for seed, by_input in read_answer_files(folder / "answers", method).items():
            for shown, answers in by_input.items():
                found.add((method, seed, shown))
                scored = wanted.get((method, seed, shown))
                if scored is None:
                    continue
                given = answers.generations
                right = exact_match([item.reference for item in given], [item.answer for item in given])
                if abs(right - scored.value) > ROUNDING:
                    yield f"accuracy: got {scored.value} for {scored.describe()}, but the answers give {right:.6f}"
    for whose in sorted(wanted.keys() - found, key=str):
        yield f"answers: there are none of {whose[0]!r}, seed {whose[1]}, input {whose[2]!r}, which the rows measure"
    for whose in sorted(found - wanted.keys(), key=str):
        yield f"answers: those of {whose[0]!r}, seed {whose[1]}, input {whose[2]!r}, are measured by no row"


def _tokenizer(folder: Path, rows: Sequence[ResultRow]) -> Iterator[str]:
    own = ECGTokenizer.load(folder / "tokenizer.json").fingerprint
    for other in sorted({row.tokenizer_fingerprint for row in rows} - {own}):
        yield f"tokenizer.json: got {own}, but rows were made with {other or 'none'}"


def _rejected(folder: Path) -> Iterator[str]:
    with (folder / "rejected.csv").open(encoding="utf-8", newline="") as stream:
        rejected = len(list(csv.DictReader(stream)))
    details = json.loads((folder / "details.json").read_text(encoding="utf-8"))
    told = details.get("data", {}).get("rejected")
    if told != rejected:
        yield f"rejected.csv: holds {rejected} records, but details.json tells {told} rejected"


def _pages(folder: Path) -> Iterator[str]:
    """The files that pages and figures are made of can be read."""
    read_content(folder)
    read_curves(folder / LOSSES_FILE)
    yield from ()


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the folders named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m experiments.check", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="such as results/default")
    code = 0
    for folder in parser.parse_args(arguments).folders:
        try:
            faults = check_results(folder)
        except FileNotFoundError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        for fault in faults:
            print(f"{folder}: {fault}")
        if faults:
            code = 1
        else:
            print(f"{folder}: in order")
    return code


if __name__ == "__main__":
    sys.exit(main())
