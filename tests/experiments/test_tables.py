"""Tables from rows written by hand, and the quoted numbers beside them."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import Any

import pytest

from experiments.published import PublishedNumber, read_published_numbers
from experiments.results_rows import ResultRow
from experiments.table_rendering import Estimate, Table, to_csv, to_markdown
from experiments.tables import controls, efficiency, language_quality, make_tables, roc_areas, tokenizer, write_tables

AUDIT = "patients in two splits: 0"


def row(table: str, method: str, metric: str, value: float, **other: Any) -> ResultRow:
    base: dict[str, Any] = {"input": "ecg", "dataset": "synthetic", "split": "test", "n": 50, "seed": 0}
    base |= {"profile": "smoke", "scale": "full", "signature": metric}
    return ResultRow(table=table, method=method, metric=metric, value=value, **(base | other))


QUALITY = [
    row("language-quality", "merl", "accuracy", 40.0, ci_low=35.0, ci_high=45.0),
    row("language-quality", "ecg-byte", "accuracy", 50.0, ci_low=45.0, ci_high=55.0),
    row("language-quality", "ecg-byte", "bleu-4", 12.345),
    row("language-quality", "ecg-byte", "accuracy", 20.0, input="flat-line"),
    row("language-quality", "text-only", "accuracy", 30.0, input="text-only"),
    row("language-quality", "ecg-byte", "accuracy", 60.0, subset="single-verify", n=20),
]


def test_language_quality_shows_each_method_at_its_own_input() -> None:
    lines = language_quality(QUALITY).rows
    assert [(line["subset"], line["method"], line["input"], line["n"]) for line in lines] == [
        ("all", "ecg-byte", "ecg", 50),
        ("all", "merl", "ecg", 50),
        ("all", "text-only", "text-only", 50),
        ("single-verify", "ecg-byte", "ecg", 20),
    ]
    assert [cell.value for cell in (line["accuracy"] for line in lines) if isinstance(cell, Estimate)] == [
        50,
        40,
        30,
        60,
    ]
    assert to_markdown(language_quality(QUALITY), AUDIT).count(" 12.3") == 1
    assert lines[0]["BLEU-4"][0] == 12.345  # type: ignore[index]
    assert lines[1]["BLEU-4"] is None
    assert "ROUGE-1" not in lines[0]


def test_controls_put_the_difference_beside_the_value() -> None:
    rows = [
        *QUALITY,
        row("controls", "ecg-byte", "accuracy-difference", 30.0, input="flat-line", ci_low=20.0, ci_high=40.0),
        row("roc-areas", "ecg-byte", "roc-area-macro", 0.875),
        row("roc-areas", "ecg-byte", "roc-area", 0.9, subset="atrial fibrillation"),
    ]
    lines = [line for line in controls(rows).rows if line["method"] == "ecg-byte" and line["subset"] == "all"]
    assert [line["input"] for line in lines] == ["ecg", "flat-line"]
    assert lines[0]["accuracy, ECG minus this"] is None
    assert lines[1]["accuracy, ECG minus this"] == Estimate(30.0, 20.0, 40.0, 2)
    assert lines[0]["ROC area, mean over attributes"][0] == 0.875  # type: ignore[index]
    text = to_markdown(controls(rows), AUDIT)
    assert "30.00 [20.00, 40.00]" in text and "0.875" in text and AUDIT in text


def test_roc_areas_have_one_line_an_attribute_and_the_mean_first() -> None:
    rows = [
        row("roc-areas", "ecg-byte", "roc-area", 0.9, subset="atrial fibrillation", n=30),
        row("roc-areas", "ecg-byte", "roc-area", 0.5, subset="atrial fibrillation", n=30, input="flat-line"),
        row("roc-areas", "ecg-byte", "roc-area-macro", 0.8),
    ]
    lines = roc_areas(rows).rows
    assert [(line["attribute"], line["n"]) for line in lines] == [
        ("mean over attributes", 50),
        ("atrial fibrillation", 30),
    ]
    assert lines[1]["ecg"][0] == 0.9 and lines[1]["flat-line"][0] == 0.5  # type: ignore[index]
    assert lines[0]["flat-line"] is None and "text-only" not in lines[0]


def cost(method: str, stage: str, padding: str, **values: float) -> list[ResultRow]:
    return [
        row("efficiency", method, name.replace("_", "-"), value, stage=stage, padding=padding)
        for name, value in values.items()
    ]


COSTS = [
    *cost("ecg-byte", "end-to-end", "none", train_seconds=100.0, samples_seen=1000.0, distinct_records=200.0),
    *cost("ecg-byte", "end-to-end", "none", timed_seconds_per_1000_samples=95.0),
    *cost("ecg-byte", "end-to-end", "1024", timed_seconds_per_1000_samples=300.0),
    *cost("merl", "stage-1", "", train_seconds=80.0, samples_seen=600.0, distinct_records=400.0),
    *cost("merl", "stage-2", "none", train_seconds=20.0, samples_seen=1000.0, distinct_records=200.0),
    *cost("merl", "stage-2", "1024", timed_seconds_per_1000_samples=280.0),
]


def test_efficiency_sums_stages_and_gives_ratios_per_padding() -> None:
    lines = efficiency(COSTS).rows
    found = {(line["padding"], line["method"], line["stage"]): line for line in lines}
    assert len(lines) == len(found) == 10

    def value(padding: str, method: str, stage: str, column: str) -> float:
        return found[padding, method, stage][column][0]  # type: ignore[index, return-value]

    assert value("none", "merl", "all stages", "training time (s)") == 100.0
    assert value("none", "merl", "all stages", "samples seen") == 1600.0
    assert value("none", "merl", "all stages", "distinct ECGs") == 400.0
    assert value("none", "merl", "all stages", "time, times ecg-byte's") == 1.0
    assert value("none", "merl", "all stages", "samples of ecg-byte (%)") == 62.5
    assert value("none", "merl", "all stages", "ECGs of ecg-byte (%)") == 50.0
    assert value("none", "merl", "stage-1", "time per 1,000 samples (s)") == pytest.approx(80 / 0.6)
    # Timed steps do not stand in for a training that was measured whole.
    assert value("none", "ecg-byte", "all stages", "time per 1,000 samples (s)") == 100.0
    assert value("none", "ecg-byte", "all stages", "timed steps, per 1,000 samples (s)") == 95.0
    assert found["none", "merl", "all stages"]["timed steps, per 1,000 samples (s)"] is None
    # Padded: 300 s and 280 s per 1,000 samples, both on 1,000 samples; stage 1 has no padding and counts as it is.
    assert value("1024", "ecg-byte", "all stages", "training time (s)") == 300.0
    assert value("1024", "merl", "all stages", "training time (s)") == 360.0
    assert value("1024", "merl", "all stages", "time, times ecg-byte's") == pytest.approx(1.2)
    assert found["1024", "merl", "stage-1"]["time is"] == "measured"
    assert found["1024", "merl", "all stages"]["time is"] == "projected"
    assert found["none", "merl", "all stages"]["time is"] == "measured"
    assert found["none", "merl", "stage-1"]["time, times ecg-byte's"] is None


def test_efficiency_has_no_sum_over_a_stage_without_a_number() -> None:
    rows = [r for r in COSTS if not (r.stage == "stage-1" and r.metric == "samples-seen")]
    total = next(line for line in efficiency(rows).rows if (line["method"], line["stage"]) == ("merl", "all stages"))
    assert total["samples seen"] is None and total["samples of ecg-byte (%)"] is None
    assert total["training time (s)"][0] == 100.0  # type: ignore[index]


def test_efficiency_has_no_sum_where_a_stage_was_not_timed_at_a_padding() -> None:
    rows = [r for r in COSTS if not (r.stage == "stage-2" and r.padding == "1024")]
    lines = [line for line in efficiency(rows).rows if line["padding"] == "1024"]
    assert [(line["method"], line["stage"]) for line in lines] == [
        ("ecg-byte", "end-to-end"),
        ("merl", "stage-1"),
        ("ecg-byte", "all stages"),
    ]


def test_tokenizer_table() -> None:
    rows = [
        row("tokenizer", "ecg-byte", "compression", 6.5),
        row("tokenizer", "ecg-byte", "bits-per-sample-bound", 1.8),
    ]
    (line,) = tokenizer(rows).rows
    assert line["compression"][0] == 6.5 and line["bits per sample, at most"][0] == 1.8  # type: ignore[index]


def test_small_runs_are_marked() -> None:
    small = [dataclasses.replace(r, scale="small run") for r in QUALITY + COSTS]
    for table in make_tables(small, []):
        if table.rows:
            assert all(line["scale"] == "small run" for line in table.rows)
            assert "Small run" in to_markdown(table, AUDIT)
    assert "Small run" not in to_markdown(language_quality(QUALITY), AUDIT)


def test_csv_gives_intervals_columns_of_their_own() -> None:
    table = Table("name", "Title", [{"method": "a", "x": Estimate(1.5, 1.0, 2.0)}, {"method": "b", "x": None}])
    assert to_csv(table) == "method,x,x (95 % low),x (95 % high)\na,1.5,1,2\nb,,,\n"


def test_markdown_is_aligned_and_escapes() -> None:
    table = Table("name", "Title", [{"method": "a|b", "x": Estimate(1.5, digits=1)}, {"method": "c", "x": None}])
    lines = to_markdown(table, AUDIT).splitlines()
    assert lines[:6] == [
        "## Title",
        "",
        "| method |   x |",
        "| ------ | --: |",
        "| a\\|b   | 1.5 |",
        "| c      |     |",
    ]


def test_quoted_numbers_stand_apart(tmp_path: Path) -> None:
    tables = write_tables(QUALITY + COSTS, tmp_path / "tables", AUDIT)
    assert [table.name for table in tables] == ["language-quality", "controls", "roc-areas", "efficiency", "tokenizer"]
    measured = (tmp_path / "tables" / "language-quality.csv").read_text()
    assert "37.03" not in measured and "arXiv" not in measured
    text = (tmp_path / "tables" / "language-quality.md").read_text()
    assert text.index("50.00") < text.index("### Quoted from elsewhere, not measured here") < text.index("37.03")
    with (tmp_path / "tables" / "language-quality-quoted.csv").open(newline="") as stream:
        assert all(line["source"] for line in csv.DictReader(stream))
    for table in tables:
        assert AUDIT in (tmp_path / "tables" / f"{table.name}.md").read_text()
    assert (tmp_path / "tables" / "tokenizer.md").read_text().startswith("## Tokenizer\n\nNo rows.")


def test_tables_do_not_go_out_without_an_audit(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="audit_text"):
        write_tables(QUALITY, tmp_path, " ")
    assert not list(tmp_path.iterdir())


def test_tables_refuse_rows_that_do_not_go_together() -> None:
    with pytest.raises(ValueError, match="same key"):
        make_tables([QUALITY[0], QUALITY[0]])


def test_published_numbers_of_the_project() -> None:
    numbers = read_published_numbers()
    found = {(n.source, n.dataset, n.method, n.metric): n.value for n in numbers}
    assert found["arXiv:2510.00261 table 1", "ECG-QA PTB-XL", "ECG-Byte", "accuracy"] == "37.03"
    assert {number.table for number in numbers} == {"language-quality", "controls", "efficiency"}
    assert all(isinstance(number, PublishedNumber) and number.source and number.note for number in numbers)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("controls,,note,d,m,accuracy,1,", "line 2: source: got an empty cell"),
        ("others,s,note,d,m,accuracy,1,", "line 2: table: got 'others'"),
        ("controls,s,note,d,m,accuracy,many,", "line 2: could not convert"),
        ("controls,s,note,d,m,accuracy,1,\ncontrols,s,other,d,m,accuracy,2,", "given twice"),
    ],
)
def test_bad_published_numbers_are_refused(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "published.csv"
    path.write_text(f"table,source,note,dataset,method,metric,value,std\n{line}\n")
    with pytest.raises(ValueError, match=message):
        read_published_numbers(path)


def test_published_numbers_need_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "published.csv"
    with pytest.raises(FileNotFoundError):
        read_published_numbers(path)
    path.write_text("source,value\n")
    with pytest.raises(ValueError, match="columns"):
        read_published_numbers(path)
