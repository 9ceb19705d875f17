"""From a run's outcome to the files in ``results/<profile>/``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from ecgbyte.files import write_atomically
from ecgbyte.training.generation_file import write_generations
from experiments.ecg_figures import reconstruction_figure, token_overlay_figure
from experiments.prepare import TARGET_RATE
from experiments.profile import Profile
from experiments.redraw import draw_results
from experiments.report import ANSWERS_SHOWN
from experiments.report_content import Answer, FailedRun, ReportContent, write_content
from experiments.results_rows import write_rows
from experiments.run import Outcome
from experiments.table_rendering import to_markdown

# What the licence of a data set asks of any result made from it.
_SOURCES = {
    "ptb-xl": (
        "Data: PTB-XL (Wagner et al., Scientific Data 2020, doi:10.1038/s41597-020-0495-6), licence CC BY 4.0;",
        "reports and labels are the data set's, questions are made from them.",
    )
}


def deviations(profile: Profile) -> list[str]:
    """Where a run of `profile` differs from the paper's setting, in words."""
    model = profile.model
    training = profile.training
    differences = [
        "Questions are generated in ECG-QA's style from labels; they are not ECG-QA.",
        "Splits are by patient (folds 1-8, 9, 10); the published ones are by question.",
        f"The range ({profile.tokenizer.amplitude_range}) is that of all training records, not of the first 100,000 "
        f"values; no token crosses a {profile.tokenizer.boundary}; matching is {profile.tokenizer.matching!r}.",
        f"The tokenizer learns from the training split alone, segments of {profile.data.segment_seconds:g} s "
        "(published: 200,000 MIMIC-IV ECGs of 10 s).",
        "Wavelet level 4 is for 500 Hz; at lower rates the level falls with the rate, so that the heartbeat survives.",
        f"Padding is masked in the labels of every method. AdamW, {training.schedule} schedule as declared, peak "
        f"{training.learning_rate:g}, {training.batch_size} segments a step, gradients clipped (published: Adam, Noam "
        "schedule with peak 9.9e-4).",
        f"Answers have at most {profile.evaluation.max_new_tokens} tokens (published: 128); BLEU is of the corpus, not "
        "the mean of smoothed sentences; intervals are over patients, for one training seed.",
    ]
    if profile.data.sampling_rate != 500:
        differences.append(
            f"Records come at {profile.data.sampling_rate} Hz (published: 500) and are brought to 250 Hz; they hold "
            f"nothing above {profile.data.sampling_rate / 2:g} Hz."
        )
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
    else:
        rows = "trained" if model.train_embeddings or not model.lora else "frozen"
        differences.append(
            f"The language model is {model.name} ({'LoRA' if model.lora else 'trained in full'}); ECG token rows start "
            f"as {model.initialisation!r} and are {rows} (published: Llama-3.2-1B with LoRA, rows frozen)."
        )
    if "merl" in profile.methods:
        differences.append(
            f"MERL's first stage sees the profile's own training records and reports, {profile.merl.epochs} "
            f"epochs; ECG encoder {profile.merl.encoder!r}, text encoder {profile.merl.text_encoder!r} (published: "
            "MIMIC-IV, 20 epochs, ResNet101, MedCPT)."
        )
    if "text-only" in profile.methods:
        differences.append(
            "The method `text-only` is this project's: the same language model, trained on the questions alone."
        )
    if profile.training.questions_per_segment > 1:
        differences.append(
            f"In training up to {profile.training.questions_per_segment} questions about one segment share its "
            "positions; but for dropout, loss and gradients are those of the questions apart. Training times under "
            "padding `shared` are of this; those under `none` and a fixed length are of questions apart, timed for "
            "some steps and projected."
        )
    return differences


def write_results(outcome: Outcome, profile: Profile, folder: Path) -> str:
    """Write rows, tables, figures, answers and the reports; returns the tables as text, for the terminal."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("tables", "figures", "answers"):
        if (folder / name).exists():
            shutil.rmtree(folder / name)
    write_rows(folder / "runs.csv", outcome.rows)
    write_atomically(folder / "losses.json", json.dumps(outcome.losses))
    shutil.copyfile(outcome.rejected, folder / "rejected.csv")
    write_atomically(folder / "details.json", json.dumps(outcome.details, indent=1, sort_keys=True) + "\n")
    outcome.tokenizer.save(folder / "tokenizer.json")
    (folder / "answers").mkdir()
    for method, by_input in outcome.answers.items():
        for shown, answers in by_input.items():
            write_generations(folder / "answers" / f"{method}-{shown}.jsonl", answers.generations)
    _draw_example(outcome, profile, folder / "figures")
    content = ReportContent(
        note=" ".join([profile.note, *_SOURCES.get(profile.data.dataset, ())]),
        audit=str(outcome.audit),
        deviations=deviations(profile),
        failed=[FailedRun(f"{item['method']}, seed {item['seed']}", str(item["error"])) for item in outcome.failed],
        answers=_examples(outcome),
    )
    write_content(folder, content)
    # From here on everything is read from the files, so that it is what anyone makes from them.
    tables = draw_results(folder)
    return "\n".join(to_markdown(table, content.audit) for table in tables if table.rows)


def _draw_example(outcome: Outcome, profile: Profile, folder: Path) -> None:
    """Figures of one test ECG."""
    folder.mkdir()
    signal = outcome.segments.signal(outcome.example_record, 0)
    encoding = outcome.tokenizer.encode(signal)
    title = f"{profile.data.dataset}, record {outcome.example_record}"
    for draw, shown in ((token_overlay_figure, encoding), (reconstruction_figure, outcome.tokenizer.decode(encoding))):
        path = folder / f"{draw.__name__.removesuffix('_figure').replace('_', '-')}.png"
        draw(signal, shown, path, sampling_rate=TARGET_RATE, title=title)


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
