"""Every verdict comes out either way, from rows written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from experiments.report.verdict_table import verdict_table
from experiments.rows.estimates import Estimate
from experiments.rows.schema import ResultRow
from experiments.tables.rendering import to_csv
from experiments.verdicts.catalogue import CLAIMS, make_verdicts
from experiments.verdicts.parts import (
    DEPENDS,
    FAILS,
    HOLDS,
    UNTESTED,
    Finding,
    Verdict,
    above,
    adds,
    best_of,
    decide,
    difference,
    within,
)
from tests.experiments.made_up_rows import around, made_up_rows, row


def quality(method: str, accuracy: float, half: float = 1.0, **other: Any) -> list[ResultRow]:
    shown = {"input": "text-only" if method == "text-only" else "ecg", **other}
    return [
        row("language-quality", method, metric, accuracy, **around(accuracy, half), **shown)
        for metric in ("accuracy", "bleu-4")
    ]


def paired(method: str, against: str, value: float, half: float, metric: str = "accuracy", **other: Any) -> ResultRow:
    variant = {"variant": f"against {against}", **around(value, half), **other}
    return row("comparisons", method, f"{metric}-difference", value, **variant)


def find(rows: list[ResultRow], words: str) -> Verdict:
    found = [verdict for verdict in make_verdicts(rows) if words in verdict.claim]
    assert len(found) == 1, [verdict.claim for verdict in found]
    return found[0]


def test_no_rows_no_verdict() -> None:
    verdicts = make_verdicts([])
    assert {verdict.verdict for verdict in verdicts} == {UNTESTED}
    assert all(verdict.claim and verdict.source and verdict.where and verdict.evidence for verdict in verdicts)
    assert not any("Small run" in verdict.note for verdict in verdicts)


@pytest.mark.parametrize(
    ("low", "high", "up", "small", "plus"),
    [
        (1, 3, HOLDS, DEPENDS, HOLDS),
        (-1, 1, DEPENDS, HOLDS, FAILS),
        (-3, 3, DEPENDS, DEPENDS, DEPENDS),
        (-5, -3, FAILS, FAILS, FAILS),
        (3, 5, HOLDS, FAILS, HOLDS),
    ],
)
def test_rules(low: float, high: float, up: str, small: str, plus: str) -> None:
    value = Estimate((low + high) / 2, low, high)
    assert (above(value, 0), within(value, 2), adds(value)) == (up, small, plus)


def test_a_value_without_an_interval_decides_by_itself() -> None:
    assert [above(Estimate(value), 3) for value in (3.0, 2.9)] == [HOLDS, FAILS]


@pytest.mark.parametrize(
    ("value", "half", "verdict"), [(1.0, 2.0, HOLDS), (-1.0, 2.0, DEPENDS), (-6.0, 2.0, FAILS), (6.0, 1.0, HOLDS)]
)
def test_competitive(value: float, half: float, verdict: str) -> None:
    rows = [*quality("ecg-byte", 50), *quality("merl", 52), *quality("vit", 51)]
    rows += [paired("ecg-byte", "merl", value, half), paired("ecg-byte", "merl", 3.0, 1.0, "bleu-4")]
    found = find(rows, "about as well as two-stage methods.")
    assert found.verdict == verdict
    assert "of merl, the best of them" in found.evidence and f"{value:.2f} [{value - half:.2f}" in found.evidence
    assert "Small run" in found.note


def test_competitive_needs_every_metric() -> None:
    rows = [*quality("ecg-byte", 50), *quality("merl", 52)]
    rows += [paired("ecg-byte", "merl", 5.0, 1.0), paired("ecg-byte", "merl", -9.0, 1.0, "bleu-4")]
    assert find(rows, "about as well as two-stage methods.").verdict == FAILS


def test_competitive_on_two_data_sets_may_depend_on_which() -> None:
    rows = [*quality("ecg-byte", 50), *quality("merl", 40)]
    rows += [*quality("ecg-byte", 40, dataset="synthetic"), *quality("merl", 60, dataset="synthetic")]
    found = find(rows, "about as well as two-stage methods.")
    assert found.verdict == DEPENDS
    assert found.evidence.startswith("Depends on which: ptb-xl: accuracy") and "synthetic: accuracy" in found.evidence


def test_published_faults_are_judged_apart() -> None:
    rows = [*quality("ecg-byte", 50), *quality("merl", 60), *quality("merl-as-published", 30)]
    assert find(rows, "about as well as two-stage methods.").verdict == FAILS
    assert find(rows, "that keep the faults").verdict == HOLDS
    assert best_of(rows, "ptb-xl", "as published") == "merl-as-published"


def test_differences_are_paired_where_they_can_be() -> None:
    rows = [*quality("ecg-byte", 50, 2), *quality("merl", 52, 3), paired("merl", "ecg-byte", 2.0, 0.5)]
    assert difference(rows, "ptb-xl", "ecg-byte", "merl", "accuracy") == (Estimate(-2.0, -2.5, -1.5, 2), "paired")
    wide = difference(rows, "ptb-xl", "ecg-byte", "merl", "bleu-4")
    assert wide == (Estimate(-2.0, -7.0, 3.0, 2), "not paired, wide interval")
    assert difference(rows, "ptb-xl", "ecg-byte", "vit", "accuracy") is None


def cost(method: str, stage: str, padding: str, **values: float) -> list[ResultRow]:
    here = {"stage": stage, "padding": padding, "split": "train"}
    return [row("efficiency", method, name.replace("_", "-"), value, **here) for name, value in values.items()]


def timed(method: str, stage: str, padding: str, value: float, low: float, high: float) -> ResultRow:
    here = {"stage": stage, "padding": padding, "split": "train", "ci_low": low, "ci_high": high}
    return row("efficiency", method, "timed-seconds-per-1000-samples", value, **here)


def costs(stage_1: float, two_stage: tuple[float, float, float]) -> list[ResultRow]:
    return [
        *cost("ecg-byte", "end-to-end", "none", train_seconds=100, samples_seen=1000, distinct_records=200),
        timed("ecg-byte", "end-to-end", "1024", 100, 90, 110),
        *cost("merl", "stage-1", "", train_seconds=stage_1, samples_seen=1500, distinct_records=250),
        *cost("merl", "stage-2", "none", train_seconds=20, samples_seen=1000, distinct_records=200),
        timed("merl", "stage-2", "1024", *two_stage),
    ]


def test_three_times_faster_comes_out_by_layout() -> None:
    rows = costs(80, (280, 250, 300))
    padded, per_batch = find(rows, "(padded to 1,024)"), find(rows, "(padded per batch)")
    # 80 + 280 against 100: 3.6, from (80 + 250) / 110 to (80 + 300) / 90.
    assert padded.verdict == HOLDS and "merl takes 3.60 [3.00, 4.22] times as long" in padded.evidence
    assert "2.80 [2.27, 3.33] times without its stage 1" in padded.evidence
    assert per_batch.verdict == FAILS and "merl takes 1.00 times as long" in per_batch.evidence
    # 80 s of stage 1 would have to be 280 s: 3.5 times as long.
    assert "merl 3.5 times as long" in per_batch.note
    assert find(rows, "(packed)").verdict == find(rows, "(questions share an ECG)").verdict == UNTESTED
    assert find(costs(80, (230, 200, 300)), "(padded to 1,024)").verdict == DEPENDS
    assert find(costs(0, (230, 200, 240)), "(padded to 1,024)").verdict == FAILS


def test_three_times_faster_may_depend_on_the_method() -> None:
    rows = [*costs(80, (280, 250, 300)), timed("clip", "stage-2", "1024", 50, 45, 55)]
    rows += cost("clip", "stage-2", "1024", samples_seen=1000)
    assert find(rows, "(padded to 1,024)").verdict == DEPENDS
    # Methods with the faults of the published code on are no part of it.
    faulty = [timed("clip-as-published", "stage-2", "1024", 50, 45, 55)]
    faulty += cost("clip-as-published", "stage-2", "1024", samples_seen=1000)
    assert find([*costs(80, (280, 250, 300)), *faulty], "(padded to 1,024)").verdict == HOLDS


def to_loss(metric: str, own: float, *others: float) -> list[ResultRow]:
    """What was needed until a loss that is another for each seed, by ecg-byte and by merl."""
    rows = []
    for seed, other in enumerate(others):
        place = {"variant": f"loss 0.{4 + seed}", "seed": seed, "stage": "all stages", "split": "validation"}
        rows += [row("efficiency", name, metric, v, **place) for name, v in (("ecg-byte", own), ("merl", other))]
    return rows


@pytest.mark.parametrize(("others", "verdict"), [((35, 31), HOLDS), ((35, 25), DEPENDS), ((25, 12), FAILS)])
def test_three_times_faster_until_the_same_loss(others: tuple[float, float], verdict: str) -> None:
    found = find(to_loss("seconds-to-validation-loss", 10, *others), "until the same validation loss")
    mean, low, high = sum(others) / 20, min(others) / 10, max(others) / 10
    assert found.verdict == verdict
    assert f"merl takes {mean:.2f} [{low:.2f}, {high:.2f}] times as long" in found.evidence


@pytest.mark.parametrize(("other", "verdict"), [(2500, HOLDS), (1500, FAILS)])
def test_share_of_the_data_until_the_same_loss(other: float, verdict: str) -> None:
    # Whether the answers are as good with it is asked of the other readings only.
    rows = [*to_loss("samples-to-validation-loss", 1000, other), *quality("ecg-byte", 40), *quality("merl", 50)]
    found = find(rows, "48 %")
    assert found.verdict == verdict
    assert f"samples until the same validation loss: {100_000 / other:.1f} %" in found.evidence


def test_a_control_that_breaks_the_model_is_no_evidence() -> None:
    added = row("controls", "ecg-byte", "accuracy-difference", 45.0, input="flat-line", **around(45, 1))
    for accuracy, verdict in ((38.5, HOLDS), (5.0, DEPENDS)):
        shown = quality("ecg-byte", accuracy, input="flat-line")
        found = find([*quality("ecg-byte", 50), *quality("text-only", 40), *shown, added], "flat line")
        assert found.verdict == verdict
        assert ("breaks it" in found.evidence) == (verdict == DEPENDS)


def test_share_of_the_data() -> None:
    equal, worse = [*quality("ecg-byte", 50), *quality("merl", 50)], [*quality("ecg-byte", 40), *quality("merl", 50)]
    rows = costs(80, (280, 250, 300))
    # 1,000 samples of 2,500; 200 ECGs of 250.
    found = find(rows, "48 %")
    assert found.verdict == DEPENDS
    assert "samples seen: 40.0 %" in found.evidence and "distinct ECGs: 80.0 %" in found.evidence
    few = [r for r in rows if r.metric != "distinct-records"]
    assert find([*few, *equal], "48 %").verdict == HOLDS
    assert find([*few, *worse], "48 %").verdict == FAILS
    many = [r for r in few if not (r.method == "merl" and r.stage == "stage-1")]
    assert find(many, "48 %").verdict == FAILS


@pytest.mark.parametrize(("largest", "outside", "verdict"), [(0.5, 0.0, HOLDS), (0.5, 0.7, DEPENDS), (0.9, 0.0, FAILS)])
def test_straight_back(largest: float, outside: float, verdict: str) -> None:
    rows = [
        row("tokenizer", "ecg-byte", "reconstruction-largest", largest),
        row("tokenizer", "ecg-byte", "outside-range", outside),
    ]
    assert find(rows, "straight back").verdict == verdict


@pytest.mark.parametrize(
    ("value", "half", "verdict"),
    [(5.0, 2.0, HOLDS), (0.5, 1.0, FAILS), (1.0, 3.0, DEPENDS), (-4.0, 1.0, FAILS)],
)
@pytest.mark.parametrize("control", ["other-patient", "flat-line", "noise", "text-only", "shuffled-leads"])
def test_use_of_the_ecg(control: str, value: float, half: float, verdict: str) -> None:
    words = {"other-patient": "another patient", "flat-line": "flat line", "noise": "noise", "text-only": "without any"}
    rows = [*quality("ecg-byte", 50)]
    rows.append(row("controls", "ecg-byte", "accuracy-difference", value, input=control, **around(value, half)))
    rows.append(row("controls", "merl", "accuracy-difference", 30.0, input=control, **around(30, 1)))
    found = find(rows, words.get(control, "leads are shuffled"))
    assert found.verdict == verdict
    assert "ecg-byte: the ECG adds" in found.evidence and "merl" not in found.evidence
    needed = row("controls", "ecg-byte", "accuracy-difference", 9.0, input=control, subset="answer-balanced")
    assert (
        "9.00 on questions chosen so that" in find([*rows, needed], words.get(control, "leads are shuffled")).evidence
    )


@pytest.mark.parametrize(("text", "verdict"), [(30, HOLDS), (49.0, DEPENDS), (60, FAILS)])
def test_better_than_text(text: float, verdict: str) -> None:
    assert find([*quality("ecg-byte", 50), *quality("text-only", text)], "questions alone").verdict == verdict


@pytest.mark.parametrize(
    ("scratch", "other", "verdict"), [(40, 40, HOLDS), (60, 60, FAILS), (40, 60, DEPENDS), (50, 50, DEPENDS)]
)
def test_pretraining(scratch: float, other: float, verdict: str) -> None:
    rows = [*quality("merl", 50), *quality("vit", 50)]
    rows += [*quality("merl-from-scratch", scratch), *quality("vit-from-scratch", other)]
    found = find(rows, "Pretraining")
    assert found.verdict == verdict
    assert "merl: " in found.evidence and "vit: " in found.evidence


@pytest.mark.parametrize(("value", "half", "verdict"), [(0.5, 1.0, HOLDS), (5.0, 1.0, FAILS), (1.5, 1.0, DEPENDS)])
def test_matching_rules(value: float, half: float, verdict: str) -> None:
    rows = [*quality("ecg-byte", 50), *quality("ecg-byte-merge-order", 50)]
    for metric in ("accuracy", "bleu-4"):
        rows.append(paired("ecg-byte", "ecg-byte-merge-order", value, half, metric))
    assert find(rows, "longest match").verdict == verdict


def test_verdicts_of_a_whole_run() -> None:
    verdicts = make_verdicts(made_up_rows())
    assert UNTESTED not in {verdict.verdict for verdict in verdicts}
    text = to_csv(verdict_table(verdicts))
    assert text.startswith("claim,verdict,evidence,how it is decided,claimed by,where\n")
    assert all("Small run" in verdict.note for verdict in verdicts)
    full = [verdict.note for verdict in make_verdicts(quality("ecg-byte", 5, scale="full"))]
    assert not any("Small run" in note for note in full)


def test_a_claim_is_one_function_and_one_entry() -> None:
    def shown(rows: Sequence[ResultRow]) -> Verdict:
        finding = [Finding(HOLDS, f"{len(rows)} rows")] if rows else []
        return decide("There are rows.", "nobody", "nowhere", finding, "Holds where there is one.")

    verdicts = make_verdicts(quality("ecg-byte", 50), (*CLAIMS, shown))
    assert (verdicts[-1].verdict, verdicts[-1].evidence) == (HOLDS, "2 rows.")
    assert len(verdicts) == len(make_verdicts([])) + 1
