"""The gate on instruction counts: what it lets pass, what it reports, and that its inputs are the same anywhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgbyte.files import fingerprint
from tests.benchmarks.instruction_counts import counting as gate
from tests.benchmarks.instruction_counts.inputs import INPUTS, mixed_bits, signal
from tests.benchmarks.instruction_counts.work import LENGTHS, WORK, calls

# Recorded once; whole numbers only, so no library version changes them.
FINGERPRINTS = {
    "ecg-like": "sha256:7251be1f2a47e7ac",
    "constant": "sha256:7cf884a611ed1be0",
    "periodic": "sha256:ef8833fc12aa8989",
}
COUNT = gate.Count("training", "constant", 960, "portable", 1000, "GCC 12.2.0", "3.11", "valgrind-3.19.0")


def with_instructions(*instructions: int) -> list[gate.Count]:
    return [replace(COUNT, instructions=number) for number in instructions]


@pytest.mark.parametrize("instructions", [970, 1000, 1030])
def test_counts_within_the_tolerance_pass(instructions: int) -> None:
    assert gate.changed_counts([COUNT], with_instructions(instructions)) == []


@pytest.mark.parametrize(("instructions", "change"), [(969, "-3.1%"), (1031, "+3.1%")])
def test_slower_and_faster_counts_are_reported(instructions: int, change: str) -> None:
    (line,) = gate.changed_counts([COUNT], with_instructions(instructions))
    assert line == f"training, constant, portable: {instructions:,} instructions, {change} against 1,000"


def test_work_that_only_one_side_has_is_reported() -> None:
    other = replace(COUNT, work="symbols")
    assert gate.changed_counts([COUNT], [COUNT, other]) == [
        "symbols, constant, portable: not among the committed figures"
    ]
    assert gate.changed_counts([COUNT, other], [COUNT]) == ["symbols, constant, 960, portable: not counted"]
    assert gate.changed_counts([COUNT, replace(other, instruction_set="avx2")], [COUNT]) == []


def test_another_compiler_or_python_is_named() -> None:
    assert gate.differing_makers([COUNT], [replace(COUNT, valgrind="valgrind-3.22.0")]) == []
    assert gate.differing_makers([COUNT], [replace(COUNT, compiler="clang 18.1.3", python="3.12")]) == [
        "the figures were recorded with compiler GCC 12.2.0, this is clang 18.1.3",
        "the figures were recorded with python 3.11, this is 3.12",
    ]


@pytest.mark.parametrize(("work", "most"), [("training", 1.2), ("symbols", 1.1)])
def test_cost_that_grows_too_fast_between_the_longest_inputs_is_reported(work: str, most: float) -> None:
    def line(slope: float) -> list[gate.Count]:
        costs = [(1000, 1_000_000), (4000, 4_000_000), (16_000, round(4_000_000 * 4**slope))]
        return [replace(COUNT, work=work, symbols=symbols, instructions=cost) for symbols, cost in costs]

    assert gate.steep_costs(line(most - 0.01)) == []
    (found,) = gate.steep_costs(line(most + 0.01)[::-1])
    assert f"from 4000 to 16000 symbols, expected at most {most}" in found


def test_counts_that_depend_on_places_in_memory_are_not_compared() -> None:
    on_borders = replace(COUNT, work="signal to ids")
    off_borders = replace(on_borders, input="ecg-like")
    for count, lines in ((on_borders, 0), (off_borders, 1)):
        assert len(gate.changed_counts([count], [replace(count, instructions=1100)])) == lines


def test_cost_a_symbol_may_double_where_sequences_begin_to_be_cut() -> None:
    def line(factor: float) -> list[gate.Count]:
        costs = [(1000, 1_000_000), (4000, round(4_000_000 * factor)), (16_000, round(16_000_000 * factor))]
        return [replace(COUNT, symbols=symbols, instructions=cost) for symbols, cost in costs]

    assert gate.steep_costs(line(1.99)) == []
    (found,) = gate.steep_costs(line(2.01))
    assert "by a factor of 2.010 from 1000 to 4000 symbols, expected at most 2.0" in found


def test_figures_read_back_as_written(tmp_path: Path) -> None:
    counts = [COUNT, replace(COUNT, work="encoding, longest")]
    gate.write_figures(tmp_path / "figures.csv", counts)
    assert gate.read_figures(tmp_path / "figures.csv") == counts


def test_committed_figures_name_all_work_once() -> None:
    committed = [count.what for count in gate.read_figures(gate.FIGURES)]
    expected = [(work, name, LENGTHS[-1], kind) for kind in gate.INSTRUCTION_SETS for name in INPUTS for work in WORK]
    assert sorted(committed) == sorted(expected)


@pytest.mark.parametrize(
    ("note", "compiler"),
    [
        (b"\0GCC: (Debian 12.2.0-14+deb12u1) 12.2.0\0", "GCC 12.2.0"),
        (b"\0GCC: (GNU) 13.1\0Ubuntu clang version 18.1.3 (1ubuntu1)\0", "clang 18.1.3"),
        (b"\0", "unknown"),
    ],
)
def test_the_compiler_stands_in_the_extension(tmp_path: Path, note: bytes, compiler: str) -> None:
    (tmp_path / "kernel.so").write_bytes(b"\x7fELF" + note)
    assert gate.built_with(tmp_path / "kernel.so") == compiler


def test_totals_are_read_from_a_profile(tmp_path: Path) -> None:
    profile = tmp_path / "profile.2"
    profile.write_text("events: Ir\nsummary: 12\n\ntotals: 1234\n")
    assert gate.instructions_of(profile) == 1234
    profile.write_text("events: Ir\n")
    with pytest.raises(ValueError, match="no line of totals"):
        gate.instructions_of(profile)


def test_missing_valgrind_is_said_and_fails_only_if_required(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gate.shutil, "which", lambda _: None)
    assert gate.main([]) == 0
    assert "NOT counted: valgrind is not installed" in capsys.readouterr().err
    assert gate.main(["--require-valgrind"]) == 1


def test_mixed_bits_are_those_of_splitmix64() -> None:
    # The first outputs of the published generator for seed 0, as C programs print them.
    assert mixed_bits(0, 3).tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_inputs_are_the_same_bytes_everywhere() -> None:
    found = {name: fingerprint(signal(name, 12, 5000)) for name in INPUTS}
    assert found == FINGERPRINTS


def test_an_unknown_input_is_refused() -> None:
    with pytest.raises(ValueError, match="name: got 'noise'"):
        signal("noise", 12, 100)


@pytest.mark.parametrize("name", INPUTS)
def test_the_counted_work_checks_its_results(name: str) -> None:
    merges = np.array([[0, 0], [1, 1], [26, 26]], dtype=np.int32)
    found = []
    for work, call, check in calls(name, 1200, merges):
        result = call()
        check(result)
        with pytest.raises(AssertionError, match=name):
            check(result[::-1] + 1)
        found.append(work)
    assert tuple(found) == WORK
