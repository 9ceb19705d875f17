"""ECGs and answers of a page: kept once, read back, and refused where they are something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgbyte.json_lines import compress
from experiments.report.asked import read_asked
from experiments.report.ecg_file import read_ecgs, write_ecgs
from tests.experiments.report.made_up_report import made_up_report, questions, segments


def test_each_segment_is_kept_once_and_the_same_are_the_same_bytes(tmp_path: Path) -> None:
    write_ecgs(tmp_path / "ecgs.json.gz", questions(), segments())
    content = read_ecgs(tmp_path / "ecgs.json.gz")
    assert content is not None
    # Two questions a record; every second sample of 250 a second.
    assert len(content["traces"]) == 15 and len(set(content["traces"])) == 15
    assert (content["rate"], content["samples"], len(content["leads"])) == (125.0, 250, 12)
    assert content["asked"]["s0"] == content["asked"]["s1"] == 0 and content["asked"]["s29"] == 14
    first = (tmp_path / "ecgs.json.gz").read_bytes()
    write_ecgs(tmp_path / "ecgs.json.gz", questions(), segments())
    assert (tmp_path / "ecgs.json.gz").read_bytes() == first
    assert read_ecgs(tmp_path / "none.json.gz") is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "expected an object with rate, samples"),
        ('{"rate":1.0,"samples":1,"step":1.0,"leads":[],"traces":{},"asked":{}}', "traces: got dict, expected list"),
        (
            '{"rate":1.0,"samples":1,"step":1.0,"leads":[],"traces":[],"asked":{"s":0}}',
            "asked: expected places among 0",
        ),
    ],
)
def test_other_files_are_refused(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "ecgs.json.gz").write_bytes(compress(content.encode()))
    with pytest.raises(ValueError, match=message):
        read_ecgs(tmp_path / "ecgs.json.gz")


def test_answers_are_right_where_their_forms_are_equal(tmp_path: Path) -> None:
    asked = made_up_report(tmp_path).asked
    assert asked is not None
    assert len(asked["texts"]) == len(set(asked["texts"]))
    assert {name: len(runs) for name, runs in asked["methods"].items()} == dict.fromkeys(asked["methods"], 3)
    place = 2  # a list of findings, of which the answer names the same in another order and in capitals
    _, _, reference, _, source = asked["questions"][place]
    answer = asked["methods"]["ecg-byte"][0][place]
    assert (asked["texts"][reference], asked["texts"][answer]) == (
        "LVH, left axis deviation",
        "LEFT AXIS DEVIATION, LVH",
    )
    assert asked["forms"][reference] == asked["forms"][answer] and source == "generated"
    assert read_asked(tmp_path / "nowhere") is None
