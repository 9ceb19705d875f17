"""Tables of answers from rows written by hand."""

from __future__ import annotations

from experiments.profiles.methods import METHODS
from experiments.rows.estimates import Estimate
from experiments.rows.groups import PERFECT, family, method_order, most_seeds
from experiments.tables.catalogue import make_tables
from experiments.tables.controls import control_differences, controls
from experiments.tables.convergence import convergence
from experiments.tables.quality import (
    comparisons,
    language_quality,
    language_quality_by_seed,
    noise_questions,
    roc_areas,
)
from experiments.tables.rendering import to_markdown
from experiments.tables.variations import ablations, tokenizer, transfer
from tests.experiments.made_up_rows import ABLATIONS, made_up_rows
from tests.experiments.tables.hand_written_rows import AUDIT, COSTS, QUALITY, row


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
