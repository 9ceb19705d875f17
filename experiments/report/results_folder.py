"""From a run's outcome to the files in ``results/<profile>/``."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

from ecgbyte.files import write_atomically
from experiments.figures.attention_maps import draw_attention
from experiments.figures.ecg import reconstruction_figure, token_overlay_figure
from experiments.profiles.data_sets import find_data_set
from experiments.profiles.profile import Profile
from experiments.report.answer_files import write_answer_files
from experiments.report.content import CONTENT_FILE, Answer, FailedRun, ReportContent, write_content
from experiments.report.deviations import deviations
from experiments.report.drawing import draw_results
from experiments.report.ecg_file import ECGS_FILE, write_ecgs
from experiments.report.outcome import Outcome
from experiments.report.report import ANSWERS_SHOWN
from experiments.report.whole_folder import replaced_folder
from experiments.rows.files import CONFIGURATIONS_FILE, MEASURES_FILE, RUNS_FILE, SCHEMA_FILE, write_rows
from experiments.rows.losses import LOSSES_FILE, write_losses
from experiments.steps.token_usage import TOKENS_FILE, write_token_usage
from experiments.tables.rendering import to_markdown

# All that is made here; what else lies in a folder of results is someone else's and stays.
WRITTEN = frozenset(
    {
        *(MEASURES_FILE, RUNS_FILE, CONFIGURATIONS_FILE, SCHEMA_FILE, LOSSES_FILE, TOKENS_FILE, CONTENT_FILE),
        ECGS_FILE,
        *("rejected.csv", "details.json", "tokenizer.json", "failed.json", "report.md", "report.html"),
        *("answers", "tables", "figures"),
    }
)


def write_results(outcome: Outcome, profile: Profile, folder: Path) -> str:
    """Write rows, tables, figures, answers and the reports; returns the tables as text, for the terminal.

    The results that were there before are replaced whole, at the end: whatever stops this, the old ones or the new ones
    are there.

    Raises
    ------
    OSError
        If a file cannot be written; the old results are as they were.
    """
    with replaced_folder(folder, made_again=WRITTEN) as beside:
        return _write(outcome, profile, beside)


def _write(outcome: Outcome, profile: Profile, folder: Path) -> str:
    write_rows(folder, outcome.rows)
    write_losses(folder / LOSSES_FILE, outcome.losses)
    shutil.copyfile(outcome.rejected, folder / "rejected.csv")
    write_atomically(folder / "details.json", json.dumps(outcome.details, indent=1, sort_keys=True) + "\n")
    outcome.tokenizer.save(folder / "tokenizer.json")
    write_answer_files(folder / "answers", outcome.questions, outcome.patients, outcome.answers)
    write_ecgs(folder / ECGS_FILE, outcome.questions, outcome.segments)
    write_token_usage(folder / TOKENS_FILE, outcome.token_usages)
    _write_failures(folder / "failed.json", outcome)
    _draw_example(outcome, profile, folder / "figures")
    if outcome.attention is not None:
        draw_attention(outcome.attention, folder / "figures")
    content = ReportContent(
        note=" ".join(filter(None, [profile.note, find_data_set(profile.data.dataset).source])),
        audit=str(outcome.audit),
        deviations=deviations(profile),
        failed=[FailedRun(failure.run, failure.error) for failure in outcome.failures],
        answers=_examples(outcome),
    )
    write_content(folder, content)
    # From here on everything is read from the files, so that it is what anyone makes from them.
    tables = draw_results(folder)
    return "\n".join(to_markdown(table, content.audit) for table in tables if table.rows)


def _write_failures(path: Path, outcome: Outcome) -> None:
    """Every run that did not end, with its traceback; no file where all ended."""
    if outcome.failures:
        failures = [dataclasses.asdict(failure) for failure in outcome.failures]
        write_atomically(path, json.dumps(failures, indent=1) + "\n")


def _draw_example(outcome: Outcome, profile: Profile, folder: Path) -> None:
    """Figures of one test ECG."""
    folder.mkdir()
    signal = outcome.segments.signal(outcome.example_record, 0)
    encoding = outcome.tokenizer.encode(signal)
    decoded = outcome.tokenizer.decode(encoding)
    rate, title = outcome.segments.sampling_rate, f"{profile.data.dataset}, record {outcome.example_record}"
    token_overlay_figure(signal, encoding, folder / "token-overlay.png", sampling_rate=rate, title=title)
    reconstruction_figure(signal, decoded, folder / "reconstruction.png", sampling_rate=rate, title=title)


def _examples(outcome: Outcome) -> dict[str, list[Answer]]:
    """The first answers, taking turns among question types: chosen by their place, not by how good they look."""
    by_type: dict[str, list[int]] = {}
    for place, question in enumerate(outcome.questions):
        by_type.setdefault(question.question_type, []).append(place)
    turns = [group[turn] for turn in range(ANSWERS_SHOWN) for _, group in sorted(by_type.items()) if turn < len(group)]
    shown = {}
    for method, by_seed in outcome.answers.items():
        generations = next(iter(next(iter(by_seed.values())).values())).generations
        chosen = [generations[place] for place in turns[:ANSWERS_SHOWN]]
        shown[method] = [Answer(item.question, item.reference, item.answer, item.record_id) for item in chosen]
    return shown
