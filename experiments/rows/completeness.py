"""Which rows are missing: what a method, an input or a run has no value of, and its siblings have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from experiments.profiles.methods import METHODS
from experiments.rows.metrics import FROM_BEST
from experiments.rows.schema import COLUMNS, ResultRow
from experiments.rows.variants import TOKENIZER_METRICS

if TYPE_CHECKING:
    import pandas as pd

# What a method may lack in all of its rows: it is not trained, gives no scores of yes and no, or has padding in its
# labels, so that its loss is of something else.
_MAY_LACK = ("truncated-inputs", "roc-area-macro", "validation-loss")
# Measures of tokens that older results have of no tokenizer.
_COUNTED_LATER = ("clipped-records", "clipped-leads")
_TIMED = "timed-seconds-per-1000-samples"
_LAST_STAGES = ("end-to-end", "stage-2")


def missing_rows(rows: Sequence[ResultRow]) -> Iterator[str]:
    """One line for every row that is not there and should be.

    In each table, every method has the metrics, the inputs, the subsets and the runs that the others have; every
    compared pair its difference, its p-value and its corrected one; every measured tokenizer all of its measures.
    """
    # Loaded here, so that the command line's help does not wait for it.
    import pandas as pd

    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame["seed"] = frame["seed"].map(lambda seed: "mean" if pd.isna(seed) else int(seed)).astype(object)
    frame["several"] = frame["seeds"] > 1
    parts = frame["metric"].str.extract(r"^(?P<base>.*?)-?(?P<kind>difference|p-value|p-holm)?$")
    frame["base"], frame["kind"] = parts["base"], parts["kind"].fillna("")
    # The rows of all runs of a method together.
    frame["whole"] = frame["seeds"] == frame.groupby(["table", "method", "variant"])["seeds"].transform("max")
    tables = {str(name): part for name, part in frame.groupby("table")}
    empty = frame.iloc[:0]
    answers = pd.concat([tables.get("language-quality", empty), tables.get("controls", empty)])
    yield from _of_answers(answers, tables.get("roc-areas", empty))
    yield from _of_comparisons(tables.get("comparisons", empty))
    yield from _of_costs(tables.get("efficiency", empty))
    moved = tables.get("transfer", empty)
    yield from _uneven(moved, [], ["method", "dataset", "input", "seed"], ["metric"])
    yield from _uneven(moved, ["method"], ["dataset"], ["input", "seed"])
    changed = tables.get("ablations", empty)
    # Nothing is compared with a run that was asked other questions, or with itself.
    changed = changed[(changed["kind"] == "") & (changed["metric"] != FROM_BEST)]
    yield from _uneven(changed, ["dataset", "method"], ["variant"], ["input", "metric", "seed"])
    decoded = tables.get("decodings", empty)
    yield from _uneven(decoded, ["table", "dataset"], ["method", "variant", "seed"], ["metric"])
    yield from _uneven(decoded, ["table", "dataset"], ["method"], ["seed"])
    yield from _uneven(tables.get("ceilings", empty), ["table", "dataset", "split"], ["method", "subset"], ["metric"])
    yield from _of_rates(tables.get("learning-rates", empty), answers)
    yield from _of_convergence(tables.get("convergence", empty), set(answers["method"]))
    tokens = tables.get("tokenizer", empty)
    counted = set(tokens["metric"])
    wanted = [metric for metric in TOKENIZER_METRICS if metric in counted or metric not in _COUNTED_LATER]
    for (method, dataset), part in tokens.groupby(["method", "dataset"]):
        for metric in wanted:
            if metric not in set(part["metric"]):
                whose = f"method {method!r}, dataset {dataset!r}"
                yield f"missing: no row of table 'tokenizer', metric {metric!r} for {whose}"


def _of_answers(answers: pd.DataFrame, areas: pd.DataFrame) -> Iterator[str]:
    place = ["table", "dataset", "split"]
    yield from _uneven(answers, [*place, "subset", "several"], ["method", "input", "seed"], ["metric"])
    yield from _uneven(answers, [*place, "subset", "several", "method"], ["seed"], ["input"])
    yield from _uneven(answers[answers["whole"]], place, ["method", "input"], ["subset"])
    yield from _uneven(areas[areas["whole"]], place, ["method", "input"], ["metric", "subset"])
    yield from _uneven(areas, [*place, "method"], ["input"], ["metric", "subset", "seed"])


def _of_comparisons(compared: pd.DataFrame) -> Iterator[str]:
    place = ["table", "dataset", "split"]
    yield from _uneven(compared, place, ["method", "variant"], ["subset", "metric"])
    yield from _uneven(compared, place, ["method", "variant", "kind"], ["subset", "base"])
    # A part of the questions may hold no attribute with both answers.
    compared = compared[~compared["base"].isin(_MAY_LACK)]
    yield from _uneven(compared, [*place, "method", "variant"], ["subset"], ["metric"])


def _of_costs(costs: pd.DataFrame) -> Iterator[str]:
    place = ["table", "dataset"]
    to_loss = costs[costs["variant"] != ""]
    yield from _uneven(to_loss, [*place, "variant"], ["metric"], ["method", "seed"])
    costs = costs[costs["variant"] == ""]
    whose = ["method", "stage", "padding"]
    # Layouts in which some steps were timed, with the first run only, and those in which a stage was trained.
    trained = costs[costs["metric"] == "train-seconds"][[*whose, "seed"]].drop_duplicates()
    costs = costs.merge(trained.assign(trained=True), on=[*whose, "seed"], how="left")
    is_trained = costs["trained"].notna()
    timed = costs[~is_trained]
    yield from _uneven(timed, place, ["method", "stage", "padding", "seed"], ["metric"])
    own = costs[is_trained & (costs["metric"] != _TIMED)]
    yield from _uneven(own, [*place, *whose], ["seed"], ["split", "metric"])
    last = own[own["stage"].isin(_LAST_STAGES)]
    yield from _uneven(last, place, ["method", "seed"], ["split", "metric"])


def _of_rates(trials: pd.DataFrame, answers: pd.DataFrame) -> Iterator[str]:
    """Of every trial its measures, and of every run of the methods that were tried the rate that was taken."""
    tried = trials[trials["variant"] != ""]
    yield from _uneven(tried, ["table", "dataset", "method", "seed"], ["variant"], ["metric"])
    whose = ["dataset", "method", "seed"]
    ran = answers[answers["method"].isin(set(tried["method"])) & (answers["seed"] != "mean")]
    taken = trials[trials["metric"] == "learning-rate"]
    for run in sorted(set(_tuples(ran, whose)) - set(_tuples(taken, whose)), key=str):
        yield f"missing: no row of table 'learning-rates', metric 'learning-rate' for {_words(whose, run)}"


def _of_convergence(checked: pd.DataFrame, methods: set[str]) -> Iterator[str]:
    """What the check of a run is made of: all of it where the method sees what it is of."""
    known = set(checked["metric"])
    for (method, seed), part in checked.groupby(["method", "seed"]):
        # A training without validation is known of by neither.
        wanted = {"flat-at-end", "converged"} if {"flat-at-end", "converged"} & set(part["metric"]) else set()
        if method in METHODS:
            wanted |= {"polarity-lowest"} & known if METHODS[method].sees_ecg else set()
            wanted |= (
                {"token-counts-gap"} & known if METHODS[method].sees_tokens and "token-counts" in methods else set()
            )
        for metric in sorted(wanted - set(part["metric"])):
            yield f"missing: no row of table 'convergence', metric {metric!r} for method {method!r}, seed {seed}"


def _uneven(frame: pd.DataFrame, within: list[str], who: list[str], items: list[str]) -> Iterator[str]:
    """Of the rows that agree in `within`, everyone told apart by `who` must have the `items` that any of them has."""
    owned: dict[tuple[object, ...], dict[tuple[object, ...], set[tuple[object, ...]]]] = {}
    base, methods = {}, {}
    for place, name, item, own_base, method in zip(
        *(_tuples(frame, names) for names in (within, who, items)), frame["base"], frame["method"], strict=True
    ):
        owned.setdefault(place, {}).setdefault(name, set()).add(item)
        base[item], methods[place, name] = own_base, method
    anywhere = set(zip(frame["method"], frame["base"], strict=True))
    for place, of_place in owned.items():
        everything = set().union(*of_place.values())
        for name, own in of_place.items():
            for item in sorted(everything - own, key=str):
                if base[item] in _MAY_LACK and (methods[place, name], base[item]) not in anywhere:
                    continue
                yield f"missing: no row of {_words(items, item)} for {_words([*within, *who], (*place, *name))}"


def _tuples(frame: pd.DataFrame, names: list[str]) -> list[tuple[object, ...]]:
    """The cells of some columns, one tuple a row."""
    return list(zip(*(frame[name].tolist() for name in names), strict=True)) if names else [()] * len(frame)


def _words(names: list[str], cells: tuple[object, ...]) -> str:
    return ", ".join(f"{name} {cell!r}" for name, cell in zip(names, cells, strict=True))
