"""Verdicts on claims about cost and about the tokens: 3 times faster, 48 % of the data, straight back to the signal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from experiments.rows.estimates import Estimate, cell_text
from experiments.rows.groups import REFERENCE_METHOD, family, layout_name, method_order
from experiments.rows.schema import ResultRow
from experiments.rows.total_costs import SECONDS, Cost, layouts, ratio, stage_costs, total_costs
from experiments.verdicts.parts import DEPENDS, FAILS, HOLDS, UNTESTED, Finding, Verdict, above, decide, measured
from experiments.verdicts.quality import PAPER, competitive

CLAIMED_RATIO = 3.0
CLAIMED_SHARE = 48.0
# As published, without padding, without padding at all, and this project's own.
_LAYOUTS = ("1024", "none", "packed", "shared")
_TO_LOSS = (
    "The loss is, for each training run, the highest of the lowest that ecg-byte and the two-stage methods reached; "
    "the interval is from the smallest to the largest of these runs."
)


def faster(rows: Sequence[ResultRow]) -> list[Verdict]:
    """One verdict a layout, and one for equal loss: two-stage training takes 3 times as long as ECG-Byte's."""
    costs = [row for row in rows if row.table == "efficiency"]
    own = {padding for padding in layouts(costs) if padding and _has_both(costs, padding)}
    by_layout = [_faster(costs, padding) for padding in (*_LAYOUTS, *sorted(own - set(_LAYOUTS)))]
    return [*by_layout, _faster_to_loss(costs)]


def _has_both(costs: Sequence[ResultRow], padding: str) -> bool:
    families = {family(total.method) for total in total_costs(costs) if total.padding == padding and total.basis}
    return "two-stage" in families and "end to end" in families


def _faster(costs: Sequence[ResultRow], padding: str) -> Verdict:
    totals = [total for total in total_costs(costs) if total.padding == padding]
    stages = [stage for stage in stage_costs(costs) if stage.padding == padding]
    findings, needed = [], []
    for total, reference in _against_reference(totals):
        found = ratio(total.values.get(SECONDS), reference.values.get(SECONDS))
        if found is None:
            continue
        text = f"{total.method} takes {cell_text(found)} times as long"
        alone = _language_model_alone(stages, total)
        if alone is not None:
            text += f" ({cell_text(alone)} times without its stage 1)"
        findings.append(Finding(above(found, CLAIMED_RATIO), text))
        needed.append(_stage_1_needed(stages, total, reference))
    told = ", ".join(text for text in needed if text)
    return decide(
        f"Training is 3 times faster than two-stage training ({layout_name(padding)}).",
        PAPER,
        "abstract (the first version: 2 times)",
        findings,
        " ".join(
            [
                "Whole training of two-stage methods over that of ecg-byte, tokenizer included; the interval is what "
                "the smallest and largest times of rounds and runs allow. Holds from 3 on.",
                *([f"It would be 3 with a stage 1 of another length: {told}."] if told else []),
            ]
        ),
        "No two-stage method and ecg-byte were timed in this layout.",
    )


def _faster_to_loss(costs: Sequence[ResultRow]) -> Verdict:
    found = _ratios_to_loss(costs, "seconds-to-validation-loss")
    return decide(
        "Training is 3 times faster than two-stage training (until the same validation loss).",
        PAPER,
        "abstract (the first version: 2 times)",
        [
            Finding(above(value, CLAIMED_RATIO), f"{method} takes {cell_text(value)} times as long")
            for method, value in found.items()
        ],
        f"{_TO_LOSS} Time of all stages of the two-stage method over that of ecg-byte, in the layout that both were "
        "trained in. Holds from 3 on.",
        "No two-stage method and ecg-byte had their validation loss measured.",
    )


def _ratios_to_loss(costs: Sequence[ResultRow], metric: str) -> dict[str, Estimate]:
    """What a two-stage method took until the loss that all reach, over what ecg-byte took, by method."""
    rows = [row for row in costs if row.metric == metric]
    own = {(row.dataset, row.variant, row.seed): row.value for row in rows if row.method == REFERENCE_METHOD}
    ratios: dict[str, list[float]] = {}
    for row in sorted(rows, key=lambda row: method_order(row.method)):
        reference = own.get((row.dataset, row.variant, row.seed), 0.0)
        if family(row.method) == "two-stage" and reference > 0:
            ratios.setdefault(row.method, []).append(row.value / reference)
    return {method: _spread(found) for method, found in ratios.items()}


def _spread(values: Sequence[float]) -> Estimate:
    ends = (min(values), max(values)) if len(values) > 1 else (math.nan, math.nan)
    return Estimate(sum(values) / len(values), *ends, 2)


def _against_reference(totals: Iterable[Cost]) -> list[tuple[Cost, Cost]]:
    totals = list(totals)
    own = {(total.dataset, total.split): total for total in totals if total.method == REFERENCE_METHOD}
    return [
        (total, own[total.dataset, total.split])
        for total in totals
        if family(total.method) == "two-stage" and (total.dataset, total.split) in own
    ]


