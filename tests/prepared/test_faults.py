"""Every record is prepared, or rejected with the code of what is wrong with it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ecgbyte.prepared.preparation import prepare
from ecgbyte.prepared.sources import RecordSource
from ecgbyte.prepared.storage import Storage
from ecgbyte.signals.leads import LEADS
from ecgbyte.signals.reading.assembly import ReadingOptions
from ecgbyte.signals.reading.faults import FAULTS
from tests.cli.cli_examples import write_record
from tests.prepared.prepared_examples import rejected_in, settings_of, sources_in


def write_samples(folder: Path, name: str, samples: np.ndarray, leads=LEADS, rate=100, units="mV", gain=1000.0) -> None:
    """A WFDB record of these samples, [leads, samples] in its unit; NaN is marked as invalid."""
    import wfdb

    wfdb.wrsamp(
        name,
        fs=rate,
        units=[units] * len(leads),
        sig_name=list(leads),
        p_signal=samples.T,
        fmt=["16"] * len(leads),
        adc_gain=[gain] * len(leads),
        baseline=[0] * len(leads),
        write_dir=str(folder),
    )


def good_samples(seed: int, seconds: float = 5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    waves = rng.normal(0, 0.3, (8, int(100 * seconds))).cumsum(axis=1) / 5
    first, second = waves[:2]
    limb = [first, second, second - first, -(first + second) / 2, first - second / 2, second - first / 2]
    return np.clip(np.stack([*limb, *waves[2:]]), -20, 20)


def cut(folder):
    file = folder / "bad.dat"
    file.write_bytes(file.read_bytes()[:700])


def no_signal(folder):
    (folder / "bad.dat").unlink()


def no_header(folder):
    (folder / "bad.hea").unlink()


def damaged(folder):
    file = folder / "bad.dat"
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(bytes(content))


def unreadable_header(folder):
    (folder / "bad.hea").write_text("this is no header\n")


def no_samples_known(folder):
    (folder / "bad.hea").write_text("bad 12 100\n")


def invalid(folder):
    samples = good_samples(1)
    samples[9, 100:400] = np.nan
    write_samples(folder, "bad", samples)


def flat(folder):
    samples = good_samples(2)
    samples[8] = 0.25
    write_samples(folder, "bad", samples)


def wrong_leads(folder):
    write_samples(folder, "bad", good_samples(3)[:11], LEADS[:11])


def swapped(folder):
    samples = good_samples(4)
    write_samples(folder, "bad", samples[[1, 0, *range(2, 12)]])


def too_small(folder):
    write_samples(folder, "bad", good_samples(5) * 1e-6, gain=1e9)


def wrong_rate(folder):
    write_samples(folder, "bad", good_samples(6), rate=333)


def wrong_unit(folder):
    write_samples(folder, "bad", good_samples(7), units="mmHg")


def too_short(folder):
    write_samples(folder, "bad", good_samples(8)[:, :1])


def duplicate(folder):
    for ending in (".hea", ".dat"):
        text = (folder / f"good{ending}").read_bytes()
        (folder / f"bad{ending}").write_bytes(text.replace(b"good", b"bad") if ending == ".hea" else text)


def other_format(folder):
    no_header(folder)
    (folder / "bad.dat").unlink()
    (folder / "bad.hea").mkdir()


CASES = {
    "cut-file": (cut, "truncated"),
    "missing-file": (no_signal, "bad.dat does not exist"),
    "damaged-file": (damaged, "checksum"),
    "unreadable-header": (unreadable_header, "this is no header"),
    "invalid-samples": (invalid, "invalid"),
    "flat-lead": (flat, "lead V3 keeps one value from start to end (0.25 mV)"),
    "wrong-leads": (wrong_leads, "V6"),
    "lead-identities": (swapped, "swapped"),
    "amplitude": (too_small, "amplitude too small"),
    "wrong-rate": (wrong_rate, "333 samples a second, expected 100"),
    "wrong-unit": (wrong_unit, "mmHg"),
    "too-short": (too_short, "resample"),
    "duplicate": (duplicate, "the same samples as record 'a-good'"),
}


def prepared_with(fault, tmp_path, **changes):
    """A folder made of a good record and one with a fault, and its manifest."""
    folder = tmp_path / "records"
    write_record(folder, "good", 0)
    write_record(folder, "bad", 1)
    fault(folder)
    sources = [
        RecordSource("a-good", str(folder / "good.hea"), "good.hea"),
        RecordSource("b-bad", str(folder / "bad.hea"), "bad.hea"),
    ]
    output = tmp_path / "prepared"
    return output, prepare(sources, settings_of(sampling_rates=(100.0,), **changes), Storage(output), progress=False)


@pytest.mark.parametrize("code", CASES)
def test_a_fault_has_its_code_and_the_other_record_goes_on(code, tmp_path):
    fault, words = CASES[code]
    changes = {}
    if code == "too-short":
        changes = {"segment_seconds": 5.0, "keep_flat_leads": True}
        words = "less than one segment"

        def fault(folder):
            write_samples(folder, "bad", good_samples(8, 3))

    output, manifest = prepared_with(fault, tmp_path, **changes)
    assert manifest["counts"]["prepared"] == 1
    assert manifest["counts"]["rejected_by_code"] == {code: 1}
    ((found, sentence),) = rejected_in(output).values()
    assert (found, list(rejected_in(output))) == (code, ["b-bad"])
    assert words in sentence
    assert str(tmp_path) not in sentence


@pytest.mark.parametrize(("fault", "code"), [(no_header, "missing-file"), (no_samples_known, "unreadable-header")])
def test_other_ways_to_lose_a_record(fault, code, tmp_path):
    _, manifest = prepared_with(fault, tmp_path)
    assert manifest["counts"]["rejected_by_code"] == {code: 1}


def test_a_missing_reader_is_told(tmp_path, monkeypatch):
    import ecgbyte.prepared.block as block

    def read(path, options, inner_id=None):
        raise ModuleNotFoundError("path: pip install 'ecgbyte[clinical]'")

    monkeypatch.setattr(block, "read_record_with", read)
    _, manifest = prepared_with(lambda folder: None, tmp_path)
    assert manifest["counts"]["rejected_by_code"] == {"missing-reader": 2}


def test_every_code_has_a_test_or_is_what_is_left():
    assert set(FAULTS) - set(CASES) == {"unreadable-file", "missing-reader"}


def test_all_faults_at_once_add_up(tmp_path):
    sources, codes = [], {}
    for number, (code, (fault, _)) in enumerate(CASES.items()):
        if code in ("duplicate", "too-short"):
            continue
        folder = tmp_path / "records" / code
        write_record(folder, "bad", number)
        fault(folder)
        sources.append(RecordSource(code, str(folder / "bad.hea"), f"{code}/bad.hea"))
        codes[code] = code
    for number in range(5):
        write_record(tmp_path / "records", f"g{number}", 100 + number)
    sources[3:3] = [source for source in sources_in(tmp_path / "records") if source.record_id.startswith("g")]
    output = tmp_path / "prepared"
    manifest = prepare(sources, settings_of(sampling_rates=(100.0,)), Storage(output), progress=False)
    counts = manifest["counts"]
    assert counts["records"] == len(sources) == counts["prepared"] + counts["rejected"]
    assert counts["prepared"] == counts["rows"] == 5
    assert {record: code for record, (code, _) in rejected_in(output).items()} == codes


def test_duplicates_in_other_shards_are_found_and_the_first_is_kept(tmp_path, tree):
    folder = tmp_path / "records"
    shutil.copytree(tree, folder)
    for ending in (".hea", ".dat"):
        content = (folder / f"r1{ending}").read_bytes().replace(b"r1", b"r9")
        (folder / f"r9{ending}").write_bytes(content)
    output = tmp_path / "prepared"
    manifest = prepare(sources_in(folder), settings_of(), Storage(output), progress=False)
    assert rejected_in(output) == {"r9": ("duplicate", "the same samples as record 'r1'")}
    assert len(list((output / "shards").iterdir())) == len(manifest["shards"]) == 3


def test_invalid_samples_are_accepted_up_to_a_share(tmp_path):
    reading = ReadingOptions(invalid="hold", fallback=True)
    output, manifest = prepared_with(invalid, tmp_path, reading=reading, largest_invalid_share=0.06)
    assert manifest["counts"]["rejected"] == 0
    from ecgbyte.prepared.folder import PreparedFolder

    mask = PreparedFolder(output).read("b-bad").invalid
    assert mask[9].sum() == 300 and mask.sum() == 300

    _, manifest = prepared_with(invalid, tmp_path / "strict", reading=reading, largest_invalid_share=0.04)
    assert manifest["counts"]["rejected_by_code"] == {"invalid-samples": 1}


def test_flat_leads_are_kept_where_that_is_asked(tmp_path):
    _, manifest = prepared_with(flat, tmp_path, keep_flat_leads=True)
    assert manifest["counts"]["rejected"] == 0
