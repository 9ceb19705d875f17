"""From a run's outcome to the files in ``results/<profile>/``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from ecgbyte.files import write_atomically
from ecgbyte.training.generation_file import write_generations
from experiments.ecg_figures import reconstruction_figure, token_overlay_figure
from experiments.figures import write_figures
from experiments.prepare import TARGET_RATE
from experiments.profile import Profile
from experiments.report import ANSWERS_SHOWN, Answer, write_report
from experiments.results_rows import write_rows
from experiments.run import Outcome
from experiments.table_rendering import to_markdown
from experiments.tables import write_tables


def deviations(profile: Profile) -> list[str]:
    """Where a run of `profile` differs from the paper's setting, in words."""
    model = profile.model
    differences = [
        "Questions are generated in ECG-QA's style from labels; they are not ECG-QA.",
        "Splits are by patient (folds 1-8, 9, 10); the published ones are by question.",
        f"The range ({profile.tokenizer.amplitude_range}) is that of all training records, not of the first 100,000 "
        f"values; no token crosses a {profile.tokenizer.boundary}; matching is {profile.tokenizer.matching!r}.",
        f"The tokenizer learns from the training split alone, segments of {profile.data.segment_seconds:g} s.",
        "Padding is masked in the labels of every method; the schedule is the declared one "
        f"({profile.training.schedule}, peak {profile.training.learning_rate:g}).",
    ]
    if profile.data.dataset == "synthetic":
        differences.insert(
            0, "The ECGs are synthetic, from this project's generator; their labels are true by construction."
        )
    if model.name == "tiny":
        differences.append(
            f"The language model is a Llama, {model.layers} layers, {model.hidden_size} wide, trained from scratch in "
            "full; the published one is Llama-3.2-1B with LoRA. "
            f"ECG token rows start as {model.initialisation!r} and are trained; the published ones stay frozen."
        )
    if "merl" in profile.methods and profile.merl.encoder == "tiny":
        differences.append(
            "MERL has a small ResNet and a small text encoder, both from scratch (published: ResNet101, MedCPT)."
        )
    if "text-only" in profile.methods:
        differences.append(
            "The method `text-only` is this project's: the same language model, trained on the questions alone."
        )
    if profile.training.questions_per_segment > 1:
        differences.append(
            f"In training up to {profile.training.questions_per_segment} questions about one segment share its "
            "positions; loss and gradients are those of the questions apart. Training times under padding `shared` are "
            "of this; those under `none` and a fixed length are of questions apart, timed for some steps and projected."
        )
    differences.append(
        "Wavelet level 4 is for 500 Hz; at lower rates the level falls with the rate, so that the heartbeat survives."
    )
    return differences


def write_results(outcome: Outcome, profile: Profile, folder: Path) -> str:
    """Write rows, tables, figures, answers and the report; returns the tables as text, for the terminal."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("tables", "figures", "answers"):
        if (folder / name).exists():
            shutil.rmtree(folder / name)
    write_rows(folder / "runs.csv", outcome.rows)
    audit_text = str(outcome.audit)
    tables = write_tables(outcome.rows, folder / "tables", audit_text)
    write_atomically(folder / "losses.json", json.dumps(outcome.losses))
    write_atomically(folder / "details.json", json.dumps(outcome.details, indent=1, sort_keys=True) + "\n")
    outcome.tokenizer.save(folder / "tokenizer.json")
    (folder / "answers").mkdir()
    for method, by_input in outcome.answers.items():
        for shown, answers in by_input.items():
            write_generations(folder / "answers" / f"{method}-{shown}.jsonl", answers.generations)
    figures = write_figures(outcome.rows, folder / "figures", losses=folder / "losses.json")
    signal = outcome.segments.signal(outcome.example_record, 0)
    encoding = outcome.tokenizer.encode(signal)
    title = f"{profile.data.dataset}, record {outcome.example_record}"
    for draw, shown in ((token_overlay_figure, encoding), (reconstruction_figure, outcome.tokenizer.decode(encoding))):
        path = folder / "figures" / f"{draw.__name__.removesuffix('_figure').replace('_', '-')}.png"
        figures.append(draw(signal, shown, path, sampling_rate=TARGET_RATE, title=title))
    write_report(
        folder,
        rows=outcome.rows,
        note=profile.note,
        audit_text=audit_text,
        tables=tables,
        figures=figures,
        answers=_examples(outcome),
        deviations=deviations(profile),
    )
    return "\n".join(to_markdown(table, audit_text) for table in tables)


def _examples(outcome: Outcome) -> dict[str, list[Answer]]:
    """The first answers, taking turns among question types: chosen by their place, not by how good they look."""
    by_type: dict[str, list[int]] = {}
    for place, question in enumerate(outcome.questions):
        by_type.setdefault(question.question_type, []).append(place)
    turns = [group[turn] for turn in range(ANSWERS_SHOWN) for _, group in sorted(by_type.items()) if turn < len(group)]
    shown = {}
    for method, by_input in outcome.answers.items():
        generations = next(iter(by_input.values())).generations
        chosen = [generations[place] for place in turns[:ANSWERS_SHOWN]]
        shown[method] = [Answer(item.question, item.reference, item.answer, item.record_id) for item in chosen]
    return shown
