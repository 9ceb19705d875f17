"""Every verdict comes out either way, from rows written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from experiments.report.verdict_table import verdict_table
from experiments.rows.estimates import Estimate
from experiments.rows.schema import ResultRow, compact_json
from experiments.tables.rendering import to_csv
from experiments.verdicts.catalogue import CLAIMS, make_verdicts
from experiments.verdicts.parts import (
    FAILS,
    HOLDS,
    UNCONVERGED,
    UNDECIDED,
    UNTESTED,
    Finding,
    Place,
    Verdict,
    above,
    adds,
    decide,
)
from experiments.verdicts.values import best_of, difference
from tests.experiments.made_up_rows import around, made_up_rows, row

NAMES = [
    *(
        "Quality",
        "Quality, our recipe",
        "Speed",
        "Data",
        "Data, our recipe",
        "Reads the ECG",
        "Reads the leads",
        "Maps back",
    ),
    "What pretraining buys",
]


def quality(method: str, accuracy: float, half: float = 1.0, **other: Any) -> list[ResultRow]:
    shown = {"input": "text-only" if method == "text-only" else "ecg", **other}
    return [
        row("language-quality", method, metric, accuracy, **around(accuracy, half), **shown)
        for metric in ("accuracy", "bleu-4")
    ]


def paired(method: str, against: str, value: float, half: float, metric: str = "accuracy", **other: Any) -> ResultRow:
    variant = {"variant": f"against {against}", **around(value, half), **other}
    return row("comparisons", method, f"{metric}-difference", value, **variant)


def converged(*methods: str, value: float = 1.0, **other: Any) -> list[ResultRow]:
    return [row("convergence", method, "converged", value, split="validation", **other) for method in methods]


def control(shown: str, value: float, half: float, **other: Any) -> ResultRow:
    return row("controls", "ecg-byte", "accuracy-difference", value, **{"input": shown, **around(value, half), **other})


def find(rows: list[ResultRow], name: str) -> Verdict:
    (found,) = [verdict for verdict in make_verdicts(rows) if verdict.name == name]
    return found


def test_a_card_each_and_none_is_judged_without_rows() -> None:
    verdicts = make_verdicts([])
    assert [verdict.name for verdict in verdicts] == NAMES
    # Speed is calculated, so it needs no rows.
    assert {verdict.verdict for verdict in verdicts if verdict.name != "Speed"} == {UNTESTED}
    assert all(v.claim and v.source and v.evidence and v.note and v.depends_on for v in verdicts)
    assert not any("Small run" in verdict.note for verdict in verdicts)


@pytest.mark.parametrize(
    ("low", "high", "up", "plus"),
    [
        (1, 3, HOLDS, UNDECIDED),
        (-1, 1, UNDECIDED, FAILS),
        (0.5, 1.9, HOLDS, FAILS),
        (-3, 3, UNDECIDED, UNDECIDED),
        (-5, -3, FAILS, FAILS),
        (2, 5, HOLDS, HOLDS),
    ],
)
def test_rules(low: float, high: float, up: str, plus: str) -> None:
    value = Estimate((low + high) / 2, low, high)
    assert (above(value, 0), adds(value)) == (up, plus)


def test_a_value_without_an_interval_decides_by_itself() -> None:
    assert [above(Estimate(value), 3) for value in (3.0, 2.9)] == [HOLDS, FAILS]


@pytest.mark.parametrize(
    ("kinds", "verdict", "number"),
    [
        ((HOLDS, HOLDS), HOLDS, 0),
        ((HOLDS, UNDECIDED), UNDECIDED, 1),
        ((UNDECIDED, FAILS, HOLDS), FAILS, 1),
        ((), UNTESTED, None),
    ],
)
def test_findings_must_all_hold_and_the_number_is_the_deciding_one(
    kinds: tuple[str, ...], verdict: str, number: int | None
) -> None:
    findings = [Finding(kind, f"finding {place}", Estimate(place)) for place, kind in enumerate(kinds)]
    found = decide("A claim.", findings, "A rule.", number_is="points", leans_on=[Place("ptb-xl", "merl")])
    assert found.verdict == verdict
    assert found.number == (None if number is None else Estimate(number))
    assert found.number_text == ("" if number is None else f"{number:.2f} points")
    assert bool(found.leans_on) == bool(kinds)


@pytest.mark.parametrize(
    ("value", "half", "verdict"), [(1.0, 2.0, HOLDS), (-1.0, 2.0, UNDECIDED), (-6.0, 2.0, FAILS), (6.0, 1.0, HOLDS)]
)
def test_quality(value: float, half: float, verdict: str) -> None:
    rows = [*quality("ecg-byte", 50), *quality("merl", 52), *quality("vit", 51), *converged("ecg-byte", "merl")]
    rows += [paired("ecg-byte", "merl", value, half), paired("ecg-byte", "merl", 3.0, 1.0, "bleu-4")]
    found = find(rows, "Quality")
    assert found.verdict == verdict
    assert "of merl, the best of them" in found.evidence
    assert found.number == Estimate(value, value - half, value + half)
    assert "Small run" in found.note and "t interval" in found.note


@pytest.mark.parametrize(("value", "half", "verdict"), [(-1.0, 0.5, HOLDS), (-1.0, 2.0, UNDECIDED), (-6.0, 2.0, FAILS)])
def test_our_recipe_is_judged_by_the_same_rule_and_apart(value: float, half: float, verdict: str) -> None:
    rows = [*quality("ecg-byte", 50), *quality("ecg-byte-plus", 60), *quality("merl", 61)]
    rows += converged("ecg-byte", "ecg-byte-plus", "merl")
    rows += [paired("ecg-byte-plus", "merl", value, half), paired("ecg-byte-plus", "merl", 0.0, 1.0, "bleu-4")]
    rows += [paired("ecg-byte", "merl", -11.0, 1.0), paired("ecg-byte", "merl", -9.0, 1.0, "bleu-4")]
    found = find(rows, "Quality, our recipe")
    assert (found.verdict, found.number) == (verdict, Estimate(value, value - half, value + half))
    assert "ecg-byte -11.00" in found.depends_on and "ecg-byte-plus" not in found.depends_on
    assert find(rows, "Quality").verdict == FAILS
    not_yet = [*rows, *converged("ecg-byte-plus", value=0.0)]
    assert find(not_yet, "Quality, our recipe").verdict == UNCONVERGED


def test_quality_needs_every_metric() -> None:
    rows = [*quality("ecg-byte", 50), *quality("merl", 52), *converged("ecg-byte", "merl")]
    rows += [paired("ecg-byte", "merl", 5.0, 1.0), paired("ecg-byte", "merl", -9.0, 1.0, "bleu-4")]
    assert find(rows, "Quality").verdict == FAILS


def test_quality_on_two_data_sets_must_hold_on_both() -> None:
    rows = [*quality("ecg-byte", 50), *quality("merl", 40), *converged("ecg-byte", "merl")]
    rows += [*quality("ecg-byte", 40, dataset="synthetic"), *quality("merl", 60, dataset="synthetic")]
    rows += converged("ecg-byte", "merl", dataset="synthetic")
    found = find(rows, "Quality")
    assert found.verdict == FAILS and found.number is not None and found.number.value == -20
    assert "ptb-xl: accuracy" in found.evidence and "synthetic: accuracy" in found.evidence


def test_faults_and_random_encoders_are_no_two_stage_methods() -> None:
    rows = [*quality("merl", 50), *quality("merl-as-published", 60), *quality("merl-random", 70)]
    assert best_of(rows, "ptb-xl", "two-stage") == "merl"
    assert best_of(rows, "ptb-xl", "as published") == "merl-as-published"
    assert best_of(rows, "ptb-xl", "random encoder") == "merl-random"


def test_the_headline_is_of_the_generated_questions() -> None:
    rows = [*quality("ecg-byte", 60), *quality("merl", 50), *converged("ecg-byte", "merl")]
    for subset, own, other in (("generated", 40, 70), ("ecg-qa", 65, 65)):
        rows += [*quality("ecg-byte", own, subset=subset), *quality("merl", other, subset=subset)]
    found = find(rows, "Quality")
    assert found.number is not None and found.number.value == -30
    # Reports, or noise questions: whatever else is asked, the generated ones are the headline. Without others they are
    # all of them.
    assert find([row._replace(subset=row.subset.replace("ecg-qa", "reports")) for row in rows], "Quality") == found
    assert find([row for row in rows if row.subset == "all"], "Quality").verdict == HOLDS


def test_differences_are_paired_where_they_can_be() -> None:
    rows = [*quality("ecg-byte", 50, 2), *quality("merl", 52, 3), paired("merl", "ecg-byte", 2.0, 0.5)]
    assert difference(rows, "ptb-xl", "ecg-byte", "merl", "accuracy") == (Estimate(-2.0, -2.5, -1.5, 2), "paired")
    wide = difference(rows, "ptb-xl", "ecg-byte", "merl", "bleu-4")
    assert wide == (Estimate(-2.0, -7.0, 3.0, 2), "not paired, wide interval")
    assert difference(rows, "ptb-xl", "ecg-byte", "vit", "accuracy") is None


@pytest.mark.parametrize(
    ("checked", "said"),
    [
        ([], "ecg-byte: not checked; merl: not checked"),
        (converged("merl"), "(ecg-byte: not checked)"),
        ([*converged("merl"), *converged("ecg-byte", value=0)], "(ecg-byte: 1 of 1 runs)"),
        (
            [*converged("ecg-byte", "merl"), *converged("merl", value=0, seed=1), *converged("merl", seed=2)],
            "(merl: 1 of 3 runs)",
        ),
        (converged("ecg-byte", "merl", dataset="synthetic"), "ecg-byte: not checked; merl: not checked"),
    ],
)
def test_what_leans_on_training_that_had_not_converged_is_not_judged(checked: list[ResultRow], said: str) -> None:
    rows = [*quality("ecg-byte", 50), *quality("merl", 80), *checked]
    found = find(rows, "Quality")
    assert found.verdict == UNCONVERGED and said in found.evidence
    assert "-30.00" in found.evidence and found.number is not None
    assert find(
        [*quality("ecg-byte", 50), *quality("merl", 80), *converged("ecg-byte", "merl")], "Quality"
    ).verdict == (FAILS)


def test_what_was_not_measured_is_not_called_unconverged() -> None:
    assert find(quality("ecg-byte", 50), "Quality").verdict == UNTESTED


def test_methods_without_a_language_model_need_no_convergence() -> None:
    def claim(rows: Sequence[ResultRow]) -> Verdict:
        return decide("A claim.", [Finding(HOLDS, "so")], "", leans_on=[Place("ptb-xl", "most-frequent")])

    assert make_verdicts([], (claim,))[0].verdict == HOLDS


def test_speed_follows_from_the_calculation() -> None:
    found = find([], "Speed")
    # MERL's stage 1 is too cheap for 3 times at the published sizes; CLIP and ViT together are not.
    assert found.verdict == FAILS and found.number == Estimate(found.number.low, found.number.low, found.number.high, 1)
    assert 1.4 < found.number.low < 1.8 and 5 < found.number.high < 5.6
    assert "merl 543, clip 252, vit 105, clip-vit 74" in found.depends_on
    assert find(made_up_rows(), "Speed").number == found.number


def fraction(
    records: int, accuracy: float, half: float = 0.5, table: str = "ablations", method: str = "ecg-byte"
) -> ResultRow:
    settings = {"configuration": compact_json({"data": {"train_records": records}}), **around(accuracy, half)}
    return row(table, method, "accuracy", accuracy, variant=f"data.train_records={records}", **settings)


@pytest.mark.parametrize(("accuracy", "verdict"), [(51, HOLDS), (48.5, UNDECIDED), (40, FAILS)])
@pytest.mark.parametrize(("method", "card"), [("ecg-byte", "Data"), ("ecg-byte-plus", "Data, our recipe")])
def test_data_compares_48_percent_of_the_records_with_all(
    method: str, card: str, accuracy: float, verdict: str
) -> None:
    whole = fraction(8000, 55, table="language-quality", method=method)._replace(variant="")
    rows = [whole, *quality("merl", 50, 0.5), *converged(method, "merl")]
    assert find(rows, card).verdict == UNTESTED
    rows += [fraction(records, value, method=method) for records, value in ((960, 30), (3840, accuracy), (5000, 70))]
    found = find(rows, card)
    assert found.verdict == verdict and "with 48 % of the records" in found.evidence
    assert found.number is not None and found.number.value == accuracy - 50
    shared = {"configuration": compact_json({"data": {"train_records": 8000, "train_share": 0.48}})}
    by_share = [
        r._replace(variant="data.train_share=0.48", **shared) if r.variant.endswith("3840") else r for r in rows
    ]
    assert find(by_share, card) == found
    # Where the answers themselves were compared, that is the number.
    paired = row("ablations", method, "accuracy-from-best", 3, variant="data.train_records=3840", **around(3, 1))
    assert find([*rows, paired], card).number == Estimate(3, 2, 4)
    assert "(paired)" in find([*rows, paired], card).evidence and "(not paired" in found.evidence
    (other,) = {"Data", "Data, our recipe"} - {card}
    assert find(rows, other).verdict == UNTESTED


def test_what_is_shown_is_told_as_one_share_where_all_methods_have_the_same() -> None:
    rows = made_up_rows()
    assert find(rows, "Data").depends_on == "the epochs given to stage 1 (here ecg-byte is shown 38 %)"
    fewer = [
        r._replace(value=64_000) if (r.method, r.stage, r.metric) == ("merl", "stage-1", "samples-seen") else r
        for r in rows
    ]
    assert find(fewer, "Data").depends_on.endswith("(here ecg-byte is shown 38 to 60 %)")


@pytest.mark.parametrize(
    ("value", "half", "verdict"), [(5, 2, HOLDS), (0.5, 1, FAILS), (1, 3, UNDECIDED), (-4, 1, FAILS)]
)
def test_reading_the_leads(value: float, half: float, verdict: str) -> None:
    rows = [*quality("ecg-byte", 50), control("shuffled-leads", value, half), *converged("ecg-byte")]
    found = find(rows, "Reads the leads")
    assert found.verdict == verdict and found.number == Estimate(value, value - half, value + half)


def test_a_small_difference_that_is_surely_above_0_does_not_count() -> None:
    rows = [*quality("ecg-byte", 50), control("shuffled-leads", 1.0, 0.5), *converged("ecg-byte")]
    assert find(rows, "Reads the leads").verdict == FAILS


@pytest.mark.parametrize(
    ("value", "half", "text", "verdict"),
    [(9, 2, 30, HOLDS), (9, 2, 49, UNDECIDED), (9, 2, 60, FAILS), (1, 0.5, 30, FAILS), (1, 3, 30, UNDECIDED)],
)
def test_reading_the_ecg(value: float, half: float, text: float, verdict: str) -> None:
    rows = [*quality("ecg-byte", 50), *quality("text-only", text), *converged("ecg-byte", "text-only")]
    rows += [control("other-patient", value, half), control("noise", 30, 1)]
    rows.append(control("other-patient", 8, 1, subset="answer-balanced"))
    found = find(rows, "Reads the ECG")
    assert found.verdict == verdict
    assert "+8.00 [7.00, 9.00] on questions chosen so that" in found.evidence
    assert "noise +30.00" in found.depends_on
    assert found.number is not None and found.number.value == (50 - text if verdict != HOLDS and value == 9 else value)


@pytest.mark.parametrize(("records", "largest", "verdict"), [(0.0, 0.5, HOLDS), (91.0, 0.5, FAILS), (0.0, 0.9, FAILS)])
def test_mapping_back(records: float, largest: float, verdict: str) -> None:
    values = {"clipped-records": records, "clipped-leads": records / 3, "reconstruction-largest": largest}
    rows = [row("tokenizer", "ecg-byte", name, value) for name, value in values.items()]
    # Of another data set than the tokenizer's own, and of another tokenizer: no part of it.
    rows += [r._replace(dataset="synthetic", trained_on="ptb-xl", value=0.3) for r in rows]
    rows += [row("tokenizer", "ecg-byte-merge-order", "clipped-records", 50.0)]
    found = find(rows, "Maps back")
    assert found.verdict == verdict
    assert f"{records:.1f} % of ECGs have a clipped sample, {records / 3:.1f} % of their leads" in found.evidence
    older = [r for r in rows if not r.metric.startswith("clipped")]
    assert find(older, "Maps back").verdict == UNTESTED


@pytest.mark.parametrize(("random", "verdict"), [(40, HOLDS), (47, UNDECIDED), (60, FAILS)])
def test_pretraining_is_judged_by_the_best_encoder_against_a_random_one(random: float, verdict: str) -> None:
    rows = [*quality("merl", 50), *quality("vit", 45), *quality("vit-random", 45), *quality("merl-from-scratch", 20)]
    rows += converged("merl", "merl-random")
    assert find(rows, "What pretraining buys").verdict == UNTESTED
    found = find([*rows, *quality("merl-random", random)], "What pretraining buys")
    assert found.verdict == verdict and found.number is not None and found.number.value == 50 - random
    assert "vit: +0.00" in found.depends_on and "Reports are a part" in found.note


def test_verdicts_of_a_whole_run() -> None:
    verdicts = make_verdicts(made_up_rows())
    assert [verdict.name for verdict in verdicts] == NAMES
    text = to_csv(verdict_table(verdicts))
    assert text.startswith("about,claim,verdict,number,depends on,evidence,how it is decided,claimed by\n")
    assert all("Small run" in verdict.note for verdict in verdicts if verdict.leans_on)
    full = [verdict.note for verdict in make_verdicts(quality("ecg-byte", 5, scale="full"))]
    assert not any("Small run" in note for note in full)


def test_a_claim_is_one_function_and_one_entry() -> None:
    def shown(rows: Sequence[ResultRow]) -> Verdict:
        finding = [Finding(HOLDS, f"{len(rows)} rows")] if rows else []
        return decide("There are rows.", finding, "Holds where there is one.")

    verdicts = make_verdicts(quality("ecg-byte", 50), (*CLAIMS, shown))
    assert (verdicts[-1].verdict, verdicts[-1].evidence, verdicts[-1].name) == (HOLDS, "2 rows.", "There are rows.")
    assert len(verdicts) == len(make_verdicts([])) + 1
