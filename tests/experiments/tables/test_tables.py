"""Tables from rows written by hand, and the quoted numbers beside them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from experiments.profiles.methods import METHODS
from experiments.rows.estimates import Estimate
from experiments.rows.groups import PERFECT, family, method_order, most_seeds
from experiments.rows.learning_rates import chosen_rate_row, trial_rows
from experiments.rows.schema import ResultRow, check_rows
from experiments.tables.budget import budget
from experiments.tables.calculation import paper_scale
from experiments.tables.catalogue import TABLES, Entry, make_tables, table_files
from experiments.tables.controls import control_differences, controls
from experiments.tables.convergence import convergence, learning_rates
from experiments.tables.efficiency import efficiency, efficiency_by_stage, validation
from experiments.tables.latex import to_latex
from experiments.tables.published import PublishedNumber, read_published_numbers
from experiments.tables.quality import (
    comparisons,
    language_quality,
    language_quality_by_seed,
    noise_questions,
    roc_areas,
)
from experiments.tables.rendering import markdown_text, to_csv, to_markdown
from experiments.tables.table import Table
from experiments.tables.variations import ablations, tokenizer, transfer
from tests.experiments.made_up_rows import ABLATIONS, made_up_rows

AUDIT = "patients in two splits: 0"


def row(table: str, method: str, metric: str, value: float, **other: Any) -> ResultRow:
    base: dict[str, Any] = {"input": "ecg", "dataset": "synthetic", "split": "test", "n": 50, "seed": 0}
    base |= {"profile": "smoke", "scale": "full", "signature": metric}
    return ResultRow(table=table, method=method, metric=metric, value=value, **(base | other))


QUALITY = [
    row("language-quality", "merl", "accuracy", 40.0, ci_low=35.0, ci_high=45.0),
    row("language-quality", "ecg-byte", "accuracy", 50.0, ci_low=45.0, ci_high=55.0),
    row("language-quality", "ecg-byte", "bleu-4", 12.345),
    row("language-quality", "ecg-byte", "accuracy", 20.0, input="flat-line"),
    row("language-quality", "text-only", "accuracy", 30.0, input="text-only"),
    row("language-quality", "ecg-byte", "accuracy", 60.0, subset="single-verify", n=20),
]


def test_language_quality_shows_each_method_at_its_own_input() -> None:
    lines = language_quality(QUALITY).rows
    assert [(line["subset"], line["method"], line["input"], line["n"]) for line in lines] == [
        ("all", "ecg-byte", "ecg", 50),
        ("all", "merl", "ecg", 50),
        ("all", "text-only", "text-only", 50),
        ("single-verify", "ecg-byte", "ecg", 20),
    ]
    assert [cell.value for cell in (line["accuracy"] for line in lines) if isinstance(cell, Estimate)] == [
        50,
        40,
        30,
        60,
    ]
    assert to_markdown(language_quality(QUALITY), AUDIT).count(" 12.3") == 1
    assert lines[0]["BLEU-4"][0] == 12.345  # type: ignore[index]
    assert lines[1]["BLEU-4"] is None
    assert "ROUGE-1" not in lines[0]


def test_controls_put_the_difference_beside_the_value() -> None:
    rows = [
        *QUALITY,
        row("controls", "ecg-byte", "accuracy-difference", 30.0, input="flat-line", ci_low=20.0, ci_high=40.0),
        row("roc-areas", "ecg-byte", "roc-area-macro", 0.875),
        row("roc-areas", "ecg-byte", "roc-area", 0.9, subset="atrial fibrillation"),
    ]
    lines = [line for line in controls(rows).rows if line["method"] == "ecg-byte" and line["subset"] == "all"]
    assert [line["input"] for line in lines] == ["ecg", "flat-line"]
    assert lines[0]["accuracy, ECG minus this"] is None
    assert lines[1]["accuracy, ECG minus this"] == Estimate(30.0, 20.0, 40.0, 2)
    assert lines[0]["ROC area, mean over attributes"][0] == 0.875  # type: ignore[index]
    text = to_markdown(controls(rows), AUDIT)
    assert "30.00 [20.00, 40.00]" in text and "0.875" in text and AUDIT in text


def test_roc_areas_have_one_line_an_attribute_and_the_mean_first() -> None:
    rows = [
        row("roc-areas", "ecg-byte", "roc-area", 0.9, subset="atrial fibrillation", n=30),
        row("roc-areas", "ecg-byte", "roc-area", 0.5, subset="atrial fibrillation", n=30, input="flat-line"),
        row("roc-areas", "ecg-byte", "roc-area-macro", 0.8),
    ]
    lines = roc_areas(rows).rows
    assert [(line["attribute"], line["n"]) for line in lines] == [
        ("mean over attributes", 50),
        ("atrial fibrillation", 30),
    ]
    assert lines[1]["ecg"][0] == 0.9 and lines[1]["flat-line"][0] == 0.5  # type: ignore[index]
    assert lines[0]["flat-line"] is None and "text-only" not in lines[0]


def cost(method: str, stage: str, padding: str, **values: float) -> list[ResultRow]:
    return [
        row("efficiency", method, name.replace("_", "-"), value, stage=stage, padding=padding)
        for name, value in values.items()
    ]


COSTS = [
    *cost("ecg-byte", "end-to-end", "none", train_seconds=100.0, samples_seen=1000.0, distinct_records=200.0),
    *cost("ecg-byte", "end-to-end", "none", timed_seconds_per_1000_samples=95.0),
    *cost("ecg-byte", "end-to-end", "1024", timed_seconds_per_1000_samples=300.0),
    *cost("merl", "stage-1", "", train_seconds=80.0, samples_seen=600.0, distinct_records=400.0),
    *cost("merl", "stage-2", "none", train_seconds=20.0, samples_seen=1000.0, distinct_records=200.0),
    *cost("merl", "stage-2", "1024", timed_seconds_per_1000_samples=280.0),
]


def lines_of(rows: list[ResultRow]) -> dict[tuple[object, ...], Any]:
    lines = [*efficiency(rows).rows, *efficiency_by_stage(rows).rows]
    found = {(line["layout"], line["method"], line["stage"]): line for line in lines}
    assert len(found) == len(lines)
    return found


def test_efficiency_sums_stages_and_gives_ratios_by_layout() -> None:
    found = lines_of(COSTS)
    assert len(found) == 10

    def value(layout: str, method: str, stage: str, column: str) -> float:
        return found[layout, method, stage][column][0]

    batch, fixed = "padded per batch", "padded to 1,024"
    assert value(batch, "merl", "all stages", "training time (s)") == 100.0
    assert value(batch, "merl", "all stages", "samples seen") == 1600.0
    assert value(batch, "merl", "all stages", "distinct ECGs") == 400.0
    assert value(batch, "merl", "all stages", "time, times ecg-byte's") == 1.0
    assert value(batch, "merl", "all stages", "samples of ecg-byte (%)") == 62.5
    assert value(batch, "merl", "all stages", "ECGs of ecg-byte (%)") == 50.0
    assert value(batch, "merl", "stage-1", "time per 1,000 samples (s)") == pytest.approx(80 / 0.6)
    # Timed steps do not stand in for a training that was measured whole.
    assert value(batch, "ecg-byte", "all stages", "time per 1,000 samples (s)") == 100.0
    assert value(batch, "ecg-byte", "all stages", "timed steps, per 1,000 samples (s)") == 95.0
    assert found[batch, "merl", "all stages"]["timed steps, per 1,000 samples (s)"] is None
    # Padded: 300 s and 280 s per 1,000 samples, both on 1,000 samples; stage 1 has no layout and counts as it is.
    assert value(fixed, "ecg-byte", "all stages", "training time (s)") == 300.0
    assert value(fixed, "merl", "all stages", "training time (s)") == 360.0
    assert value(fixed, "merl", "all stages", "time, times ecg-byte's") == pytest.approx(1.2)
    assert found[fixed, "merl", "stage-1"]["time is"] == "measured"
    assert found[fixed, "merl", "all stages"]["time is"] == "projected"
    assert found[batch, "merl", "all stages"]["time is"] == "measured"


def test_efficiency_is_the_mean_over_training_runs_with_smallest_and_largest() -> None:
    rows = [
        *COSTS,
        *(r._replace(seed=1, value=1.2 * r.value) for r in COSTS if r.metric == "train-seconds"),
    ]
    line = lines_of(rows)["padded per batch", "merl", "all stages"]
    assert line["seeds"] == 2 and line["training time (s)"] == Estimate(110.0, 100.0, 120.0, 1)
    assert line["time, times ecg-byte's"] == pytest.approx((1.0, 100 / 120, 1.2, 2))
    means = [r._replace(seed=None, seeds=2, ci_low=r.value - 1, ci_high=r.value + 2) for r in COSTS]
    line = lines_of([*rows, *(r for r in means if r.metric == "train-seconds")])["padded per batch", "merl", "stage-2"]
    assert line["training time (s)"] == Estimate(20.0, 19.0, 22.0, 1)


def test_what_only_training_or_the_language_model_has_is_summed_over_those() -> None:
    rows = [
        *COSTS,
        *cost("ecg-byte", "tokenizer", "", train_seconds=5.0, samples_seen=0.0, distinct_records=200.0),
        *cost("ecg-byte", "end-to-end", "none", training_flops=70.0, padded_positions=900.0, peak_memory=50.0),
        *cost("merl", "stage-1", "", training_flops=30.0, peak_memory=80.0),
        *cost("merl", "stage-2", "none", training_flops=10.0, padded_positions=20.0, peak_memory=50.0),
        *cost("merl", "stage-2", "none", data_wait_seconds=2.0),
    ]
    found = lines_of(rows)
    own = found["padded per batch", "ecg-byte", "all stages"]
    other = found["padded per batch", "merl", "all stages"]
    assert own["training time (s)"][0] == 105.0 and own["operations (GFLOP)"][0] == 70.0
    assert other["operations (GFLOP)"][0] == 40.0 and other["operations, times ecg-byte's"][0] == pytest.approx(4 / 7)
    assert other["positions with padding"][0] == 20.0 and other["peak memory (MB)"][0] == 80.0
    # Stage 1 trains too, and its waiting is not known.
    assert found["padded per batch", "merl", "stage-2"]["waiting for batches (s)"][0] == 2.0
    assert other.get("waiting for batches (s)") is None


def test_efficiency_has_no_sum_over_a_stage_without_a_number() -> None:
    rows = [r for r in COSTS if not (r.stage == "stage-1" and r.metric == "samples-seen")]
    total = lines_of(rows)["padded per batch", "merl", "all stages"]
    assert total["samples seen"] is None and total["samples of ecg-byte (%)"] is None
    assert total["training time (s)"][0] == 100.0


def test_efficiency_has_no_sum_where_a_stage_was_not_timed_in_a_layout() -> None:
    rows = [r for r in COSTS if not (r.stage == "stage-2" and r.padding == "1024")]
    assert [key[1:] for key in lines_of(rows) if key[0] == "padded to 1,024"] == [
        ("ecg-byte", "all stages"),
        ("ecg-byte", "end-to-end"),
        ("merl", "stage-1"),
    ]


def test_time_to_a_validation_loss() -> None:
    rows = [
        *cost("ecg-byte", "end-to-end", "none", validation_loss=0.4),
        *(r._replace(variant="loss 0.6") for r in cost("merl", "stage-2", "none", seconds_to_validation_loss=9)),
    ]
    lines = validation(rows).rows
    assert [(line["method"], line["loss"]) for line in lines] == [("ecg-byte", None), ("merl", "loss 0.6")]
    assert lines[1]["time to the validation loss (s)"] == Estimate(9.0, digits=1)


def test_budget_says_whether_terms_were_equal() -> None:
    rows = [r for r in made_up_rows() if r.method in ("ecg-byte", "merl", "most-frequent")]
    table = budget(rows)
    lines = {line["method"]: line for line in table.rows}
    assert lines["merl"]["training questions"] == 48000 and lines["merl"]["training runs"] == 3
    assert lines["merl"]["adaptation"] == "in full"
    assert lines["merl"]["samples seen, all stages"][0] == 256000  # type: ignore[index]
    assert lines["most-frequent"]["language model"] is None
    assert table.notes[0] == "All trained methods had the same terms when their language model was trained."
    halved = [r._replace(value=r.value / 2) if (r.method, r.metric) == ("merl", "steps") else r for r in rows]
    assert budget(halved).notes[0] == "The trained methods differ in: optimiser steps."


def test_budget_of_methods_that_take_questions_apart() -> None:
    rows = [r for r in made_up_rows() if r.method in ("merl", "merl-as-published")]
    table = budget(rows)
    lines = {line["method"]: line for line in table.rows}
    assert (lines["merl"]["questions a segment"], lines["merl-as-published"]["questions a segment"]) == (4, 1)
    assert lines["merl-as-published"]["segments a step"] == round(96000 / 4146)
    assert table.notes[0] == "The trained methods differ in: segments a step, questions a segment."


def test_transfer_shows_home_on_the_questions_that_were_asked_there_too() -> None:
    away = {"trained_on": "ptb-xl", "input": "ecg"}
    rows = [
        row("transfer", "merl", "accuracy", 60.0, dataset="synthetic", **away),
        row("transfer", "merl", "accuracy", 70.0, dataset="ptb-xl", **away),
        row("language-quality", "merl", "meteor", 40.0, dataset="ptb-xl"),
        row("transfer", "vit", "accuracy", 50.0, dataset="synthetic", **away),
        row("language-quality", "vit", "accuracy", 55.0, dataset="ptb-xl"),
    ]
    lines = [(line["method"], line["tested on"], line["accuracy"].value) for line in transfer(rows).rows]  # type: ignore[union-attr]
    assert lines == [
        ("merl", "ptb-xl", 70.0),
        ("merl", "synthetic", 60.0),
        ("vit", "ptb-xl", 55.0),
        ("vit", "synthetic", 50.0),
    ]


def test_methods_stand_by_family() -> None:
    first = ["ecg-byte", "ecg-byte-as-published", "ecg-byte-merge-order", "ecg-byte-plus", "token-counts", "merl"]
    assert sorted(METHODS, key=method_order)[:6] == first
    families = [family(name) for name in sorted([*METHODS, "unheard-of"], key=method_order)]
    order = ["end to end", "linear reader", "two-stage", "as published", "random encoder", "no pretraining", "trivial"]
    order += ["untrained", "other"]
    assert list(dict.fromkeys(families)) == order and families == sorted(families, key=order.index)


def test_the_mean_over_most_seeds_is_shown_and_its_runs_apart() -> None:
    runs = [QUALITY[1]._replace(seed=seed, value=40.0 + seed) for seed in range(3)]
    mean = QUALITY[1]._replace(value=41.0, ci_low=30.0, ci_high=52.0, seed=None, seeds=3)
    cut = [r._replace(metric="truncated-inputs", signature="t", value=float(r.seed)) for r in runs]
    (line,) = language_quality([*runs, mean, *cut]).rows
    assert line["accuracy"] == Estimate(41.0, 30.0, 52.0) and line["seeds"] == 3 and "seed" not in line
    # What has no mean of its own gets the plain one.
    assert line["truncated inputs"] == Estimate(1.0)
    lines = language_quality_by_seed([*runs, mean, *cut]).rows
    assert [(one["seed"], one["accuracy"][0]) for one in lines] == [(0, 40.0), (1, 41.0), (2, 42.0)]  # type: ignore[index]
    assert "over training runs and patients" in language_quality([*runs, mean]).notes[0].replace("bootstrap ", "")
    assert most_seeds(runs) == runs and len(language_quality(runs).rows) == 3
    assert language_quality_by_seed(QUALITY).rows == []


def test_comparisons_put_p_values_beside_differences() -> None:
    against = {"variant": "against merl"}
    rows = [
        row("comparisons", "vit", "accuracy-difference", -2.0, ci_low=-4.0, ci_high=0.0, **against),
        row("comparisons", "vit", "accuracy-p-value", 0.04, **against),
        row("comparisons", "vit", "accuracy-p-holm", 0.08, **against),
    ]
    (line,) = comparisons(rows).rows
    assert (line["method"], line["against"], line["family"]) == ("vit", "merl", "two-stage")
    assert line["accuracy, difference"] == Estimate(-2.0, -4.0, 0.0)
    assert line["accuracy, p (Holm)"] == Estimate(0.08, digits=4)


def test_control_differences_have_one_line_a_method() -> None:
    rows = [
        row("language-quality", "merl", "accuracy", 50.0),
        row("controls", "merl", "accuracy-difference", 12.0, input="noise", ci_low=9.0, ci_high=15.0),
        row("controls", "merl", "accuracy-difference", 10.0, input="flat-line"),
        row("controls", "merl", "accuracy-difference", 14.0, input="noise", subset="ecg-needed"),
    ]
    lines = control_differences(rows).rows
    assert [line["subset"] for line in lines] == ["all", "ecg-needed"]
    assert list(lines[0])[-4:-1] == ["accuracy with the ECG", "minus flat-line", "minus noise"]
    assert lines[0]["minus noise"] == Estimate(12.0, 9.0, 15.0) and lines[0]["accuracy with the ECG"] == Estimate(50.0)


def test_transfer_stands_beside_the_test_at_home() -> None:
    rows = [
        row("transfer", "merl", "accuracy", 30.0, dataset="synthetic", trained_on="ptb-xl"),
        row("language-quality", "merl", "accuracy", 60.0, dataset="ptb-xl"),
        row("language-quality", "merl", "accuracy", 61.0, dataset="ptb-xl", input="noise"),
        row("language-quality", "vit", "accuracy", 70.0, dataset="ptb-xl"),
    ]
    lines = transfer(rows).rows
    assert [(line["trained on"], line["tested on"], line["accuracy"][0]) for line in lines] == [  # type: ignore[index]
        ("ptb-xl", "ptb-xl", 60.0),
        ("ptb-xl", "synthetic", 30.0),
    ]


def test_ablations_are_grouped_by_setting_with_the_base_first() -> None:
    variants = ["base", "tokenizer.num_merges=500", "tokenizer.num_merges=1750", "data.segment_seconds=5"]
    rows = [
        row("ablations", "ecg-byte", "accuracy", 40.0 + place, ci_low=38.0, ci_high=44.0, variant=variant)
        for place, variant in enumerate(variants)
    ]
    rows.append(row("ablations", "ecg-byte", "accuracy-difference", 2.0, ci_low=1.0, ci_high=3.0, variant=variants[2]))
    lines = ablations(rows).rows
    assert [(line["setting"], line["value"]) for line in lines] == [
        ("base", ""),
        ("data.segment_seconds", "5"),
        ("tokenizer.num_merges", "500"),
        ("tokenizer.num_merges", "1750"),
    ]
    assert [line["accuracy, minus base"] for line in lines] == [
        None,
        Estimate(3.0, -6.0, 6.0),
        Estimate(1.0, -6.0, 6.0),
        Estimate(2.0, 1.0, 3.0),
    ]


def test_every_table_of_a_whole_run_has_lines() -> None:
    tables = {table.name: table for table in make_tables(made_up_rows())}
    assert all(table.rows for table in tables.values())
    assert len(tables["ablations"].rows) == 1 + sum(len(values) for values in ABLATIONS.values())
    whole = [line for line in tables["language-quality"].rows if line["subset"] == "all"]
    assert [line["method"] for line in whole] == [*sorted(METHODS, key=method_order), PERFECT]
    by_seed = [line for line in tables["language-quality-by-seed"].rows if line["subset"] == "all"]
    assert len(by_seed) == 3 * len(METHODS) + 1
    text = to_markdown(tables["language-quality"], AUDIT, first_part=True)
    assert "In all rows: dataset ptb-xl, split test, seeds 3" in text
    assert "Other parts, by subset" in text and "numbers, in [language-quality-quoted.csv]" in text


def test_perfect_answers_stand_below_each_part_without_an_interval() -> None:
    best = {"accuracy": 100.0, "meteor": 55.5}
    ceilings = [
        row("ceilings", PERFECT, metric, value, ci_low=value, ci_high=value, subset=subset)
        for metric, value in best.items()
        for subset in ("all", "single-verify")
    ]
    measured = [*QUALITY, row("language-quality", "merl", "meteor", 30.0)]
    for make in (language_quality, language_quality_by_seed):
        runs = [*measured, *(r._replace(seed=1) for r in measured)]
        lines = make([*runs, *ceilings]).rows
        last = [lines[place] for place in range(len(lines)) if lines[place]["family"] == "ceiling"]
        assert [line["subset"] for line in last] == ["all", "single-verify"] and lines[-1] is last[-1]
        assert last[0]["METEOR"] == Estimate(55.5) and last[0]["accuracy"] == Estimate(100.0)
        assert last[0]["n"] == 50
    moved = row("transfer", "merl", "bleu-4", 12.0, dataset="ptb-xl", trained_on="synthetic")
    best_there = ceilings[0]._replace(metric="bleu-4", value=0.0, dataset="ptb-xl", trained_on="synthetic")
    lines = transfer([moved, best_there, *ceilings]).rows
    assert [(line["method"], line["BLEU-4"]) for line in lines] == [("merl", Estimate(12.0)), (PERFECT, Estimate(0.0))]


def test_noise_questions_have_a_table_of_their_own() -> None:
    parts = [r._replace(subset=subset) for r in QUALITY[:2] for subset in ("generated", "ecg-qa")]
    rows = [*QUALITY, *parts]
    assert language_quality(rows).rows[0]["subset"] == "generated"
    assert "ecg-qa" not in {line["subset"] for line in language_quality(rows).rows}
    assert [line["method"] for line in noise_questions(rows).rows] == ["ecg-byte", "merl"]
    assert noise_questions(QUALITY).rows == []


def test_roc_areas_of_the_headline_are_the_mean() -> None:
    rows = [
        row("roc-areas", "merl", "roc-area-macro", 0.8),
        row("roc-areas", "merl", "roc-area-macro", 0.9, subset="generated"),
    ]
    found = {line["attribute"]: line["ecg"] for line in roc_areas(rows).rows}
    assert found == {
        "mean over attributes": Estimate(0.9, digits=3),
        "mean over attributes, questions of ECG-QA among them": Estimate(0.8, digits=3),
    }
    assert [line["attribute"] for line in roc_areas(rows[:1]).rows] == ["mean over attributes"]


def test_convergence_says_which_runs_had_converged() -> None:
    rows = [row("convergence", "merl", "converged", value, seed=seed) for seed, value in ((0, 1.0), (1, 0.0))]
    rows.append(row("convergence", "merl", "polarity-lowest", 0.41, seed=1))
    lines = convergence(rows).rows
    assert [(line["seed"], line["converged"]) for line in lines] == [(0, "yes"), (1, "no")]
    label = "lowest ROC area of questions and their opposites"
    assert [line[label] for line in lines] == [None, Estimate(0.41, digits=3)]


def test_learning_rates_say_which_was_taken_and_the_budget_too() -> None:
    class Maker:
        def row(self, **columns: Any) -> ResultRow:
            return row(columns.pop("table"), columns.pop("method"), columns.pop("metric"), **columns)

    maker: Any = Maker()
    trials: list[list[float | None]] = [[0.003, 0.6, 60.0, 400], [0.001, 0.7, 55.0, 500], [0.01, None, None, None]]
    rows = trial_rows(maker, "merl", 0, trials, questions=80)
    rows += [chosen_rate_row(maker, "merl", seed, 0.003, questions=80) for seed in (0, 1)]
    rows.append(chosen_rate_row(maker, "vit", 0, 0.002, questions=80))
    assert check_rows(rows)
    lines = [(line["method"], line["learning rate"], line["taken"]) for line in learning_rates(rows).rows]
    assert lines == [("merl", "0.001", "no"), ("merl", "0.003", "yes"), ("vit", "0.002", "yes")]
    assert learning_rates(rows).rows[1]["validation score of the trial"] == Estimate(60.0)
    measured = [row("language-quality", name, "accuracy", 50.0, configuration="{}") for name in ("merl", "vit")]
    budgets = {line["method"]: line for line in budget([*rows, *measured]).rows}
    assert (
        budgets["merl"]["learning rates tried"] == "0.001, 0.003" and budgets["merl"]["learning rate taken"] == "0.003"
    )
    assert budgets["vit"]["learning rates tried"] is None and budgets["vit"]["learning rate taken"] == "0.002"


def test_the_calculation_says_when_two_stages_take_three_times_as_long() -> None:
    lines = {(line["layout"], line["encoder"]): line for line in paper_scale([]).rows}
    merl = lines["padded to 1,024", "merl"]
    numbers = [cell.value for cell in merl.values() if isinstance(cell, Estimate)]
    whole, second, first, three, share, two = numbers[:6]
    assert three * first + second == pytest.approx(3 * whole) and two * first + second == pytest.approx(2 * whole)
    assert share == pytest.approx(100 / (1 + three / 20))
    assert len(lines) == 12 and paper_scale(QUALITY) == paper_scale([])


def test_tokenizer_table() -> None:
    rows = [
        row("tokenizer", "ecg-byte", "compression", 6.5),
        row("tokenizer", "ecg-byte", "bits-per-sample-bound", 1.8),
    ]
    (line,) = tokenizer(rows).rows
    assert line["compression"][0] == 6.5 and line["bits per sample, at most"][0] == 1.8  # type: ignore[index]


def test_small_runs_are_marked() -> None:
    small = [r._replace(scale="small run") for r in QUALITY + COSTS]
    for table in make_tables(small, []):
        # What is calculated is of no run.
        if table.rows and table.name != "paper-scale":
            assert all(line["scale"] == "small run" for line in table.rows)
            assert "Small run" in to_markdown(table, AUDIT)
    assert "Small run" not in to_markdown(language_quality(QUALITY), AUDIT)


def test_csv_gives_intervals_columns_of_their_own() -> None:
    lines = [{"method": "a", "x": Estimate(1.5, 1.0, 2.0)}, {"method": "b"}]
    table = Table.of("name", "Title", ("method", "x"), lines)
    assert to_csv(table) == "method,x,x (95 % low),x (95 % high)\na,1.5,1,2\nb,,,\n"


def test_markdown_is_aligned_and_escapes() -> None:
    lines_of = [{"method": "a|b", "x": Estimate(1.5, digits=1)}, {"method": "c"}]
    table = Table.of("name", "Title", ("method", "x"), lines_of)
    lines = to_markdown(table, AUDIT).splitlines()
    assert lines[:6] == [
        "## Title",
        "",
        "| method |   x |",
        "| ------ | --: |",
        "| a\\|b   | 1.5 |",
        "| c      |     |",
    ]


def test_quoted_numbers_stand_apart() -> None:
    tables = make_tables(QUALITY + COSTS)
    assert [table.name for table in tables][:2] == ["language-quality", "comparisons"]
    files: dict[str, str] = {}
    for table in tables:
        files |= table_files(table, AUDIT)
        assert AUDIT in files[f"{table.name}.md"]
    assert "37.03" not in files["language-quality.csv"] and "arXiv" not in files["language-quality.csv"]
    text = files["language-quality.md"]
    assert text.index("50.00") < text.index("### Quoted from elsewhere, not measured here") < text.index("37.03")
    quoted = list(csv.DictReader(io.StringIO(files["language-quality-quoted.csv"])))
    assert quoted and all(line["source"] for line in quoted)
    assert {name for name in files if "quoted" in name} == {
        "language-quality-quoted.csv",
        "controls-quoted.csv",
        "efficiency-quoted.csv",
    }
    assert files["tokenizer.md"].startswith("## Tokenizer\n\nNo rows.")


def test_tables_do_not_go_out_without_an_audit() -> None:
    with pytest.raises(ValueError, match="audit_text"):
        table_files(language_quality(QUALITY), " ")


def test_tables_without_rows_keep_their_header() -> None:
    whole = {table.name: table.columns for table in make_tables(made_up_rows(), [])}
    for table in make_tables([], []):
        assert table.rows == [] or table.name == "paper-scale"
        header = next(csv.reader(io.StringIO(to_csv(table))))
        assert set(whole[table.name]) <= set(header), table.name
        # The same order, as far as the columns are filled.
        assert [name for name in header if name in whole[table.name]] == list(whole[table.name])


def test_a_column_that_was_not_declared_is_refused() -> None:
    with pytest.raises(ValueError, match=r"got the columns \['y'\] in table 'name'"):
        Table.of("name", "Title", ("x",), [{"x": 1, "y": 2}])


def test_people_read_the_method_first_and_what_is_shared_once() -> None:
    lines = [{"seed": 0, "dataset": "a", "method": name, "x": Estimate(1.0)} for name in ("b", "c")]
    table = Table.of("name", "Title", ("seed", "dataset", "method", "x"), lines)
    shared, shown = table.folded()
    assert shared == {"seed": 0, "dataset": "a"} and shown.columns == ("method", "x")
    assert [tuple(row) for row in shown.rows] == [("method", "x")] * 2
    assert table.columns == ("seed", "dataset", "method", "x"), "CSV keeps its order"


def test_a_table_is_one_function_and_one_entry() -> None:
    def counted(rows: Sequence[ResultRow]) -> Table:
        return Table.of("counted", "Rows by table", ("table", "rows"), [{"table": "all", "rows": len(rows)}])

    tables = make_tables(QUALITY, entries=(*TABLES, Entry(counted)))
    assert tables[-1].rows == [{"table": "all", "rows": len(QUALITY)}]
    assert set(table_files(tables[-1], AUDIT)) == {"counted.csv", "counted.md"}


# A bracket that closes a link: no odd number of backslashes before it.
LINK = re.compile(r"(?<!\\)(\\\\)*\][(\[:]")
HOSTILE = "<script>alert(1)</script> & [x](javascript:y) ![z](http://z)"


def test_markdown_is_text_and_no_html() -> None:
    table = Table.of("name", HOSTILE, ("method",), [{"method": HOSTILE}, {"method": "b"}], (HOSTILE, "see `code`"))
    text = to_markdown(table, f"audit ``` {HOSTILE}")
    outside = text.split("````text")[0]
    assert "<script" not in outside and not LINK.search(outside)
    assert "&lt;script&gt;" in outside and "see `code`" in outside
    # No fence inside the audit ends the audit's own.
    assert text.rstrip().endswith("````") and text.count("````") == 2
    # What is no code to every reader of Markdown is none here.
    for odd in ("`[x](y)``", "\\`[x](y)`", r"[x\](y)", r"[x\\](y)", "[x][y]", "[x]: y"):
        assert not LINK.search(markdown_text(odd)), odd
    assert markdown_text("in [1, 2], `[x](y)`") == "in [1, 2], `[x](y)`"


def test_latex_of_the_three_main_tables() -> None:
    tables = make_tables(made_up_rows(), [])
    written = {}
    for entry, table in zip(TABLES, tables, strict=True):
        assert set(entry.latex) <= set(table.columns)
        found = table_files(table, AUDIT, entry.latex)
        if f"{table.name}.tex" in found:
            written[table.name] = found[f"{table.name}.tex"]
    assert set(written) == {"language-quality", "comparisons", "efficiency"}
    for name, text in written.items():
        table = next(table for table in tables if table.name == name)
        assert text.count(r"\begin{table}") == text.count(r"\end{table}") == len(table.divided())
        labels = re.findall(r"\\label\{(.+?)\}", text)
        assert len(labels) == len(set(labels)) == len(table.divided())
        for body in re.findall(r"\\begin\{tabular\}\{([lr]+)\}\n(.*?)\\end\{tabular\}", text, re.DOTALL):
            lines = [line for line in body[1].splitlines() if not line.endswith("rule")]
            assert all(line.endswith(r" \\") and line.count(" & ") == len(body[0]) - 1 for line in lines)
        assert sum(len(part.rows) for _, part in table.divided()) == len(
            [line for line in text.splitlines() if line.endswith(r"\\") and not line.startswith(("method", "dataset"))]
        )


def test_latex_escapes_whatever_means_something_to_tex() -> None:
    text = "50 % of $x_1 & {y}#~^\\ <a> \n\\input{/etc/passwd}"
    lines = [{"method": text, "x": Estimate(-1.5, -2.0, -1.0)}, {"method": "[b]"}]
    written = to_latex(Table.of("name", text, ("method", "x"), lines, (text,)), ("method", "x"))
    assert r"50 \% of \$x\_1 \& \{y\}\#\textasciitilde{}\textasciicircum{}\textbackslash{} \textless{}a" in written
    assert r"\input" not in written and r"$-$1.50 {\scriptsize [$-$2.00, $-$1.00]}" in written
    assert "\n{}[b] &" in written
    # Comments and captions hold no line break that would end them.
    assert written.count("\n%") == 1


def test_tables_refuse_rows_that_do_not_go_together() -> None:
    with pytest.raises(ValueError, match="same key"):
        make_tables([QUALITY[0], QUALITY[0]])


def test_published_numbers_of_the_project() -> None:
    numbers = read_published_numbers()
    found = {(n.source, n.dataset, n.method, n.metric): n.value for n in numbers}
    assert found["arXiv:2510.00261 table 1", "ECG-QA PTB-XL", "ECG-Byte", "accuracy"] == "37.03"
    assert {number.table for number in numbers} == {"language-quality", "controls", "efficiency"}
    assert all(isinstance(number, PublishedNumber) and number.source and number.note for number in numbers)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("controls,,note,d,m,accuracy,1,", "line 2: source: got an empty cell"),
        ("others,s,note,d,m,accuracy,1,", "line 2: table: got 'others'"),
        ("controls,s,note,d,m,accuracy,many,", "line 2: could not convert"),
        ("controls,s,note,d,m,accuracy,1,\ncontrols,s,other,d,m,accuracy,2,", "given twice"),
    ],
)
def test_bad_published_numbers_are_refused(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "published.csv"
    path.write_text(f"table,source,note,dataset,method,metric,value,std\n{line}\n")
    with pytest.raises(ValueError, match=message):
        read_published_numbers(path)


def test_published_numbers_need_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "published.csv"
    with pytest.raises(FileNotFoundError):
        read_published_numbers(path)
    path.write_text("source,value\n")
    with pytest.raises(ValueError, match="columns"):
        read_published_numbers(path)
