"""The examples of ``docs/extend.md`` on tables, figures and claims run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_examples_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "extend.md").read_text(encoding="utf-8").split("### A table\n")[1]
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "docs/extend.md", "exec"), names)
    printed = capsys.readouterr().out
    assert printed.startswith("## Empty answers\n") and printed.rstrip().endswith("not converged")
    files = {path.name.removesuffix(".jsonl.gz") for path in Path("results/ablations/answers").iterdir()}
    answered = files - {"questions"}
    assert {"ecg-byte", "text-only"} <= answered
    assert {line["method"] for line in names["table"].rows} == answered
    assert set(names["files"]) == {f"empty-answers.{kind}" for kind in ("csv", "md", "tex")}
    assert names["png"].startswith(b"\x89PNG")
