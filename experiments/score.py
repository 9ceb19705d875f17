"""Score answers that were made elsewhere: ``python -m experiments.score ANSWERS.jsonl``.

One JSON object a line, one line an answer (the file may be compressed, ``.jsonl.gz``):

    {"sample_id": "q1", "record_id": "r7", "patient_id": "p3", "question": "Is there ...?", "reference": "yes",
     "answer": "no"}

and where they are known ``question_type`` (of ECG-QA, such as ``"single-verify"``; default ``"single-query"``),
``attributes`` (a list of what the question names), ``input`` (what stood in the place of the ECG, such as
``"flat-line"``; default ``"ecg"``), ``yes_score`` (P(yes) / (P(yes) + P(no)), 0 to 1) and ``seed`` (of the training
run; default 0). Every input and every seed answers the same questions. See docs/results.md.

Exit code 0 where all is scored, 1 where it is scored and patients or records of the training are among those asked
about, 2 for bad lines or arguments.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ecgbyte.data.questions.question import REPORT_QUESTION_TYPE, SINGLE_QUESTION_TYPES, Question
from ecgbyte.json_lines import numbered_json_lines
from experiments.rows.metrics import INPUTS, SCALES

if TYPE_CHECKING:
    from experiments.rows.language import Runs
    from experiments.rows.schema import ResultRow

_TEXTS = ("sample_id", "record_id", "patient_id", "question", "reference", "answer")
_OPTIONAL = ("question_type", "attributes", "input", "yes_score", "seed")
_TYPES = (*SINGLE_QUESTION_TYPES, REPORT_QUESTION_TYPE)
_SHOWN = 20  # bad lines that are named one by one


class ScoredAnswers(NamedTuple):
    """Answers that go together.

    Attributes
    ----------
    runs : mapping
        From training seed to input to answers, in the order of `questions`.
    questions : list of Question
    patients : dict
        From record id to patient id.
    """

    runs: Runs
    questions: list[Question]
    patients: dict[str, str]


def read_answers(path: Path) -> ScoredAnswers:
    """Read a file of answers.

    Raises
    ------
    FileNotFoundError
        If it is not there.
    ValueError
        If it holds no answer, or lines are bad: each is named by its number with what is wrong.
    """
    lines = numbered_json_lines(path)
    if not lines:
        raise ValueError(f"{path}: holds no answer")
    problems: list[str] = []
    groups: dict[tuple[int, str], dict[str, dict[str, Any]]] = {}
    asked: dict[str, tuple[int, dict[str, Any]]] = {}
    patients: dict[str, tuple[int, str]] = {}
    for number, line in lines:
        found = _problems(line)
        if not found:
            known, first = asked.setdefault(line["sample_id"], (number, line))
            found += [
                f"{name}: got {line.get(name)!r}, but line {known} has {first.get(name)!r} for the same sample_id"
                for name in (*_TEXTS[1:-1], "question_type", "attributes")
                if line.get(name) != first.get(name)
            ]
            known, patient = patients.setdefault(line["record_id"], (number, line["patient_id"]))
            if patient != line["patient_id"]:
                found.append(
                    f"patient_id: got {line['patient_id']!r}, but line {known} has {patient!r} for this record"
                )
            group = groups.setdefault((line.get("seed", 0), line.get("input", "ecg")), {})
            if group.setdefault(line["sample_id"], line) is not line:
                found.append(f"sample_id: {line['sample_id']!r} is answered twice for this input and seed")
        problems += [f"line {number}: {problem}" for problem in found]
    if not problems:
        problems += _uneven(groups, asked)
    if problems:
        more = f"\n... and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise ValueError(f"{path}: {len(problems)} problems:\n" + "\n".join(problems[:_SHOWN]) + more)
    return _put_together(groups, [line for _, line in asked.values()])


def _problems(line: Mapping[str, Any]) -> list[str]:
    """What is wrong with one line by itself."""
    problems = [f"{name}: missing" for name in _TEXTS if name not in line]
    problems += [f"{name}: is no field of an answer" for name in line if name not in (*_TEXTS, *_OPTIONAL)]
    for name in _TEXTS:
        value = line.get(name, "")
        if not isinstance(value, str):
            problems.append(f"{name}: got {type(value).__name__}, expected text")
        elif name in line and name != "answer" and not value.strip():
            problems.append(f"{name}: empty")
    for name, allowed in (("question_type", _TYPES), ("input", INPUTS)):
        if name in line and line[name] not in allowed:
            problems.append(f"{name}: got {line[name]!r}, expected one of {', '.join(allowed)}")
    attributes = line.get("attributes", [])
    if not isinstance(attributes, list) or not all(isinstance(item, str) and item.strip() for item in attributes):
        problems.append(f"attributes: got {attributes!r}, expected a list of names")
    score = line.get("yes_score", 0)
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        problems.append(f"yes_score: got {score!r}, expected 0 to 1")
    seed = line.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int):
        problems.append(f"seed: got {seed!r}, expected a whole number")
    return problems


def _uneven(groups: Mapping[tuple[int, str], Mapping[str, Any]], asked: Mapping[str, Any]) -> list[str]:
    """Samples that an input or a seed leaves out, inputs that a seed has not, scores that only some have."""
    problems = []
    inputs, seeds = {shown for _, shown in groups}, {seed for seed, _ in groups}
    for seed in sorted(seeds):
        for shown in sorted(inputs):
            place = f"seed {seed}, input {shown!r}"
            if (seed, shown) not in groups:
                problems.append(f"{place}: no answers, expected the same inputs for every seed")
                continue
            group = groups[seed, shown]
            missing = [name for name in asked if name not in group]
            if missing:
                problems.append(f"{place}: no answer to {len(missing)} of {len(asked)}, such as {missing[0]!r}")
            verify = [line for line in group.values() if line.get("question_type") == "single-verify"]
            scored = sum("yes_score" in line for line in verify)
            if 0 < scored < len(verify):
                problems.append(f"{place}: {scored} of {len(verify)} verify questions have a yes_score, expected all")
    return problems


def _put_together(
    groups: Mapping[tuple[int, str], Mapping[str, Mapping[str, Any]]], asked: Sequence[Mapping[str, Any]]
) -> ScoredAnswers:
    from ecgbyte.training.generation_file import Generation
    from experiments.steps.answers import Answers

    questions = []
    for line in asked:
        kind = line.get("question_type", "single-query")
        texts = (line["sample_id"], kind, kind, "given", line["question"])
        attributes = tuple(line.get("attributes", ()))
        questions.append(Question(*texts, (line["reference"],), (line["record_id"],), attributes, "generated"))
    runs: dict[int, dict[str, Answers]] = {}
    for (seed, shown), group in sorted(groups.items(), key=lambda item: (item[0][0], INPUTS.index(item[0][1]))):
        given = [group[question.sample_id] for question in questions]
        generations = [Generation(**{name: line[name] for name in _TEXTS}) for line in given]
        scores = {line["sample_id"]: float(line["yes_score"]) for line in given if "yes_score" in line}
        runs.setdefault(seed, {})[shown] = Answers(generations, scores)
    patients = {line["record_id"]: line["patient_id"] for line in asked}
    return ScoredAnswers(runs, questions, patients)


def score_answers(answers: ScoredAnswers, options: argparse.Namespace) -> list[ResultRow]:
    """Quality of every input, differences from the ECG and ROC areas of the verify questions, with their intervals."""
    from ecgbyte.files import fingerprint
    from ecgbyte.metrics.bertscore import open_bertscore
    from experiments.rows.answer_scores import AnswerScorer, answer_scores
    from experiments.rows.language import language_rows, text_subsets
    from experiments.rows.maker import RowMaker, versions
    from experiments.rows.ranking import ranking_rows
    from experiments.rows.schema import check_rows, compact_json

    settings = {"bertscore": options.bertscore, "resamples": options.resamples, "seed": options.seed}
    common = {
        "profile": "given-answers",
        "scale": options.scale,
        "dataset": options.dataset,
        "versions": versions(),
        "configuration": compact_json(settings),
        "configuration_fingerprint": fingerprint(compact_json(settings)),
        "data_fingerprint": fingerprint(options.answers.read_bytes()),
    }
    scorer = AnswerScorer(answer_scores(open_bertscore(options.bertscore)))
    maker = RowMaker(common, scorer, options.resamples, options.seed)
    subsets = text_subsets(answers.questions, {}, seed=options.seed)
    unknown = dict.fromkeys(answers.runs, (float("nan"), float("nan")))
    method = options.method
    rows = language_rows(maker, method, answers.runs, answers.questions, answers.patients, unknown, subsets)
    rows += ranking_rows(maker, method, answers.runs, answers.questions, answers.patients)
    return check_rows(rows)


def audit(answers: ScoredAnswers, train: Path | None) -> tuple[list[str], bool]:
    """What is asked about, in words, and whether records or patients of the training are among it.

    Parameters
    ----------
    answers : ScoredAnswers
    train : Path or None
        CSV with a column ``record_id``, ``patient_id`` or both: what the model was trained on.

    Raises
    ------
    FileNotFoundError, ValueError
        If `train` is not there, or has neither column.
    """
    patients = set(answers.patients.values())
    lines = [f"{len(answers.questions)} questions about {len(answers.patients)} records of {len(patients)} patients"]
    repeated = Counter((question.record_id, " ".join(question.question.split())) for question in answers.questions)
    doubled = sum(count - 1 for count in repeated.values())
    if doubled:
        lines.append(f"{doubled} questions repeat another about the same record")
    if train is None:
        lines.append("training records: not given (--train), so nothing is known of leaks")
        return lines, False
    shared = {
        name: sorted(set(ids) & own)
        for (name, ids), own in zip(_train_ids(train).items(), (set(answers.patients), patients), strict=True)
    }
    for name, ids in shared.items():
        example = f", such as {ids[0]!r}" if ids else ""
        lines.append(f"{name} that are asked about and were trained on: {len(ids)}{example}")
    return lines, any(shared.values())


def _train_ids(path: Path) -> dict[str, list[str]]:
    if not path.is_file():
        raise FileNotFoundError(f"--train: there is no file {path}")
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            columns = set(reader.fieldnames or ())
            lines = list(reader)
    except (csv.Error, UnicodeDecodeError) as error:  # a field of more than 131,072 characters, for one
        raise ValueError(f"--train: {path} is no CSV in UTF-8 ({error})") from error
    if not {"record_id", "patient_id"} & columns:
        raise ValueError(f"--train: {path} has neither a column record_id nor patient_id")
    return {f"{name}s": [line.get(f"{name}_id") or "" for line in lines] for name in ("record", "patient")}


def table(rows: Iterable[ResultRow]) -> str:
    """The rows over all questions as text: one line a metric, one column an input; means over seeds where several.

    Differences are those of the ECG's value from each other input's.
    """
    from experiments.rows.estimates import Estimate, cell_text
    from experiments.rows.groups import most_seeds
    from experiments.rows.metrics import METRICS

    rows = [row for row in most_seeds(rows) if row.subset == "all"]
    inputs = [shown for shown in INPUTS if any(row.input == shown for row in rows)]
    found = {(row.metric, row.input): cell_text(Estimate.of(row)) for row in rows}
    lines = [["", *inputs]]
    for metric in dict.fromkeys(row.metric for row in sorted(rows, key=lambda row: list(METRICS).index(row.metric))):
        name = (
            METRICS[metric].label.replace("control", "this")
            if metric.endswith("-difference")
            else METRICS[metric].label
        )
        lines.append([name, *(found.get((metric, shown), "") for shown in inputs)])
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.score", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("answers", type=Path, metavar="ANSWERS.jsonl")
    parser.add_argument("--train", type=Path, metavar="RECORDS.csv", help="record_id, patient_id of the training")
    parser.add_argument("--method", help="the name of what answered (default: that of the file)")
    parser.add_argument("--dataset", default="given", help="the name of the data set (default: %(default)s)")
    parser.add_argument("--scale", choices=SCALES, default="full", help="(default: %(default)s)")
    parser.add_argument("--bertscore", default="none", metavar="MODEL", help="measure BERTScore by it, such as minilm")
    parser.add_argument("--resamples", type=int, default=1000, help="for the intervals (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the resampling (default: %(default)s)")
    parser.add_argument("--output", type=Path, metavar="DIR", help="write measures.csv and runs.csv there")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Score the answers named on the command line."""
    options = parser().parse_args(arguments)
    options.method = options.method or options.answers.name.removesuffix(".gz").removesuffix(".jsonl")
    try:
        if options.output is not None and options.output.exists() and any(options.output.iterdir()):
            raise ValueError(f"--output: {options.output} is not empty; expected a new folder")
        answers = read_answers(options.answers)
        lines, leaks = audit(answers, options.train)
        rows = score_answers(answers, options)
        if options.output is not None:
            from experiments.rows.files import write_rows

            options.output.mkdir(parents=True, exist_ok=True)
            write_rows(options.output, rows)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(table(rows))
    several = "over training runs and patients, a t interval" if len(answers.runs) > 1 else "bootstrap over patients"
    print(f"In brackets: 95 % interval, {several}.")
    print("\n".join(["Audit:", *lines]))
    return int(leaks)


if __name__ == "__main__":
    sys.exit(main())
