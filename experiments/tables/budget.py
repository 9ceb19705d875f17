"""The budget table: what every method was given, so that one sees whether the terms were equal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from experiments.profiles.methods import METHODS
from experiments.rows.estimates import Cell, Estimate
from experiments.rows.groups import family, groups, most_seeds
from experiments.rows.learning_rates import TRIED
from experiments.rows.schema import ResultRow
from experiments.tables.notes import scale_notes
from experiments.tables.table import Table

_TERMS = (
    "training questions",
    "epochs",
    "segments a step",
    "questions a segment",
    "optimiser",
    "learning rates tried",
    "precision",
    "language model",
    "adaptation",
    "longest input",
    "decoding",
)
_COLUMNS = (
    *("dataset", "method", "family", "training runs"),
    *(*_TERMS[:-2], "learning rate taken", "ECG token rows", *_TERMS[-2:]),
    *("optimiser steps", "samples seen", "samples seen, all stages", "test questions", "scale"),
)


def budget(rows: Iterable[ResultRow]) -> Table:
    """What each method consumed and the terms it was trained under, from the settings that its rows carry."""
    rows = list(rows)
    trials = [row for row in rows if row.table == "learning-rates"]
    rows = [row for row in rows if row.table in ("language-quality", "efficiency") and not row.variant]
    lines: list[dict[str, Cell]] = []
    for _, group in groups(rows, "dataset", "method"):
        first = group[0]
        settings = json.loads(first.configuration)
        line: dict[str, Cell] = {"dataset": first.dataset, "method": first.method, "family": family(first.method)}
        line |= {"training runs": max(max(r.seeds for r in group), len({r.seed for r in group if r.seed is not None}))}
        trained = first.method not in METHODS or METHODS[first.method].is_trained
        line |= _terms(settings, first.method) if trained else {"training questions": _training_questions(settings)}
        line |= _rates([row for row in trials if (row.dataset, row.method) == (first.dataset, first.method)])
        line |= (consumed := _consumed(group))
        if first.method in METHODS and METHODS[first.method].as_published:
            line |= _questions_apart(consumed)
        line["test questions"] = max((r.n for r in group if r.table == "language-quality"), default=None)
        lines.append({**line, "scale": first.scale})
    notes = (equal_terms(lines), *scale_notes(rows))
    return Table.of("budget", "Budget: what every method was given", _COLUMNS, lines, notes)


def equal_terms(lines: Iterable[Mapping[str, Cell]]) -> str:
    """One sentence: whether all trained methods of a data set had the same terms, and which terms differ."""
    trained = [line for line in lines if line.get("language model") is not None]
    differing = [
        term
        for term in (*_TERMS, "optimiser steps")
        if any(
            len({_plain(line.get(term)) for line in trained if line["dataset"] == name and line.get(term) is not None})
            > 1
            for name in {line["dataset"] for line in trained}
        )
    ]
    if not trained:
        return "No settings were recorded with these rows."
    if differing:
        return f"The trained methods differ in: {', '.join(differing)}."
    return "All trained methods had the same terms when their language model was trained."


def _terms(settings: Mapping[str, Any], method: str) -> dict[str, Cell]:
    """The settings that shape the training of the language model, in words; None where they were not recorded."""
    training, model = settings.get("training", {}), settings.get("model", {})
    optimiser = ", ".join(
        str(part)
        for part in (
            training.get("optimizer"),
            training.get("schedule"),
            _peak(training),
        )
        if part is not None
    )
    decoded = _get(settings, "evaluation", "max_new_tokens")
    return {
        "training questions": _training_questions(settings),
        "epochs": training.get("epochs"),
        "segments a step": training.get("batch_size"),
        "questions a segment": training.get("questions_per_segment"),
        "optimiser": optimiser or None,
        "precision": {"no": "32 bit"}.get(training.get("precision", ""), training.get("precision")),
        "language model": _language_model(model),
        "adaptation": _adaptation(model),
        "ECG token rows": _token_rows(model, method),
        "longest input": model.get("max_length"),
        "decoding": None if decoded is None else f"greedy, at most {decoded} tokens",
    }


def _peak(training: Mapping[str, Any]) -> str | None:
    """The learning rates of the profile; older rows hold one."""
    rates = training.get("learning_rates", [training["learning_rate"]] if "learning_rate" in training else [])
    if not rates:
        return None
    listed = " or ".join(f"{rate:g}" for rate in rates)
    return f"peak {listed}" + (", chosen on validation" if len(rates) > 1 else "")


def _language_model(model: Mapping[str, Any]) -> str | None:
    if model.get("name") == "tiny":
        return f"tiny, {model['layers']} layers of {model['hidden_size']}"
    return model.get("name")


def _adaptation(model: Mapping[str, Any]) -> str | None:
    if not model:
        return None
    how = " ".join(["LoRA", *([f"of rank {model['lora_rank']}"] if "lora_rank" in model else [])])
    return how if model.get("lora") else "in full"


def _rates(rows: Iterable[ResultRow]) -> dict[str, Cell]:
    """The learning rates that were tried and the one that was taken; empty where none was tried."""
    rows = list(rows)
    tried = sorted({float(row.variant.removeprefix(TRIED)) for row in rows if row.variant.startswith(TRIED)})
    taken = sorted({row.value for row in rows if row.metric == "learning-rate"})
    return {
        "learning rates tried": ", ".join(f"{rate:g}" for rate in tried) or None,
        "learning rate taken": ", ".join(f"{rate:g}" for rate in taken) or None,
    }


def _token_rows(model: Mapping[str, Any], method: str) -> str | None:
    """Whether the embedding of ECG tokens is trained; None for a method that reads none."""
    if not model or (method in METHODS and METHODS[method].reads != "tokens"):
        return None
    return "trained" if model.get("train_embeddings") else "frozen"


def _training_questions(settings: Mapping[str, Any]) -> Cell:
    """Those generated, and those of ECG-QA where both are asked."""
    questions = settings.get("questions", {})
    both = questions.get("source") == "generated+ecg-qa"
    return questions["train"] + (questions["ecgqa_train"] if both else 0) if "train" in questions else None


def _questions_apart(consumed: Mapping[str, Cell]) -> dict[str, Cell]:
    """What a step holds where every question has a segment of its own, whatever the settings say of the others."""
    samples, steps = consumed.get("samples seen"), consumed.get("optimiser steps")
    if not isinstance(samples, Estimate) or not isinstance(steps, Estimate):
        return {"segments a step": None, "questions a segment": 1}
    return {"segments a step": round(samples.value / steps.value), "questions a segment": 1}


def _consumed(group: list[ResultRow]) -> dict[str, Cell]:
    """Steps and samples of the stage that trains the language model, and samples of all stages."""
    cost = [row for row in group if row.table == "efficiency"]
    answering = "end-to-end" if any(row.stage == "end-to-end" for row in cost) else "stage-2"
    cells: dict[str, Cell] = {}
    for metric, label in (("steps", "optimiser steps"), ("samples-seen", "samples seen")):
        found = most_seeds(row for row in cost if row.metric == metric)
        last = [row for row in found if row.stage == answering]
        cells[label] = Estimate(last[0].value, digits=0) if last else None
        if metric == "samples-seen" and found:
            by_stage: dict[str, float] = {}
            for row in found:
                by_stage.setdefault(row.stage, row.value)
            cells["samples seen, all stages"] = Estimate(sum(by_stage.values()), digits=0)
    return cells


def _get(settings: Mapping[str, Any], section: str, name: str) -> Cell:
    return settings.get(section, {}).get(name)


def _plain(cell: Cell) -> object:
    return cell.value if isinstance(cell, Estimate) else cell
