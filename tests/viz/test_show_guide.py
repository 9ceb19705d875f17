"""The examples of docs/show.md run as written."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from ecgbyte.cli import main
from tests.viz.test_show_command import write_record

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "show.md").read_text(encoding="utf-8")


def test_examples_run(tmp_path: Path) -> None:
    write_record(tmp_path, "record", 1)
    train = ["train", str(tmp_path), "-o", str(tmp_path / "tokenizer.json"), "--num-merges", "20", "--no-progress"]
    assert main(train) == 0
    (shell,) = re.findall(r"```bash\n(.*?)```", GUIDE, flags=re.DOTALL)
    commands = [shlex.split(line, comments=True)[1:] for line in shell.splitlines() if line.startswith("ecgbyte ")]
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)
    for command in (*(["-m", "ecgbyte", *words] for words in commands), ["-c", code]):
        done = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert {"page.html", "picture.svg", "tokens.svg"} <= {path.name for path in tmp_path.iterdir()}