def _of(stages: Iterable[Cost], total: Cost, stage: str) -> Cost | None:
    return next((s for s in stages if (s.dataset, s.method, s.stage) == (total.dataset, total.method, stage)), None)


def _language_model_alone(stages: Sequence[Cost], total: Cost) -> Estimate | None:
    """Stage 2 over end-to-end training: what would be left if the encoder were there already."""
    second = _of(stages, total, "stage-2")
    first = next((s for s in stages if (s.dataset, s.method) == (total.dataset, REFERENCE_METHOD)), None)
    own = None if first is None else _of(stages, first, "end-to-end")
    if second is None or own is None:
        return None
    return ratio(second.values.get(SECONDS), own.values.get(SECONDS))


def _stage_1_needed(stages: Sequence[Cost], total: Cost, reference: Cost) -> str:
    """How long stage 1 would have to be for the ratio to be 3: the ratio follows from a choice, not from the method."""
    first = _of(stages, total, "stage-1")
    if first is None or SECONDS not in first.values or first.values[SECONDS].value <= 0:
        return ""
    seconds = first.values[SECONDS].value
    factor = (CLAIMED_RATIO * reference.values[SECONDS].value - total.values[SECONDS].value + seconds) / seconds
    if factor <= 0:
        return f"{total.method} whatever its length"
    return f"{total.method} {factor:.{0 if factor >= 10 else 1}f} times as long"


def less_data(rows: Sequence[ResultRow]) -> Verdict:
    """ECG-Byte gets by with 48 % of the data of two-stage methods, and answers as well with it."""
    quality = competitive(rows)
    costs = [row for row in rows if row.table == "efficiency"]
    findings = []
    for reading, metric in (("samples seen", "samples-seen"), ("distinct ECGs", "distinct-records")):
        shares: dict[str, float] = {}
        for total, reference in _against_reference(total_costs(costs)):
            share = ratio(reference.values.get(metric), total.values.get(metric), factor=100)
            if share is not None:
                shares.setdefault(total.method, share.value)
        if shares:
            found = _share(reading, list(shares.values()))
            if found.verdict != FAILS and quality.verdict in (FAILS, DEPENDS):
                found = found._replace(verdict=quality.verdict)
            findings.append(found)
    to_loss = [100 / ratio.value for ratio in _ratios_to_loss(costs, "samples-to-validation-loss").values()]
    if to_loss:
        findings.append(_share("samples until the same validation loss", to_loss))
    if findings and quality.verdict != UNTESTED:
        words = {HOLDS: "as well", FAILS: "not as well", DEPENDS: "undecided whether as well"}[quality.verdict]
        findings.append(Finding(UNTESTED, f"answers with it: {words} (first claim)"))
    return decide(
        "ECG-Byte needs 48 % of the data that two-stage methods need.",
        PAPER,
        "abstract",
        findings,
        "What ecg-byte sees, as a share of what two-stage methods see in all their stages. Samples seen and distinct "
        "ECGs follow from the epochs and records that the profile gives each stage, and hold only if the answers are "
        f"as good with them; samples until a loss are measured. {_TO_LOSS}",
        "The data of ecg-byte and of two-stage methods were not both counted.",
    )


def _share(reading: str, shares: Sequence[float]) -> Finding:
    low, high = min(shares), max(shares)
    verdict = HOLDS if round(high) <= CLAIMED_SHARE else FAILS if round(low) > CLAIMED_SHARE else DEPENDS
    span = f"{low:.1f} %" if low == high else f"{low:.1f} to {high:.1f} %, by method"
    return Finding(verdict, f"{reading}: {span}")


def straight_back(rows: Sequence[ResultRow]) -> Verdict:
    """Decoding tokens gives each sample back to within half a bin."""
    tokens = [row for row in rows if row.table == "tokenizer" and not row.variant]
    findings = []
    for dataset in sorted({row.dataset for row in tokens}):
        for method in sorted({row.method for row in tokens if row.dataset == dataset}):
            place = {"dataset": dataset, "method": method}
            largest = measured(tokens, **place, metric="reconstruction-largest")
            if largest is None:
                continue
            outside = measured(tokens, **place, metric="outside-range")
            error = measured(tokens, **place, metric="reconstruction-rmse")
            text = f"{method} on {dataset}: inside the range at most {cell_text(largest)} bins off"
            # Rounding of float32 signals may add a little to half a bin.
            verdict = HOLDS if largest.value <= 0.5 + 1e-3 else FAILS
            if outside is not None:
                text += f", {cell_text(outside)} % of samples outside it"
                verdict = DEPENDS if verdict == HOLDS and outside.value > 0 else verdict
            if error is not None:
                text += f", {cell_text(error)} mV root mean square in all"
            findings.append(Finding(verdict, text))
    return decide(
        "Tokens map straight back to the signal.",
        PAPER,
        "abstract",
        findings,
        "Holds where every sample comes back within half a bin; depends on the range where samples outside it are "
        "clipped, since those are lost.",
        "The largest error was not measured.",
        "Inside the range they do",
    )
