"""Verdicts on claims about cost: 3 times faster, by calculation at the paper's scale, and 48 % of the data."""

from __future__ import annotations

import json
from collections.abc import Sequence

from experiments.rows.estimates import Estimate
from experiments.rows.groups import PLUS_METHOD, REFERENCE_METHOD, family
from experiments.rows.metrics import FROM_BEST
from experiments.rows.paper_scale import CLAIMED_RATIO, CLAIMED_SHARE, LAYOUTS, SETTINGS, read_operations
from experiments.rows.schema import ResultRow
from experiments.rows.total_costs import total_costs
from experiments.verdicts.parts import FAILS, HOLDS, MARGIN, Finding, Place, Verdict, above, decide, in_points, named
from experiments.verdicts.quality import INTERVAL, PAPER
from experiments.verdicts.values import apart, best_of, datasets, measured, quality

# A share of the records that rounds to what is claimed counts as it.
_SHARE_ROUNDING = 0.5


def faster(rows: Sequence[ResultRow]) -> Verdict:
    """Two-stage training takes 3 times as many operations as one stage, at the paper's scale, whatever the encoder."""
    published, small_share = SETTINGS
    by_layout = {
        layout.name: [counted for counted in read_operations() if counted.layout == layout.name] for layout in LAYOUTS
    }
    padded = by_layout[LAYOUTS[0].name]
    ratios = [counted.ratio(published) for counted in padded]
    low, high = min(ratios), max(ratios)
    needed = ", ".join(f"{counted.encoder} {counted.presentations(CLAIMED_RATIO):.0f}" for counted in padded)
    bare, framed = ([counted.ratio(published) for counted in by_layout[layout.name]] for layout in LAYOUTS[1:])
    text = (
        f"Llama-3.2-1B at 1,024 positions, stage 1 shown {published.name} and {published.epochs} times each: two "
        "stages take "
        + ", ".join(f"{ratio:.1f} times ({counted.encoder})" for ratio, counted in zip(ratios, padded, strict=True))
        + f" the operations of one; without padding {min(bare):.1f} to {max(bare):.1f}, "
        + f"and {min(framed):.1f} to {max(framed):.1f} times those of token frames. With {small_share.name}: "
        + f"{min(c.ratio(small_share) for c in padded):.1f} to {max(c.ratio(small_share) for c in padded):.1f} times"
    )
    return decide(
        "At the paper's scale training in one stage is 3 times faster than in two, whatever the encoder.",
        [Finding(HOLDS if low >= CLAIMED_RATIO else FAILS, text, Estimate(low, low, high, 1))],
        f"Holds where the operations of two stages are at least {CLAIMED_RATIO:g} times those of one for each of the "
        "published encoders. By operations, forward and backward, counted without any run; the bracket runs from the "
        "encoder with least to that with most. The table `paper-scale` holds the calculation.",
        name="Speed",
        source=f"{PAPER}, abstract (first version: 2 times)",
        number_is="times the operations, by encoder",
        depends_on=f"how often stage 1 is shown an ECG for each question; for 3 times: {needed}",
    )


def less_data(rows: Sequence[ResultRow]) -> Verdict:
    """ECG-Byte trained on 48 % of the records answers as well as the best two-stage method trained on all."""
    return _enough_with_less(
        rows,
        REFERENCE_METHOD,
        f"48 % of the data is enough: with it {REFERENCE_METHOD} answers as well as a two-stage method with all.",
        name="Data",
        source=f"{PAPER}, abstract",
        depends_on=_shown(rows),
    )


def plus_less_data(rows: Sequence[ResultRow]) -> Verdict:
    """The same of what this project adds to ECG-Byte."""
    return _enough_with_less(
        rows,
        PLUS_METHOD,
        f"With what this project adds ({PLUS_METHOD}), it is.",
        name="Data, our recipe",
        source="this project's own goal",
        depends_on="the epochs, which are the same: fewer records are fewer steps",
    )


def _enough_with_less(
    rows: Sequence[ResultRow], method: str, claim: str, *, name: str, source: str, depends_on: str
) -> Verdict:
    """Whether `method` with 48 % of the records answers as well as the best two-stage method with all."""
    known, findings, leans_on = datasets(rows), [], []
    for dataset in known:
        shares = _by_share(rows, dataset, method)
        best = best_of(rows, dataset, "two-stage")
        whole = None if best is None else quality(rows, dataset, best, "accuracy")
        chosen = [share for share in shares if share <= CLAIMED_SHARE + _SHARE_ROUNDING]
        if not chosen or whole is None:
            continue
        share = max(chosen)
        own, paired = shares[share]
        found, how = (apart(own, whole), "not paired, wide interval") if paired is None else (paired, "paired")
        text = (
            f"with {share:.0f} % of the records {method} is {in_points(found)} points of accuracy from "
            f"{best} with all ({how})"
        )
        findings.append(named(dataset, known, Finding(above(found, -MARGIN), text, found)))
        leans_on += [Place(dataset, method), Place(dataset, str(best))]
    return decide(
        claim,
        findings,
        f"Holds where the interval of the difference lies above -{MARGIN:g} points, does not where it lies below. What "
        "each method is shown in all its stages follows from the epochs that a profile gives them and tests nothing. "
        f"{INTERVAL}",
        name=name,
        source=source,
        number_is=f"points of accuracy, {method} with 48 % of the records minus the best two-stage method",
        depends_on=depends_on,
        untested=f"{method} was not trained on 48 % of the records.",
        leans_on=leans_on,
    )


def _by_share(rows: Sequence[ResultRow], dataset: str, method: str) -> dict[float, tuple[Estimate, Estimate | None]]:
    """By the share of the training records, in percent, below 100, that `method` was trained on: its accuracy, and the
    paired difference from the best two-stage method where it was measured.
    """
    own = [row for row in rows if (row.dataset, row.method, row.subset) == (dataset, method, "all")]
    counts = [_train_records(row) for row in own if row.table == "language-quality"]
    whole = max((count for count in counts if count), default=0)
    ablated = [row for row in own if row.table == "ablations" and row.input == "ecg" and "data.train_" in row.variant]
    found = {}
    for row in ablated:
        records = _train_records(row)
        value, paired = (measured(ablated, variant=row.variant, metric=metric) for metric in ("accuracy", FROM_BEST))
        if value is not None and 0 < records < whole:
            found[100 * records / whole] = value, paired
    return found


def _train_records(row: ResultRow) -> int:
    """How many records the run of a row was trained on, by its settings; 0 where they do not say."""
    data = json.loads(row.configuration).get("data", {})
    return round((data.get("train_records") or 0) * data.get("train_share", 1.0))


def _shown(rows: Sequence[ResultRow]) -> str:
    """What ECG-Byte is shown, as a share of what two-stage methods are shown in all their stages."""
    totals = total_costs([row for row in rows if row.table == "efficiency"])
    own = next((t.values.get("samples-seen") for t in totals if t.method == REFERENCE_METHOD), None)
    shares = [
        100 * own.value / seen.value
        for total in totals
        if family(total.method) == "two-stage" and own is not None and (seen := total.values.get("samples-seen"))
    ]
    said = "the epochs given to stage 1"
    if not shares:
        return said
    # The same for all that round to the same.
    shown = " to ".join(dict.fromkeys(f"{share:.0f}" for share in (min(shares), max(shares))))
    return f"{said} (here {REFERENCE_METHOD} is shown {shown} %)"
