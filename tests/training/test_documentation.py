"""The code of docs/training.md runs as it stands there."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "training.md"
SCRIPT, PUBLISHED = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_script_trains_and_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["train_reader.py", "--output", str(tmp_path / "runs" / "reader")])
    code = compile(SCRIPT, "train_reader.py", "exec")
    exec(code, {"__name__": "__main__"})
    first = capsys.readouterr().out
    report = json.loads((tmp_path / "runs" / "reader" / "training.json").read_text())["report"]
    assert report["processes"] == 1 and len(report["validation"]) >= 3
    assert report["validation"][-1]["loss"] < report["validation"][0]["loss"]
    exec(code, {"__name__": "__main__"})
    assert capsys.readouterr().out == first


def test_the_published_settings_are_those_of_the_page() -> None:
    names: dict[str, object] = {}
    exec(PUBLISHED, names)
    settings = names["published"]
    assert (settings.optimizer, settings.betas, settings.weight_decay) == ("adam", (0.9, 0.99), 1e-2)
    assert (settings.schedule, settings.warmup_steps) == ("noam", 500)
    assert settings.learning_rate == pytest.approx(9.9e-4, rel=0.002)
