"""A data set is an entry, or a class that a profile names: opened with what its constructor asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.profiles.data_sets import DATA_SETS, find_data_set, open_records
from experiments.profiles.input_settings import DataSettings
from experiments.profiles.profile import read_profile
from experiments.profiles.settings_reading import change_settings
from experiments.steps.study import Study
from experiments.steps.work_folder import WorkFolder

OWN, OTHER, MORE = (f"tests.experiments.own_sets:{name}" for name in ("OwnSet", "OtherSet", "NeedsMore"))


def test_a_class_says_what_an_entry_says(tmp_path: Path) -> None:
    own = find_data_set(OWN)
    assert own.arguments == ("sampling_rate", "seed", "num_patients") and own.is_made
    assert (own.ecg_qa_folder, own.source, own.sampling_rates) == ("ptbxl", "Data: sines.", ())
    records = open_records(own, None, sampling_rate=250, seed=1, num_patients=12)
    assert (len(records.entries), records.sampling_rate) == (12, 250.0)
    other = find_data_set(OTHER)
    assert other.arguments == ("root", "sampling_rate", "seed", "num_patients")
    with pytest.raises(ValueError, match=r"--root: the data set 'tests.*:OtherSet' is read from a folder"):
        open_records(other, None, sampling_rate=250, seed=1, num_patients=12)
    (tmp_path / "there.txt").write_text("yes")
    assert open_records(other, tmp_path, sampling_rate=250, seed=1, num_patients=12).name == "other"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "mimic",
            r"data\.dataset: got 'mimic', expected one of 'synthetic', 'ptb-xl', 'mimic-iv-ecg', or 'module:Class'",
        ),
        ("no_such_module:Set", "names no module that can be imported here"),
        ("tests.experiments.own_sets:Nothing", r"the module 'tests\.experiments\.own_sets' has no 'Nothing'"),
        (MORE, "needs the argument 'password'"),
        ("ecgbyte.signals.leads:LEADS", "is tuple, expected a class"),
        (":Set", "expected 'module:name'"),
    ],
)
def test_what_is_no_data_set_is_named(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DataSettings(name, num_patients=10)


def test_an_error_within_a_module_is_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_set.py").write_text("import a_module_that_is_missing\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="a_module_that_is_missing"):
        find_data_set("broken_set:Set")


def test_rates_of_a_class_are_checked_when_the_profile_is_read() -> None:
    with pytest.raises(ValueError, match=r"data\.sampling_rate: got 500, the records of .*OtherSet are at 100 or 250"):
        DataSettings(OTHER, num_patients=10)
    with pytest.raises(ValueError, match=r"transfer\.sampling_rate: got 500, the records of .*OtherSet"):
        change_settings(read_profile("smoke"), f"transfer.datasets=['{OTHER}'], transfer.methods=['merl']")


def test_records_at_another_rate_than_the_profile_says_are_refused(tmp_path: Path) -> None:
    profile = change_settings(read_profile("smoke"), "data.dataset=tests.experiments.own_sets:AtOneRate")
    with pytest.raises(ValueError, match=r"sampling_rate: got 250, the records of .* are at 100 samples a second"):
        Study(profile, WorkFolder(tmp_path), {}).segments_task  # noqa: B018
    as_it_is = change_settings(profile, "data.sampling_rate=100")
    assert Study(as_it_is, WorkFolder(tmp_path), {}).records.sampling_rate == 100


def test_entries_name_classes_that_are_there() -> None:
    for data_set in DATA_SETS.values():
        derived = find_data_set(data_set.place)
        assert set(data_set.arguments) <= set(derived.arguments), data_set.name
