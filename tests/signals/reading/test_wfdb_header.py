"""WFDB headers and samples read without wfdb, against what wfdb reads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st
from wfdb.io.header import HeaderSyntaxError

from ecgbyte.signals.reading.reader import read_record
from ecgbyte.signals.reading.wfdb_header import Header, SignalLine, parse_header, read_header

# Fields of a record line and of a signal line: what is usual, and what is not.
RECORD_FIELDS = [
    ("rec_1 ", ["rec_1  ", "rec_1/2 "]),
    ("2 ", ["1 ", "3 ", "02 "]),
    ("500", ["100", "360.5", "500.", "500/500", "500/500(0)", ""]),
    (" 5000", [" 0", " 05000", " 50x", ""]),
    ("", [" 10:15:00", " 10:15:00 01/01/2130", " 10:15:00 28/02/2100", " 1:2:3"]),
]
SIGNAL_FIELDS = [
    ("rec_1.dat ", ["rec.1.dat ", "rec_1.dat\t"]),
    ("16 ", ["212 ", "16x1 ", "16x2 ", "16+24 "]),
    ("1000.0", ["1000", "204.8", "0", "0.0", "-5", "200.", "007"]),
    ("(0)", ["(-12)", "(1024)", "", "(-0)"]),
    ("/mV ", ["/uV ", "/V ", "/MV ", "/% ", " ", "/mV2 "]),
    ("16 0 ", ["0 0 ", "12 -7 ", "00 007 ", "16  0 "]),
    ("-5 ", ["5 ", "-0 "]),
    ("-12 ", ["64050 ", "0 ", "1234567890 "]),
    ("0 ", ["512 "]),
    ("aVR", ["I", "lead II", "II,1", "", "X%", "#1"]),
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


def as_wfdb(header: Header, parsed: wfdb.Record) -> None:
    """Every field as wfdb has it, but for what wfdb fills in where a header is silent."""
    assert header.rate is None or header.rate == parsed.fs
    assert header.num_samples is None or header.num_samples == parsed.sig_len
    assert [signal.file for signal in header.signals] == parsed.file_name
    assert [signal.form for signal in header.signals] == parsed.fmt
    assert [signal.per_frame for signal in header.signals] == [count or 1 for count in parsed.samps_per_frame]
    assert [signal.offset for signal in header.signals] == [offset or 0 for offset in parsed.byte_offset]
    assert [signal.gain or 200.0 for signal in header.signals] == parsed.adc_gain
    assert [signal.baseline for signal in header.signals] == parsed.baseline
    assert [signal.units or "mV" for signal in header.signals] == parsed.units
    assert [signal.checksum for signal in header.signals] == parsed.checksum
    assert [signal.name for signal in header.signals] == parsed.sig_name


@settings(max_examples=400, deadline=None)
@given(usual_lines())
def test_a_header_is_what_wfdb_reads(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "rec_1"
    path.with_suffix(".hea").write_text("\n".join(lines) + "\n")
    try:
        header = read_header(path.with_suffix(".hea"))
    except ValueError:
        return
    try:
        parsed = wfdb.rdheader(str(path))
    except HeaderSyntaxError:
        return  # names with a dot
    as_wfdb(header, parsed)


def test_usual_headers_are_understood() -> None:
    line = "rec.dat 16 1000.5(-7)/uV 16 0 5 -12 0 aVR"
    expected = SignalLine("rec.dat", "16", 1, 0, 1000.5, -7, "uV", 5, -12, "aVR")
    assert parse_header("x", ["rec 1 500 3 10:15:00 01/01/2130", line]) == Header(500.0, 3, 1, (expected,))
    assert parse_header("x", ["rec 1", "rec.dat 16"]).signals[0].gain is None
    # The baseline that is left out is the zero of the converter.
    assert parse_header("x", ["rec 1 500", "rec.dat 16 200 12 1024"]).signals[0].baseline == 1024


@pytest.mark.parametrize("first", ["E1 1 500 3 05-May-2020 09:49:17", "E1.mat 1 500 3 05-May-2020", "E1.mat 1 500 3"])
def test_headers_of_the_challenges_of_2020(first: str) -> None:
    header = parse_header("x", [first, "E1.mat 16+24 1000/mV 16 0 28 -1716 0 I"])
    assert (header.rate, header.num_samples) == (500.0, 3)
    assert (header.signals[0].offset, header.signals[0].gain, header.signals[0].file) == (24, 1000.0, "E1.mat")


@pytest.mark.parametrize("name", ["../rec.dat", "/etc/rec.dat", "a\\rec.dat", ".."])
def test_signal_files_stay_in_the_folder_of_their_header(name: str) -> None:
    with pytest.raises(ValueError, match="outside of its own folder"):
        parse_header("x", ["rec 1 500 3", f"{name} 16 1000(0)/mV 16 0 0 0 0 I"])


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
def test_samples_are_what_wfdb_reads(tmp_path: Path, leads: int) -> None:
    stored = np.random.default_rng(leads).integers(-32767, 32768, size=(701, leads))
    path = write_16_bit_record(tmp_path, stored)
    with pytest.warns(UserWarning, match="too large"):
        record = read_record(path, leads=[f"V{lead + 1}" for lead in range(leads)])
    physical = wfdb.rdrecord(str(path)).p_signal
    np.testing.assert_array_equal(record.signal, physical.T.astype(np.float32))


def test_the_lowest_value_is_invalid(tmp_path: Path) -> None:
    stored = np.zeros((50, 2), dtype=int)
    stored[7, 1] = -32768
    with pytest.raises(ValueError, match="marked as invalid, the first in lead V2 at sample 7"):
        read_record(write_16_bit_record(tmp_path, stored), leads=["V1", "V2"])


def test_a_record_is_read_without_importing_wfdb(tmp_path: Path) -> None:
    path = write_16_bit_record(tmp_path, np.arange(50)[:, None])
    code = f"import sys, ecgbyte; ecgbyte.read_record({str(path)!r}, leads=['V1'])"
    result = subprocess.run(
        [sys.executable, "-c", f"{code}; print('wfdb' in sys.modules)"], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"


@pytest.mark.real_data
@pytest.mark.parametrize("folder", ["records100", "records500"])
def test_real_headers_are_what_wfdb_reads(real_data: Path, folder: str) -> None:
    found = sorted((real_data / "ptb-xl" / folder).glob("*/*.hea"))[:30]
    assert found
    for file in found:
        as_wfdb(read_header(file), wfdb.rdheader(str(file.with_suffix(""))))
