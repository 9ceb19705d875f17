"""Token usage: measured on segments of any data set, kept in a file, drawn from that file."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from ecgbyte.metrics.token_usage import TokenUsage, count_tokens
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from experiments.figures.data import FigureData
from experiments.figures.tokens import token_lengths_figure, token_usage_figure
from experiments.rows.metrics import METRICS
from experiments.rows.runs import wilson_interval
from experiments.steps.segments import Segments
from experiments.steps.token_measures import TOKENIZER_SIGNATURES, measure_on_segments
from experiments.steps.token_usage import UsageOf, read_token_usage, write_token_usage


def made(seed: int) -> Segments:
    generator = np.random.default_rng(seed)
    steps = generator.normal(scale=0.05 * (1 + seed), size=(3, 2, 12, 100)).astype(np.float32)
    return Segments(np.cumsum(steps, axis=3), {f"r{row}": row for row in range(3)}, 250.0)


def trained(segments: Segments, boundary: str = "lead") -> ECGTokenizer:
    signals = list(segments.signals.reshape(-1, 12, 100))
    return ECGTokenizer.train(signals, 30, boundary=boundary, sampling_rate=250.0, progress=False)


def usage(counts: list[int], lengths: list[int], runs: list[bool]) -> TokenUsage:
    return TokenUsage(np.array(counts), np.array(lengths), np.array(runs))


@pytest.mark.parametrize("boundary", ["lead", "record"])
def test_every_measure_of_the_rows_on_any_segments(boundary: str) -> None:
    own, other = made(0), made(1)
    tokenizer = trained(own, boundary)
    for segments in (own, other):
        records = ["r0", "r2"]
        measures, counted = measure_on_segments(tokenizer, segments, records)
        assert set(measures) - {"records", "leads"} == set(TOKENIZER_SIGNATURES) <= set(METRICS)
        assert all(type(value) is float for value in measures.values())
        encodings = [tokenizer.encode(segments.signal(record, n)) for record in records for n in range(2)]
        np.testing.assert_array_equal(
            counted.counts, count_tokens([e.ids for e in encodings], tokenizer.vocabulary).counts
        )
        assert counted.num_symbols == 4 * 12 * 100
        assert measures["compression"] == pytest.approx(measures["token-length-mean"])
        assert measures["tokens-per-record"] == np.mean([len(e.ids) for e in encodings])
        lengths = np.concatenate([e.offsets[:, 1] - e.offsets[:, 0] for e in encodings])
        assert measures["token-length-longest"] == lengths.max()
    # A tokenizer meets its own records best.
    assert measure_on_segments(tokenizer, own, ["r1"])[0]["compression"] > measures["compression"]
    with pytest.raises(ValueError, match="record_ids: got no records"):
        measure_on_segments(tokenizer, own, [])


def test_clipped_records_and_leads_are_counted_over_all_their_segments() -> None:
    segments = made(0)
    tokenizer = trained(segments)
    high = tokenizer.encode(segments.signal("r0", 0)).high
    quiet = np.clip(segments.signals, -0.1, 0.1)
    quiet[0, 0, 3, 7] = quiet[0, 1, 3, 9] = quiet[0, 1, 5, 2] = high + 1
    measures, _ = measure_on_segments(tokenizer, dataclasses.replace(segments, signals=quiet), ["r0", "r1", "r2"])
    assert measures["clipped-records"] == pytest.approx(100 / 3)
    # Leads 3 and 5 of the first record, of 36 in all.
    assert measures["clipped-leads"] == pytest.approx(100 * 2 / 36)
    assert (measures["records"], measures["leads"]) == (3.0, 36.0)


@pytest.mark.parametrize("percent", [0.0, 20.0, 91.0, 100.0])
@pytest.mark.parametrize("n", [5, 200])
def test_the_interval_of_a_share_is_wilsons(percent: float, n: int) -> None:
    from scipy.stats import binomtest

    expected = binomtest(round(percent * n / 100), n).proportion_ci(method="wilson")
    got = wilson_interval(100 * round(percent * n / 100) / n, n)
    assert got == pytest.approx((100 * expected.low, 100 * expected.high), abs=1e-9)


def test_the_file_gives_back_what_was_written(tmp_path: Path) -> None:
    one, other = usage([3, 0, 1], [1, 2, 4], [False, True, True]), usage([1, 1], [1, 2], [False, False])
    path = write_token_usage(tmp_path / "tokens.json", {UsageOf("b", "a"): one, UsageOf("a", "a", "x"): other})
    first = path.read_bytes()
    found = read_token_usage(path)
    assert [whose.label for whose in found] == ["a, x", "b, tokenizer of a"]
    again = found[UsageOf("b", "a")]
    for name in ("counts", "lengths", "one_letter"):
        np.testing.assert_array_equal(getattr(again, name), getattr(one, name))
    assert again.one_letter.dtype == bool
    assert write_token_usage(tmp_path / "tokens.json", found).read_bytes() == first


def test_figures_of_the_file(tmp_path: Path) -> None:
    segments = made(0)
    tokenizer = trained(segments)
    usages = {
        UsageOf(name, "first"): measure_on_segments(tokenizer, kind, ["r0"])[1]
        for name, kind in (("first", segments), ("second", made(1)))
    }
    data = FigureData(token_usage=read_token_usage(write_token_usage(tmp_path / "tokens.json", usages)))
    used, lengths = token_usage_figure(data), token_lengths_figure(data)
    assert used is not None and lengths is not None
    lines = [line for line in used.axes[0].lines if len(line.get_xdata()) > 1]
    for line, usage in zip(lines, usages.values(), strict=True):
        assert sum(line.get_ydata()) == pytest.approx(100)
        assert len(line.get_xdata()) == np.count_nonzero(usage.counts)
    assert all(line.get_ydata()[-1] == pytest.approx(100) for line in lengths.axes[0].lines if len(line.get_xdata()))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not valid JSON"),
        ({"version": 2, "sets": []}, "expected an object with version 1"),
        ({"version": 1, "sets": []}, "it holds no sets"),
        ({"version": 1, "sets": [{"dataset": "a"}]}, "set 0: trained_on: expected a string"),
        ({"counts": [1.5]}, "set 0: counts: expected a list of whole numbers"),
        ({"counts": [1, 2, 3]}, "set 0: counts, lengths, one_letter: got 3, 2 and 2"),
        ({"counts": [0, 0]}, "set 0: counts: got no tokens"),
    ],
)
def test_bad_files_are_refused(content: str | dict, message: str, tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    if isinstance(content, dict) and "version" not in content:
        entry = {"dataset": "a", "trained_on": "a", "variant": "", "counts": [1, 2], "lengths": [1, 2]}
        content = {"version": 1, "sets": [entry | {"one_letter": [0, 1]} | content]}
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(ValueError, match=message):
        read_token_usage(path)
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_token_usage(tmp_path / "none.json")
    with pytest.raises(ValueError, match="usages: got none"):
        write_token_usage(path, {})
