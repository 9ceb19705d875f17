"""The table that sets decodings of one training run beside training runs."""

from __future__ import annotations

import statistics

from experiments.rows.estimates import Estimate
from experiments.tables.decodings import decodings
from tests.experiments.made_up_rows import row

VARIANT = "training seed 0 decoded at temperature 1"


def test_spread_over_decodings_stands_beside_that_over_training_runs() -> None:
    trained, drawn = [70.0, 62.0, 69.0], [70.0, 70.5]
    rows = [row("language-quality", "ecg-byte", "accuracy", value, seed=seed) for seed, value in enumerate(trained)]
    rows += [
        row("decodings", "ecg-byte", "accuracy", value, seed=seed, variant=VARIANT) for seed, value in enumerate(drawn)
    ]
    # Of a method that is not decoded again there is no line, nor of what is no single run or another input.
    rows.append(row("language-quality", "merl", "accuracy", 80.0))
    rows.append(row("language-quality", "ecg-byte", "accuracy", 10.0, input="flat-line"))
    lines = {line["over"]: line for line in decodings(rows).rows}
    assert set(lines) == {VARIANT, "training runs, decoded greedily"}
    for over, values in ((VARIANT, drawn), ("training runs, decoded greedily", trained)):
        line = lines[over]
        assert line["runs"] == len(values)
        mean, spread = line["accuracy"], line["accuracy, SD"]
        assert isinstance(mean, Estimate) and isinstance(spread, Estimate)
        assert (mean.value, spread.value) == (statistics.fmean(values), statistics.stdev(values))
    assert not decodings(rows[:3]).rows
