"""The cost of one stage against two at the paper's scale, by calculation: no rows are needed."""

from __future__ import annotations

from collections.abc import Iterable

from experiments.rows.estimates import Cell, Estimate
from experiments.rows.paper_scale import (
    CLAIMED_RATIO,
    CLAIMED_SHARE,
    FIRST_CLAIMED_RATIO,
    SETTINGS,
    Operations,
    read_operations,
)
from experiments.rows.schema import ResultRow
from experiments.tables.table import Table

_TERA = 1e12
_EPOCHS = SETTINGS[0].epochs


def paper_scale(rows: Iterable[ResultRow]) -> Table:
    """Operations a sample of Llama-3.2-1B and of every stage 1, and when two stages take 3 times those of one.

    The same whatever the rows, which other tables of the catalogue are made of.
    """
    del rows
    lines = [_line(counted) for counted in read_operations()]
    notes = (
        "Operations, forward and backward, of Llama-3.2-1B with LoRA and of the published encoders, counted without "
        "any run (`ecgbyte.training.paper_scale`). Times of real machines are not among them.",
        "Presentations: how often stage 1 must be shown an ECG for each sample of the language model, so that two "
        "stages take so many times the operations of one. Share of data: different ECGs that one stage is shown, of "
        f"those that two are shown, where stage 1 is shown each {_EPOCHS} times as published.",
        f"{CLAIMED_RATIO:g} times and {CLAIMED_SHARE:g} % together would need more epochs of stage 1 than published: "
        f"where the share is {CLAIMED_SHARE:g} %, two stages take the last column.",
        "Token frames: the tokens of all leads that begin in 0.1 s share a position (`ecg-byte-plus`); not published.",
        "The forward pass of the frozen encoder in stage 2 is left out; it is small, and its features may be kept.",
    )
    return Table.of(
        "paper-scale", "Speed at the paper's scale, by calculation", list(lines[0]), lines, notes, parts="layout"
    )


def _line(counted: Operations) -> dict[str, Cell]:
    line: dict[str, Cell] = {"layout": counted.layout, "encoder": counted.encoder}
    line["one stage, a sample (TFLOP)"] = Estimate(counted.end_to_end / _TERA, digits=2)
    line["stage 2, a sample (TFLOP)"] = Estimate(counted.stage_two / _TERA, digits=2)
    line["stage 1, an ECG (TFLOP)"] = Estimate(counted.stage_one / _TERA, digits=3)
    for ratio in (CLAIMED_RATIO, FIRST_CLAIMED_RATIO):
        shown = counted.presentations(ratio)
        line[f"presentations for {ratio:g} times"] = Estimate(shown, digits=0)
        line[f"share of data then (%), {ratio:g} times"] = Estimate(100 / (1 + shown / _EPOCHS), digits=1)
    for setting in SETTINGS:
        line[f"times one stage, {setting.name}"] = Estimate(counted.ratio(setting), digits=2)
        line[f"share of data (%), {setting.name}"] = Estimate(setting.share, digits=1)
    return line
