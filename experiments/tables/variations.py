"""Tables of runs with one thing changed: another data set to test on, another setting; and measures of the tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from experiments.rows.estimates import Cell, Estimate
from experiments.rows.groups import PERFECT, family, groups, most_seeds
from experiments.rows.metrics import FROM_BEST, METRICS
from experiments.rows.schema import ResultRow
from experiments.rows.variants import BASE, TOKENIZER_METRICS, split_variant, transfer_beside_home, variant_order
from experiments.tables.notes import PLACE, interval_note, place, scale_notes
from experiments.tables.quality import ceilings_of
from experiments.tables.table import Table

_TRANSFER_METRICS = ("accuracy", "bleu-4", "rouge-l", "meteor", "bertscore-f1", "roc-area-macro", "truncated-inputs")
_ABLATION_METRICS = (
    "accuracy",
    "bleu-4",
    "rouge-l",
    "validation-loss",
    "compression",
    "tokens-per-record",
    "truncated-inputs",
    "train-seconds",
    "training-flops",
)


def transfer(rows: Iterable[ResultRow]) -> Table:
    """Methods tested on another data set than they were trained on, beside the test on their own."""
    rows = list(rows)
    moved = transfer_beside_home(rows)
    lines = []
    for _, group in groups(moved, "method", "trained_on", "dataset", "split", "subset", "input", "seed"):
        first, found = group[0], {row.metric: row for row in group}
        line: dict[str, Cell] = {"method": first.method, "family": family(first.method)}
        line |= {"trained on": first.trained_on or first.dataset, "tested on": first.dataset, "split": first.split}
        line |= {"subset": first.subset, "input": first.input, "seed": place(first)["seed"]}
        line |= {"seeds": max(row.seeds for row in group), "n": max(row.n for row in group)}
        line |= {METRICS[name].label: Estimate.of(found.get(name)) for name in _TRANSFER_METRICS}
        lines.append({**line, "scale": first.scale})
    lines.sort(key=lambda line: _lines_order(line, _methods(moved)))
    lines += _ceilings(rows, lines)
    notes = (
        interval_note(moved),
        "Where both data sets are the same: the test at home, on questions of the kinds that the other data set has.",
        *scale_notes(moved),
    )
    columns = ["method", "family", "trained on", "tested on", "split", "subset", "input", "seed", "seeds", "n"]
    columns += [*(METRICS[name].label for name in _TRANSFER_METRICS), "scale"]
    return Table.of("transfer", "Transfer between data sets", columns, lines, notes)


def _ceilings(rows: Iterable[ResultRow], lines: Sequence[dict[str, Cell]]) -> list[dict[str, Cell]]:
    """What perfect answers to the questions of a transfer have, one line for each data set that was tested on."""
    found = []
    rows = list(rows)
    for trained, tested in dict.fromkeys((str(line["trained on"]), str(line["tested on"])) for line in lines):
        best = ceilings_of(rows, trained).get((tested, "all"), {})
        if best:
            place = next(line for line in lines if (line["trained on"], line["tested on"]) == (trained, tested))
            line = {**place, "method": PERFECT, "family": "ceiling", "input": None, "seed": None}
            found.append({**line, **{METRICS[name].label: best.get(name) for name in _TRANSFER_METRICS}})
    return found


def _methods(rows: Iterable[ResultRow]) -> list[str]:
    """The methods of some rows, in the order of the tables."""
    return [str(name) for (name,), _ in groups(rows, "method")]


def _lines_order(line: dict[str, Cell], methods: Sequence[str]) -> tuple[object, ...]:
    """Sorts lines of the transfer table: by method, what it was trained on, its own data set first."""
    trained, tested = line["trained on"], line["tested on"]
    return methods.index(str(line["method"])), str(trained), trained != tested, str(tested), str(line["input"])


def ablations(rows: Iterable[ResultRow]) -> Table:
    """Runs with one setting changed, by setting, each beside the run without a change."""
    rows = most_seeds(row for row in rows if row.table == "ablations")
    lines = []
    for _, run in groups(rows, "method", "dataset", "split", "subset", "input", "seed"):
        base = {row.metric: row for row in run if row.variant in ("", BASE)}
        for _, group in sorted(groups(run, "variant"), key=lambda item: variant_order(item[1][0].variant)):
            first, found = group[0], {row.metric: row for row in group}
            setting, value = split_variant(first.variant)
            line: dict[str, Cell] = {**place(first), "method": first.method, "setting": setting, "value": value}
            line |= {"input": first.input, "seeds": max(r.seeds for r in group), "n": max(r.n for r in group)}
            for name in _ABLATION_METRICS:
                line[METRICS[name].label] = Estimate.of(found.get(name))
                difference = found.get(f"{name}-difference")
                if difference is not None:
                    line[f"{METRICS[name].label}, minus base"] = Estimate.of(difference)
                elif setting != BASE and name in ("accuracy", "bleu-4") and name in found and name in base:
                    line[f"{METRICS[name].label}, minus base"] = unpaired(found[name], base[name])
            line[METRICS[FROM_BEST].label] = Estimate.of(found.get(FROM_BEST))
            lines.append({**line, "scale": first.scale})
    notes = (
        "One setting changed at a time; all else, and the budget of training, as in the line `base`.",
        "Minus base: minus the same method with nothing else changed, where the table has it, or else minus `base`. "
        "Paired where both were asked the same questions; where not, the outermost ends of both intervals.",
        interval_note(rows),
        *scale_notes(rows),
    )
    labels = [METRICS[name].label for name in _ABLATION_METRICS]
    columns = (*PLACE, "method", "setting", "value", "input", "n", *labels, "scale")
    columns += (*(f"{label}, minus base" for label in labels), METRICS[FROM_BEST].label)
    return Table.of("ablations", "Ablations", columns, lines, notes)


def tokenizer(rows: Iterable[ResultRow]) -> Table:
    """Compression, bits per sample, usage and lengths of tokens, and reconstruction error."""
    rows = most_seeds(row for row in rows if row.table == "tokenizer")
    lines = []
    for _, group in groups(rows, "dataset", "split", "subset", "method", "variant", "seed"):
        first, found = group[0], {row.metric: row for row in group}
        line: dict[str, Cell] = {**place(first), "method": first.method, "variant": first.variant or None}
        line |= {"trained on": first.trained_on or None, "n": max(row.n for row in group)}
        line |= {METRICS[name].label: Estimate.of(found.get(name)) for name in TOKENIZER_METRICS}
        lines.append({**line, "scale": first.scale})
    notes = (
        "Bits per sample, at most: log2(vocabulary size) bits a token. Unigram entropy: what its frequency allows.",
        *scale_notes(rows),
    )
    labels = [METRICS[name].label for name in TOKENIZER_METRICS]
    columns = (*PLACE, "method", "variant", "trained on", "n", *labels, "scale")
    return Table.of("tokenizer", "Tokenizer", columns, lines, notes)


def unpaired(first: ResultRow, second: ResultRow) -> Estimate:
    """The difference of two values, its interval from the outermost ends of theirs (NaN where either has none)."""
    return Estimate(
        first.value - second.value,
        first.ci_low - second.ci_high,
        first.ci_high - second.ci_low,
        METRICS[first.metric].digits,
    )
