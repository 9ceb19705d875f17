"""A folder of results is drawn again from its files; an error leaves it as it was."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import pytest

from ecgbyte import files as atomic
from experiments.redraw import main
from experiments.report import drawing
from experiments.report.content import ReportContent, write_content
from experiments.report.drawing import draw_results
from experiments.rows.files import write_rows
from experiments.rows.losses import LOSSES_FILE, write_losses
from experiments.tables.catalogue import TABLES
from tests.experiments.made_up_rows import made_up_curves, made_up_rows

SHOWN = ("ecg-byte", "merl", "text-only")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of results that was drawn from what a run leaves and from an old figure."""
    made = tmp_path_factory.mktemp("results") / "made-up"
    made.mkdir()
    rows = [row for row in made_up_rows() if row.method in SHOWN and row.table == "comparisons"]
    write_rows(made, rows)
    write_content(made, ReportContent(note="A note.", audit="patients in two splits: 0"))
    write_losses(made / LOSSES_FILE, [curve for curve in made_up_curves() if curve["method"] == "merl"])
    (made / "figures").mkdir()
    (made / "figures" / "ablations.png").write_bytes(b"old")
    draw_results(made)
    return made


@pytest.fixture
def folder(drawn: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(drawn, tmp_path / "made-up"))


def content_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_is_drawn_from_its_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = content_of(folder)
    names = {entry.make([]).name for entry in TABLES}
    assert {f"tables/{name}.{kind}" for name in names for kind in ("csv", "md")} <= set(found)
    assert {name for name in found if name.endswith(".tex")} == {
        f"tables/{name}.tex" for name in ("language-quality", "comparisons", "efficiency")
    }
    assert {"tables/verdicts.csv", "report.md", "report.html", "figures/learning-curves.png"} <= set(found)
    assert "figures/ablations.png" not in found, "there are no such rows"
    kept = folder / "figures" / "token-overlay.png"
    kept.write_bytes(found["figures/learning-curves.png"])
    assert main([str(folder)]) == 0
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "token-overlay.png" in page and "covered by one token" in page
    again = content_of(folder)
    drawn_anew = {name for name in again if again[name] != found.get(name)}
    assert drawn_anew == {"report.html", "report.md", "figures/token-overlay.png"}
    assert main([str(folder / "elsewhere")]) == 2
    assert "there is no folder" in capsys.readouterr().err
    (folder / "report.json").unlink()
    assert main([str(folder)]) == 2
    assert f"there is no file {folder / 'report.json'}" in capsys.readouterr().err


@pytest.mark.parametrize("broken", [LOSSES_FILE, "report.json", "measures.csv", "runs.csv", "tokens.json"])
def test_a_broken_file_leaves_the_folder_as_it_was(
    folder: Path, broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / broken).write_bytes(gzip.compress(b"{") if broken.endswith(".gz") else b"{")
    before = content_of(folder)
    assert main([str(folder)]) == 2
    assert broken in capsys.readouterr().err
    assert content_of(folder) == before


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("after", [0, 12])
def test_a_full_disk_or_an_interruption_leaves_the_folder_as_it_was(
    folder: Path, error: BaseException, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "report.md").write_text("another")
    before = content_of(folder.parent)
    written = []

    def failing(path: str | os.PathLike[str], content: str | bytes) -> None:
        if len(written) == after:
            raise error
        written.append(path)
        atomic.write_atomically(path, content)

    monkeypatch.setattr(drawing, "write_atomically", failing)
    if isinstance(error, OSError):
        assert main([str(folder)]) == 2
    else:
        with pytest.raises(KeyboardInterrupt):
            main([str(folder)])
    assert len(written) == after
    assert {name: found for name, found in content_of(folder.parent).items() if not name.endswith(".lock")} == before
