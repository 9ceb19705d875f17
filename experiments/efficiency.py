"""The cost of training as a table: time and data per method and stage, and their ratios."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from experiments.published import PublishedNumber
from experiments.results_rows import ResultRow
from experiments.row_groups import REFERENCE_METHOD, groups, place, scale_notes, without_empty
from experiments.table_rendering import Cell, Estimate, Table

_TIMES = {"train-seconds", "timed-seconds-per-1000-samples"}
_RATE = "time per 1,000 samples (s)"
_TIMED_RATE = "timed steps, per 1,000 samples (s)"


def efficiency(rows: Iterable[ResultRow], quoted: Sequence[PublishedNumber] = ()) -> Table:
    """Training time and data per method and stage: without padding, questions sharing ECGs, padded, with ratios.

    A stage that has no padding (``padding=""``) counts in both. Where a stage was only timed for some steps at a
    padding, its time is that per 1,000 samples times the samples it sees in training, and the table says "projected".
    """
    rows = [row for row in rows if row.table == "efficiency"]
    lines: list[dict[str, Cell]] = []
    for _, run in groups(rows, "dataset", "split", "seed"):
        paddings = sorted(
            {row.padding for row in run} - {""}, key=lambda name: (name != "none", name == "shared", name)
        ) or [""]
        for padding in paddings:
            totals = {}
            for (method,), group in groups(run, "method"):
                timed = [stage for _, stage in groups(group, "stage") if any(r.metric in _TIMES for r in stage)]
                stages = [cost for cost in (_stage_cost(stage, padding) for stage in timed) if cost]
                start = {**place(group[0]), "padding": padding or "not stated", "method": method}
                lines += [{**start, **stage, "scale": group[0].scale} for stage in stages]
                if stages and len(stages) == len(timed):
                    totals[method] = (start, _total(stages), group[0].scale)
            for start, total, scale in totals.values():
                reference = totals[REFERENCE_METHOD][1] if REFERENCE_METHOD in totals else None
                lines.append({**start, **total, **_ratios(total, reference), "scale": scale})
    columns = {column: None for line in lines for column in line}
    lines = [{column: line.get(column) for column in columns} for line in lines]
    for line in lines:
        line.pop("subset", None)
        line["scale"] = line.pop("scale")
    notes = (
        f"Time ratio above 1: the method trains longer than {REFERENCE_METHOD}. Data ratio: samples (or ECGs) that "
        f"{REFERENCE_METHOD} sees, as a share of what the method sees in all its stages.",
        "Projected: time of some timed steps, scaled to the samples of the whole training; a timed step holds as many "
        "questions as a step of training holds segments. Distinct ECGs of all "
        "stages: those of the stage that uses most. No sum where a stage was not timed at that padding.",
        *scale_notes(rows),
    )
    return Table("efficiency", "Training time and data", without_empty(lines), notes, tuple(quoted))


def _stage_cost(stage: Sequence[ResultRow], padding: str) -> dict[str, Cell]:
    """What one stage costs at a padding; what does not depend on padding is taken from wherever it was measured."""
    here = {row.metric: row.value for row in stage if row.padding in (padding, "")}
    if not here.keys() & _TIMES:
        return {}
    anywhere = {row.metric: row.value for row in stage} | here
    samples, seconds = anywhere.get("samples-seen"), here.get("train-seconds")
    timed = here.get("timed-seconds-per-1000-samples")
    basis = "measured"
    if seconds is None and timed is not None and samples is not None:
        seconds, basis = timed * samples / 1000, "projected"
    numbers = {
        "training time (s)": (seconds, 1),
        _RATE: (1000 * seconds / samples if seconds is not None and samples else None, 2),
        _TIMED_RATE: (timed, 2),
        "samples seen": (samples, 0),
        "distinct ECGs": (anywhere.get("distinct-records"), 0),
        "positions without padding": (here.get("positions"), 0),
        "positions with padding": (here.get("padded-positions"), 0),
    }
    cells: dict[str, Cell] = {
        "stage": stage[0].stage or "not stated",
        "time is": basis if seconds is not None else None,
    }
    cells |= {
        name: None if value is None else Estimate(value, digits=digits) for name, (value, digits) in numbers.items()
    }
    return cells


def _total(stages: Sequence[dict[str, Cell]]) -> dict[str, Cell]:
    """The sum over stages; a column that a stage lacks has no sum, and ECGs are those of the stage that uses most.

    Rates do not add: that of the whole training is worked out again, that of timed steps stands where one stage is.
    """
    total: dict[str, Cell] = {"stage": "all stages"}
    bases = {stage["time is"] for stage in stages}
    total["time is"] = None if None in bases else "projected" if "projected" in bases else "measured"
    for name in stages[0]:
        cells = [stage[name] for stage in stages]
        numbers = [cell for cell in cells if isinstance(cell, Estimate)]
        if name in total or len(numbers) < len(cells):
            total.setdefault(name, None)
        elif name == "distinct ECGs":
            total[name] = max(numbers)
        elif name == _TIMED_RATE:
            total[name] = numbers[0] if len(numbers) == 1 else None
        else:
            total[name] = Estimate(sum(number.value for number in numbers), digits=numbers[0].digits)
    seconds, samples = total["training time (s)"], total["samples seen"]
    known = isinstance(seconds, Estimate) and isinstance(samples, Estimate) and samples.value > 0
    total[_RATE] = Estimate(1000 * seconds.value / samples.value) if known else None  # type: ignore[union-attr]
    return total


def _ratios(total: dict[str, Cell], reference: dict[str, Cell] | None) -> dict[str, Cell]:
    def share(name: str, *, of_reference: bool, factor: float) -> Estimate | None:
        mine, its = total[name], (reference or {}).get(name)
        if not (isinstance(mine, Estimate) and isinstance(its, Estimate)):
            return None
        above, below = (its.value, mine.value) if of_reference else (mine.value, its.value)
        return Estimate(factor * above / below) if below else None

    return {
        f"time, times {REFERENCE_METHOD}'s": share("training time (s)", of_reference=False, factor=1),
        f"samples of {REFERENCE_METHOD} (%)": share("samples seen", of_reference=True, factor=100),
        f"ECGs of {REFERENCE_METHOD} (%)": share("distinct ECGs", of_reference=True, factor=100),
    }
