"""Tables as CSV, Markdown and LaTeX, and the quoted numbers beside them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from experiments.rows.estimates import Estimate
from experiments.rows.schema import ResultRow
from experiments.tables.catalogue import TABLES, Entry, make_tables, table_files
from experiments.tables.latex import to_latex
from experiments.tables.published import PublishedNumber, read_published_numbers
from experiments.tables.quality import (
    language_quality,
)
from experiments.tables.rendering import markdown_text, to_csv, to_markdown
from experiments.tables.table import Table
from tests.experiments.made_up_rows import made_up_rows
from tests.experiments.tables.hand_written_rows import AUDIT, COSTS, QUALITY


def test_csv_gives_intervals_columns_of_their_own() -> None:
    lines = [{"method": "a", "x": Estimate(1.5, 1.0, 2.0)}, {"method": "b"}]
    table = Table.of("name", "Title", ("method", "x"), lines)
    assert to_csv(table) == "method,x,x (95 % low),x (95 % high)\na,1.5,1,2\nb,,,\n"


def test_markdown_is_aligned_and_escapes() -> None:
    lines_of = [{"method": "a|b", "x": Estimate(1.5, digits=1)}, {"method": "c"}]
    table = Table.of("name", "Title", ("method", "x"), lines_of)
    lines = to_markdown(table, AUDIT).splitlines()
    assert lines[:6] == [
        "## Title",
        "",
        "| method |   x |",
        "| ------ | --: |",
        "| a\\|b   | 1.5 |",
        "| c      |     |",
    ]


def test_quoted_numbers_stand_apart() -> None:
    tables = make_tables(QUALITY + COSTS)
    assert [table.name for table in tables][:2] == ["language-quality", "comparisons"]
    files: dict[str, str] = {}
    for table in tables:
        files |= table_files(table, AUDIT)
        assert AUDIT in files[f"{table.name}.md"]
    assert "37.03" not in files["language-quality.csv"] and "arXiv" not in files["language-quality.csv"]
    text = files["language-quality.md"]
    assert text.index("50.00") < text.index("### Quoted from elsewhere, not measured here") < text.index("37.03")
    quoted = list(csv.DictReader(io.StringIO(files["language-quality-quoted.csv"])))
    assert quoted and all(line["source"] for line in quoted)
    assert {name for name in files if "quoted" in name} == {
        "language-quality-quoted.csv",
        "controls-quoted.csv",
        "efficiency-quoted.csv",
    }
    assert files["tokenizer.md"].startswith("## Tokenizer\n\nNo rows.")


def test_tables_do_not_go_out_without_an_audit() -> None:
    with pytest.raises(ValueError, match="audit_text"):
        table_files(language_quality(QUALITY), " ")


def test_tables_without_rows_keep_their_header() -> None:
    whole = {table.name: table.columns for table in make_tables(made_up_rows(), [])}
    for table in make_tables([], []):
        assert table.rows == [] or table.name == "paper-scale"
        header = next(csv.reader(io.StringIO(to_csv(table))))
        assert set(whole[table.name]) <= set(header), table.name
        # The same order, as far as the columns are filled.
        assert [name for name in header if name in whole[table.name]] == list(whole[table.name])


def test_a_column_that_was_not_declared_is_refused() -> None:
    with pytest.raises(ValueError, match=r"got the columns \['y'\] in table 'name'"):
        Table.of("name", "Title", ("x",), [{"x": 1, "y": 2}])


def test_people_read_the_method_first_and_what_is_shared_once() -> None:
    lines = [{"seed": 0, "dataset": "a", "method": name, "x": Estimate(1.0)} for name in ("b", "c")]
    table = Table.of("name", "Title", ("seed", "dataset", "method", "x"), lines)
    shared, shown = table.folded()
    assert shared == {"seed": 0, "dataset": "a"} and shown.columns == ("method", "x")
    assert [tuple(row) for row in shown.rows] == [("method", "x")] * 2
    assert table.columns == ("seed", "dataset", "method", "x"), "CSV keeps its order"


def test_a_table_is_one_function_and_one_entry() -> None:
    def counted(rows: Sequence[ResultRow]) -> Table:
        return Table.of("counted", "Rows by table", ("table", "rows"), [{"table": "all", "rows": len(rows)}])

    tables = make_tables(QUALITY, entries=(*TABLES, Entry(counted)))
    assert tables[-1].rows == [{"table": "all", "rows": len(QUALITY)}]
    assert set(table_files(tables[-1], AUDIT)) == {"counted.csv", "counted.md"}


LINK = re.compile(r"(?<!\\)(\\\\)*\][(\[:]")

HOSTILE = "<script>alert(1)</script> & [x](javascript:y) ![z](http://z)"


def test_markdown_is_text_and_no_html() -> None:
    table = Table.of("name", HOSTILE, ("method",), [{"method": HOSTILE}, {"method": "b"}], (HOSTILE, "see `code`"))
    text = to_markdown(table, f"audit ``` {HOSTILE}")
    outside = text.split("````text")[0]
    assert "<script" not in outside and not LINK.search(outside)
    assert "&lt;script&gt;" in outside and "see `code`" in outside
    # No fence inside the audit ends the audit's own.
    assert text.rstrip().endswith("````") and text.count("````") == 2
    # What is no code to every reader of Markdown is none here.
    for odd in ("`[x](y)``", "\\`[x](y)`", r"[x\](y)", r"[x\\](y)", "[x][y]", "[x]: y"):
        assert not LINK.search(markdown_text(odd)), odd
    assert markdown_text("in [1, 2], `[x](y)`") == "in [1, 2], `[x](y)`"


def test_latex_of_the_three_main_tables() -> None:
    tables = make_tables(made_up_rows(), [])
    written = {}
    for entry, table in zip(TABLES, tables, strict=True):
        assert set(entry.latex) <= set(table.columns)
        found = table_files(table, AUDIT, entry.latex)
        if f"{table.name}.tex" in found:
            written[table.name] = found[f"{table.name}.tex"]
    assert set(written) == {"language-quality", "comparisons", "efficiency"}
    for name, text in written.items():
        table = next(table for table in tables if table.name == name)
        assert text.count(r"\begin{table}") == text.count(r"\end{table}") == len(table.divided())
        labels = re.findall(r"\\label\{(.+?)\}", text)
        assert len(labels) == len(set(labels)) == len(table.divided())
        for body in re.findall(r"\\begin\{tabular\}\{([lr]+)\}\n(.*?)\\end\{tabular\}", text, re.DOTALL):
            lines = [line for line in body[1].splitlines() if not line.endswith("rule")]
            assert all(line.endswith(r" \\") and line.count(" & ") == len(body[0]) - 1 for line in lines)
        assert sum(len(part.rows) for _, part in table.divided()) == len(
            [line for line in text.splitlines() if line.endswith(r"\\") and not line.startswith(("method", "dataset"))]
        )


def test_latex_escapes_whatever_means_something_to_tex() -> None:
    text = "50 % of $x_1 & {y}#~^\\ <a> \n\\input{/etc/passwd}"
    lines = [{"method": text, "x": Estimate(-1.5, -2.0, -1.0)}, {"method": "[b]"}]
    written = to_latex(Table.of("name", text, ("method", "x"), lines, (text,)), ("method", "x"))
    assert r"50 \% of \$x\_1 \& \{y\}\#\textasciitilde{}\textasciicircum{}\textbackslash{} \textless{}a" in written
    assert r"\input" not in written and r"$-$1.50 {\scriptsize [$-$2.00, $-$1.00]}" in written
    assert "\n{}[b] &" in written
    # Comments and captions hold no line break that would end them.
    assert written.count("\n%") == 1


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
