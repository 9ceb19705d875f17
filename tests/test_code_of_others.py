"""No code that lies beside a model is run, and nobody is asked whether it should be."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Classes of transformers that look into a folder for code of its own.
OPENERS = ("AutoConfig", "AutoModel", "AutoModelForCausalLM", "AutoProcessor", "AutoTokenizer")


def refuses(call: ast.Call) -> bool:
    """Whether a call says trust_remote_code=False, itself or by the mapping it passes on."""
    said = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    return said.get("trust_remote_code") == "False" or said.get(None) == "source"


def test_every_model_and_tokenizer_is_opened_without_its_own_code() -> None:
    found = []
    for path in [*ROOT.glob("ecgbyte/**/*.py"), *ROOT.glob("experiments/**/*.py")]:
        text = path.read_text(encoding="utf-8")
        if "from_pretrained" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = ast.unparse(node.func.value)
                if node.func.attr in ("from_pretrained", "from_config") and owner in OPENERS:
                    found.append((f"{path.relative_to(ROOT)}:{node.lineno}", refuses(node)))
    assert len(found) > 8
    # What is passed on as `source` says it a line before.
    assert [place for place, refused in found if not refused] == []


def test_custom_code_of_a_folder_is_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ecgbyte.metrics.bertscore import BertScore

    marker = tmp_path / "was run"
    (tmp_path / "own.py").write_text(f"open({str(marker)!r}, 'w')\nclass Own: pass\n")
    settings = {"model_type": "own", "auto_map": {"AutoConfig": "own.Own", "AutoModel": "own.Own"}}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"auto_map": {"AutoTokenizer": ["own.Own", None]}}))
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    with pytest.raises((ValueError, OSError)):
        BertScore(str(tmp_path))
    assert not marker.exists()
