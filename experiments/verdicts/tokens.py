"""The verdict on what tokens keep of the signal."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.rows.estimates import cell_text
from experiments.rows.groups import REFERENCE_METHOD
from experiments.rows.schema import ResultRow
from experiments.verdicts.parts import FAILS, HOLDS, Finding, Verdict, all_of, decide, named
from experiments.verdicts.quality import PAPER
from experiments.verdicts.values import measured


def maps_back(rows: Sequence[ResultRow]) -> Verdict:
    """Decoding tokens gives every sample back to within half a bin, and none was clipped."""
    tokens = [row for row in rows if row.table == "tokenizer" and not row.variant and row.method == REFERENCE_METHOD]
    known = sorted({row.dataset for row in tokens if not row.trained_on})
    findings, errors = [], []
    for dataset in known:
        own = [row for row in tokens if row.dataset == dataset and not row.trained_on]
        largest, records, leads, error = (
            measured(own, metric=name)
            for name in ("reconstruction-largest", "clipped-records", "clipped-leads", "reconstruction-rmse")
        )
        if largest is None or records is None:
            continue
        text = f"{cell_text(records)} % of ECGs have a clipped sample"
        text += f", {cell_text(leads)} % of their leads" if leads is not None else ""
        # Rounding of float32 signals may add a little to half a bin.
        parts = [
            Finding(HOLDS if records.value == 0 else FAILS, text, records),
            Finding(
                HOLDS if largest.value <= 0.5 + 1e-3 else FAILS, f"elsewhere at most {cell_text(largest)} bins off"
            ),
        ]
        findings.append(named(dataset, known, all_of(parts)))
        errors += [] if error is None else [f"{cell_text(error)} mV root mean square in all"]
    return decide(
        "Tokens map straight back to the signal.",
        findings,
        "Holds where no ECG has a sample outside the tokenizer's range, whose peak is cut off and lost, and every "
        "other sample comes back within half a bin. The interval is Wilson's, over ECGs.",
        name="Maps back",
        source=f"{PAPER}, abstract",
        number_is="% of ECGs with a clipped peak",
        depends_on="the range of amplitudes that the letters cover" + (f" ({'; '.join(errors)})" if errors else ""),
        untested="Clipped ECGs were not counted, or the error was not measured.",
    )
