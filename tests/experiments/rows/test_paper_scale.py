"""The calculation at the paper's scale: what is kept is what is counted, and ratios follow from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.rows import paper_scale
from experiments.rows.paper_scale import CLAIMED_SHARE, ENCODERS, LAYOUTS, SETTINGS, Operations, read_operations


def test_the_kept_operations_are_those_that_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = paper_scale.OPERATIONS_FILE.read_text(encoding="utf-8")
    monkeypatch.setattr(paper_scale, "OPERATIONS_FILE", tmp_path / "paper_scale.csv")
    assert paper_scale.main() == 0
    counted = read_operations()
    monkeypatch.undo()
    # The attention of another version of torch may be counted a little otherwise.
    for own, other in zip(read_operations(), counted, strict=True):
        assert own[:2] == other[:2]
        assert own[2:] == pytest.approx(other[2:], rel=0.02)
    parts = {("end-to-end", layout.end_to_end) for layout in LAYOUTS} | {("stage-2", x.stage_two) for x in LAYOUTS}
    assert kept.count("\n") == 1 + len(parts) + len(ENCODERS)


def test_presentations_are_those_at_which_the_ratio_comes_out() -> None:
    counted = Operations("padded", "merl", end_to_end=10.0, stage_two=9.0, stage_one=0.5)
    shown = counted.presentations(3)
    assert shown == 42.0 and shown * 0.5 + 9.0 == 3 * 10.0
    assert counted.ratio(paper_scale.Setting("", 4.2, 10)) == pytest.approx(3)


def test_settings_say_the_share_of_the_data() -> None:
    published, claimed = SETTINGS
    assert claimed.share == pytest.approx(CLAIMED_SHARE)
    assert published.share == pytest.approx(100 * 100_000 / 900_000)
    framed = [counted for counted in read_operations() if counted.layout == LAYOUTS[2].name]
    assert all(counted.ratio(published) > 10 for counted in framed)
    # By operations 3 times and 48 % do not go together at 20 epochs, whatever the encoder, where inputs are padded.
    padded = [counted for counted in read_operations() if counted.layout == LAYOUTS[0].name]
    assert all(counted.ratio(claimed) < 2 for counted in padded)
    assert {counted.encoder for counted in padded if counted.ratio(published) >= 3} == {"vit", "clip-vit"}


def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper_scale, "OPERATIONS_FILE", tmp_path / "paper_scale.csv")
    (tmp_path / "paper_scale.csv").write_text("part,positions,operations\nend-to-end,1024,5\n")
    with pytest.raises(ValueError, match="there is no line for"):
        read_operations()
    (tmp_path / "paper_scale.csv").write_text("a,b\n")
    with pytest.raises(ValueError, match="expected part, positions, operations"):
        read_operations()
