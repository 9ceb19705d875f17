"""Plain headers and samples in 16 bits, read without wfdb, against what wfdb reads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte.signals.reading import wfdb_record
from ecgbyte.signals.reading.wfdb_header import Header, header_of_wfdb, plain_header
from ecgbyte.signals.reading.wfdb_reading import read_record

# Fields of a record line and of a signal line: what is usual, and what is not.
RECORD_FIELDS = [
    ("rec_1 ", ["rec_1  ", "rec_1/2 ", " rec_1 "]),
    ("2 ", ["0 ", "1 ", "3 ", "02 ", "two "]),
    ("500", ["100", "360.5", "1e3", "500.", "500/500", "500(0)", "0", ""]),
    (" 5000", [" 0", " 05000", " 50x", ""]),
    ("", [" 10:15:00", " 10:15:00 01/01/2130", " 24:00:00", " 10:15", " 10:15:00 31/02/2100", " 1:2:3", " x"]),
]
SIGNAL_FIELDS = [
    ("rec_1.dat ", ["rec.1.dat ", "~ ", "rec_1 ", "rec_1.dat\t", "sub/rec_1.dat "]),
    ("16 ", ["212 ", "16x1 ", "16x2 ", "16+24 ", "16:2 ", "999 ", "016 "]),
    ("1000.0", ["1000", "204.8", "0", "0.0", "1e3", "-5", "200.", ".5", "007"]),
    ("(0)", ["(-12)", "(1024)", "()", "(+4)", "", "(-0)"]),
    ("/mV ", ["/uV ", "/V ", "/MV ", "/mm/Hg ", "/% ", "/ ", " ", "/mV2 "]),
    ("16 0 ", ["0 0 ", "12 -7 ", "00 007 ", "16  0 ", "16 "]),
    ("-5 ", ["5 ", "-0 ", "x ", ""]),
    ("-12 ", ["64050 ", "0 ", "1234567890 ", ""]),
    ("0 ", ["512 ", "-1 ", ""]),
    ("aVR", ["I", "lead II", "II,1", "", "X%", "#1", "V\x7f"]),
]


@st.composite
def usual_lines(draw: st.DrawFn) -> list[str]:
    """A header of two signals, plain but for three fields at most."""
    lines = [list(fields) for fields in (RECORD_FIELDS, SIGNAL_FIELDS, SIGNAL_FIELDS)]
    chosen = [[usual for usual, _ in fields] for fields in lines]
    for _ in range(draw(st.integers(0, 3))):
        row = draw(st.integers(0, 2))
        field = draw(st.integers(0, len(lines[row]) - 1))
        chosen[row][field] = draw(st.sampled_from(lines[row][field][1]))
    return ["".join(fields).strip() for fields in chosen]


@settings(max_examples=400, deadline=None)
@given(usual_lines())
def test_a_plain_header_is_what_wfdb_reads(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    header = plain_header(lines)
    if header is None:
        return
    path = tmp_path_factory.getbasetemp() / "rec_1"
    path.with_suffix(".hea").write_text("\n".join(lines) + "\n")
    assert header == header_of_wfdb(wfdb.rdheader(str(path)))


PLAIN = ["rec 1 500 3 10:15:00 01/01/2130", "rec.dat 16 1000.5(-7)/uV 16 0 5 -12 0 aVR"]


def test_plain_headers_are_recognised() -> None:
    assert plain_header(PLAIN) == Header(
        1, 500.0, 3, ["rec.dat"], ["16"], [1], [None], [None], [1000.5], [-7], ["uV"], [-12], ["aVR"]
    )


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (0, "rec 2 500 3"),
        (0, "rec/2 1 500 3"),
        (0, "rec 1 500"),
        (0, "rec 1 500 0"),
        (0, "rec 1 500/500 3"),
        (0, "rec 1 5e2 3"),
        (0, "rec 1 500 3 24:00:00"),
        (0, "rec 1 500 3 10:15:00 31/02/2130"),
        (1, "rec.dat 16x2 1000(0)/mV 16 0 0 0 0 I"),
        (1, "rec.dat 16+24 1000(0)/mV 16 0 0 0 0 I"),
        (1, "rec.dat 16 1000/mV 16 0 0 0 0 I"),
        (1, "rec.dat 16 1e3(0)/mV 16 0 0 0 0 I"),
        (1, "rec.dat 16 1000(0)/mV 16 0 0 0 0"),
        (1, "rec.dat 16 1000(0)/mV 16 0 0 0 0 lead I"),
        (1, "rec.dat\t16 1000(0)/mV 16 0 0 0 0 I"),
    ],
)
def test_what_is_out_of_the_ordinary_is_for_wfdb(row: int, line: str) -> None:
    lines = list(PLAIN)
    lines[row] = line
    assert plain_header(lines) is None


def write_16_bit_record(folder: Path, stored: np.ndarray, gain: str = "204.8", baseline: int = -12) -> Path:
    """A record of leads V1, V2, ... from whole numbers [samples, leads]."""
    lines = [f"rec {stored.shape[1]} 500 {len(stored)}"]
    for lead, values in enumerate(stored.T):
        checksum = int(values.astype(np.int64).sum()) % 65536
        lines.append(f"rec.dat 16 {gain}({baseline})/mV 16 0 {values[0]} {checksum} 0 V{lead + 1}")
    (folder / "rec.hea").write_text("\n".join(lines) + "\n")
    (folder / "rec.dat").write_bytes(stored.astype("<i2").tobytes())
    return folder / "rec"


@pytest.mark.parametrize("leads", [1, 3, 6])
def test_samples_are_what_wfdb_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leads: int) -> None:
    stored = np.random.default_rng(leads).integers(-32767, 32768, size=(701, leads))
    path = write_16_bit_record(tmp_path, stored)
    names = [f"V{lead + 1}" for lead in range(leads)]
    record = read_record(path, leads=names)
    physical = wfdb.rdrecord(str(path)).p_signal
    np.testing.assert_array_equal(record.signal, physical.T.astype(np.float32))
    monkeypatch.setattr(wfdb_record, "plain_header", lambda lines: None)
    np.testing.assert_array_equal(read_record(path, leads=names).signal, record.signal)


def test_the_lowest_value_is_invalid(tmp_path: Path) -> None:
    stored = np.zeros((50, 2), dtype=int)
    stored[7, 1] = -32768
    with pytest.raises(ValueError, match="marked as invalid, the first in lead V2 at sample 7"):
        read_record(write_16_bit_record(tmp_path, stored), leads=["V1", "V2"])


def test_a_plain_record_is_read_without_importing_wfdb(tmp_path: Path) -> None:
    path = write_16_bit_record(tmp_path, np.ones((50, 1), dtype=int))
    code = f"import sys; from ecgbyte.signals.reading.wfdb_record import read_record; read_record({str(path)!r}, leads=['V1'])"
    result = subprocess.run(
        [sys.executable, "-c", f"{code}; print('wfdb' in sys.modules)"], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"


@pytest.mark.real_data
@pytest.mark.parametrize("folder", ["records100", "records500"])
def test_real_headers_are_plain_and_what_wfdb_reads(real_data: Path, folder: str) -> None:
    found = sorted((real_data / "ptb-xl" / folder).glob("*/*.hea"))[:30]
    assert found
    for file in found:
        lines = [line.strip() for line in file.read_text().splitlines()]
        lines = [line for line in lines if line and not line.startswith("#")]
        assert plain_header(lines) == header_of_wfdb(wfdb.rdheader(str(file.with_suffix(""))))
