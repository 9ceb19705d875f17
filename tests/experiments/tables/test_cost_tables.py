"""Tables of what training takes and how it was done, from rows written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.rows.estimates import Estimate
from experiments.rows.learning_rates import chosen_rate_row, trial_rows
from experiments.rows.schema import ResultRow, check_rows
from experiments.tables.budget import budget
from experiments.tables.calculation import paper_scale
from experiments.tables.convergence import learning_rates
from experiments.tables.efficiency import efficiency, efficiency_by_stage, validation
from tests.experiments.made_up_rows import made_up_rows
from tests.experiments.tables.hand_written_rows import COSTS, QUALITY, cost, row


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
