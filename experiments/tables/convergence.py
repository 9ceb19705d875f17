"""Tables of training itself: which runs had converged, and which learning rates were tried."""

from __future__ import annotations

from collections.abc import Iterable

from experiments.rows.estimates import Cell, Estimate
from experiments.rows.groups import family, groups
from experiments.rows.learning_rates import TRIED
from experiments.rows.metrics import METRICS
from experiments.rows.schema import ResultRow
from experiments.tables.notes import scale_notes
from experiments.tables.table import Table

_TRIALS = ("trial-score", "trial-loss", "trial-step")
_MEASURES = ("flat-at-end", "polarity-lowest", "token-counts-gap")


def convergence(rows: Iterable[ResultRow]) -> Table:
    """Every training run that was checked: whether it had converged, and by what."""
    rows = [row for row in rows if row.table == "convergence"]
    lines = []
    for _, group in groups(rows, "dataset", "method", "seed"):
        first, found = group[0], {row.metric: row for row in group}
        line: dict[str, Cell] = {"dataset": first.dataset, "method": first.method, "family": family(first.method)}
        line["seed"] = first.seed
        if "converged" in found:
            line["converged"] = "yes" if found["converged"].value == 1 else "no"
        line |= {METRICS[name].label: Estimate.of(found.get(name)) for name in _MEASURES}
        lines.append({**line, "scale": first.scale})
    notes = (
        "Converged: the validation score is flat over the last tenth of training, questions and their opposites "
        "(normal and abnormal, an axis and its opposite) are both told apart the right way round, and the answers "
        "are not below those of the linear token reader. What leans on a run that had not converged is not judged.",
        *scale_notes(rows),
    )
    columns = (
        "dataset",
        "method",
        "family",
        "seed",
        "converged",
        *(METRICS[name].label for name in _MEASURES),
        "scale",
    )
    return Table.of("convergence", "Which training runs had converged", columns, lines, notes)


def learning_rates(rows: Iterable[ResultRow]) -> Table:
    """Every learning rate that was tried for a method, and which one its training runs had."""
    rows = [row for row in rows if row.table == "learning-rates"]
    lines: list[dict[str, Cell]] = []
    for _, group in groups(rows, "dataset", "method"):
        chosen = sorted({row.value for row in group if row.metric == "learning-rate"})
        for rate, seed, found in _trials(group):
            line: dict[str, Cell] = {"dataset": group[0].dataset, "method": group[0].method, "seed": seed}
            line |= {"learning rate": f"{rate:g}", "taken": "yes" if rate in chosen else "no"}
            line |= {METRICS[name].label: Estimate.of(found.get(name)) for name in _TRIALS}
            lines.append({**line, "n": group[0].n, "scale": group[0].scale})
    notes = (
        "The same rates are tried for every method, as often as each other; that with the best validation score is "
        "taken for all of its training runs. A trial without a score broke off.",
        *scale_notes(rows),
    )
    columns = ("dataset", "method", "learning rate", "taken", *(METRICS[name].label for name in _TRIALS))
    return Table.of("learning-rates", "Learning rates tried", (*columns, "seed", "n", "scale"), lines, notes)


def _trials(rows: Iterable[ResultRow]) -> list[tuple[float, int | None, dict[str, ResultRow]]]:
    """Rate, seed and measures of every trial, by rising rate; a rate that was taken without a trial has no measures."""
    found: dict[tuple[float, int | None], dict[str, ResultRow]] = {}
    chosen: dict[float, int | None] = {}
    for row in rows:
        if row.metric == "learning-rate":
            chosen.setdefault(row.value, row.seed)
        else:
            rate = float(row.variant.removeprefix(TRIED))
            found.setdefault((rate, row.seed), {})[row.metric] = row
    tried = {rate for rate, _ in found}
    alone: dict[tuple[float, int | None], dict[str, ResultRow]] = {
        (rate, seed): {} for rate, seed in chosen.items() if rate not in tried
    }
    return [(rate, seed, measures) for (rate, seed), measures in sorted({**found, **alone}.items(), key=_by_rate)]


def _by_rate(item: tuple[tuple[float, int | None], dict[str, ResultRow]]) -> tuple[float, int]:
    (rate, seed), _ = item
    return rate, -1 if seed is None else seed
