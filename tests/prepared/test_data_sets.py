"""Records of data sets by name, in small folders of their published layouts."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from ecgbyte.cli import main
from ecgbyte.data.catalogue import Finding
from ecgbyte.data.questions.generation import generate_questions
from ecgbyte.prepared.data_sets import drawn_fold, find_description, header_comments, sources_of
from ecgbyte.prepared.folder import PreparedFolder
from tests.cli.cli_examples import write_record
from tests.data.sets import mimic_folder, test_ptbxl
from tests.prepared.prepared_examples import CHAIN, rejected_in

QUICK = ["--target-rate", "100", "--no-progress", "--no-estimate"]


def write_challenge_record(folder, name, seed, comments, rate=500):
    """A record in the form of the challenges: steps of 1 uV, what is known behind # in the header."""
    write_record(folder, name, seed, rate)
    header = folder / f"{name}.hea"
    header.write_text(header.read_text() + "".join(f"# {key}: {value}\n" for key, value in comments.items()))


def test_ptb_xl_with_its_removed_duplicates(tmp_path):
    rows = [
        {"ecg_id": "1", "age": "56.0", "sex": "1"},
        {"ecg_id": "137", "filename_lr": "records100/00000/00137_lr", "age": "", "sex": "0"},
        {"ecg_id": "138", "filename_lr": "records100/00000/00138_lr", "age": "nan", "sex": "0"},
    ]
    test_ptbxl.write_tables(tmp_path, *rows)
    test_ptbxl.write_record(tmp_path, "records100/00000/00001_lr")
    output = tmp_path / "prepared"
    assert main(["prepare", f"ptb-xl:{tmp_path}", "-o", str(output), *QUICK]) == 1
    assert {record: code for record, (code, _) in rejected_in(output).items()} == {
        "00137": "duplicate",
        "00138": "missing-file",
    }
    folder = PreparedFolder(output)
    row = folder.table(["record_id", "patient_id", "fold", "age", "sex", "report", "source"]).to_pylist()[0]
    assert row == {
        "record_id": "00001",
        "patient_id": "15709",
        "fold": 3,
        "age": 56.0,
        "sex": "female",
        "report": "sinusrhythmus, normales ekg",
        "source": "records100/00000/00001_lr.hea",
    }
    (entry,) = folder.entries
    assert Finding("rhythm", "sinus rhythm") in entry.findings and "normal" in entry.assessed
    assert "CC BY 4.0" in folder.source and folder.manifest["data_set"]["title"] == "PTB-XL"


def test_mimic_iv_ecg(tmp_path):
    root = mimic_folder.write_tables(tmp_path, ("10000032", "40689238"), ("10000033", "40689239"))
    mimic_folder.write_record(root, "10000032", "40689238")
    mimic_folder.write_record(root, "10000033", "40689239", nan_at=30)
    output = tmp_path / "prepared"
    assert main(["prepare", f"mimic-iv-ecg:{root}", "-o", str(output), *QUICK]) == 1
    code, sentence = rejected_in(output)["40689239"]
    assert code == "invalid-samples" and "at sample 30" in sentence
    (entry,) = PreparedFolder(output).entries
    assert entry.report == "Sinus rhythm. Normal ECG." and entry.patient_id == "10000032"


def test_code_15(tmp_path):
    h5py = pytest.importorskip("h5py")
    rng = np.random.default_rng(0)
    waves = rng.normal(0, 0.2, (3, 4096, 8)).cumsum(axis=1) / 20
    one, two = waves[..., 0], waves[..., 1]
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    with h5py.File(tmp_path / "exams_part0.hdf5", "w") as file:
        tracings = np.concatenate([np.stack(limb, axis=-1), waves[..., 2:]], axis=-1)
        file["tracings"] = tracings.astype(np.float32)
        file["exam_id"] = np.array([7, 8, 9])
    columns = (
        "exam_id,age,is_male,nn_predicted_age,1dAVb,RBBB,LBBB,SB,ST,AF,patient_id,death,timey,normal_ecg,trace_file"
    )
    with (tmp_path / "exams.csv").open("w", newline="") as stream:
        stream.write(columns + "\n")
        for exam, male, block, normal in ((7, True, False, True), (8, False, True, False), (10, True, False, "")):
            row = [exam, 40, male, 41.0, False, block, False, False, False, block, 900 + exam, "", "", normal]
            csv.writer(stream).writerow([*row, "exams_part0.hdf5"])
    output = tmp_path / "prepared"
    assert main(["prepare", f"code-15:{tmp_path}", "-o", str(output), *QUICK]) == 1
    assert list(rejected_in(output)) == ["10"]
    normal, ill = PreparedFolder(output).entries
    assert normal.findings == (Finding("normal", "normal ecg"),) and normal.assessed == ("normal",)
    assert [finding.name for finding in ill.findings] == ["right bundle branch block", "atrial fibrillation"]
    assert (ill.patient_id, ill.fold) == ("908", drawn_fold("code-15", "908"))
    assert PreparedFolder(output).table(["sex"]).column(0).to_pylist() == ["male", "female"]


@pytest.mark.parametrize(
    ("data_set", "names"),
    [
        ("cpsc-2018", ["A0001", "A0002"]),
        ("georgia", ["E00001", "E00002"]),
        ("chapman-shaoxing-ningbo", ["JS00001", "JS00002"]),
        ("cinc-2020", ["A0001", "HR00001", "I0001"]),
        ("cinc-2021", ["A0001", "E00001", "HR00001", "JS00001"]),
    ],
)
def test_challenges(data_set, names, tmp_path):
    root = tmp_path / "training"
    for number, name in enumerate(names):
        about = {"Age": "74", "Sex": "Male", "Dx": "426783006,59118001"} if number == 0 else {"Age": "NaN", "Sex": "F"}
        write_challenge_record(root / f"g{number}", name, number, about)
    write_challenge_record(root, "X1", 99, {})
    sources = sources_of(find_description(data_set), root)
    assert [source.record_id for source in sources] == names
    first, second = sources[:2]
    assert (first.age, first.sex) == (74.0, "male") and (second.age, second.sex) == (None, "female")
    assert [finding.name for finding in first.findings] == ["right bundle branch block", "sinus rhythm"]
    assert "rhythm" in first.assessed and second.assessed == ()
    assert all(1 <= source.fold <= 10 for source in sources)
    output = tmp_path / "prepared"
    assert main(["prepare", f"{data_set}:{root}", "-o", str(output), *QUICK]) == 0


def test_questions_can_be_asked_of_challenge_records(tmp_path):
    root = tmp_path / "training"
    for number in range(40):
        code = "164889003" if number % 2 else "426783006"
        write_challenge_record(root, f"E{number:05d}", number, {"Dx": f"{code},59118001" if number % 3 else code})
    output = tmp_path / "prepared"
    assert main(["prepare", f"georgia:{root}", "-o", str(output), *QUICK]) == 0
    folder = PreparedFolder(output)
    questions = generate_questions(folder.entries, seed=0)
    asked = {(question.attribute_type, name) for question in questions for name in question.attributes}
    assert {("rhythm", "atrial fibrillation"), ("conduction", "right bundle branch block")} <= asked


def test_the_harness_takes_a_prepared_folder(tmp_path):
    from experiments.profiles.data_sets import find_data_set, open_records
    from experiments.profiles.input_settings import DataSettings
    from experiments.steps.segments import SEGMENTS_FILE, write_segments

    for number in range(12):
        write_challenge_record(tmp_path / "training", f"E{number:05d}", number, {"Dx": "426783006"})
    output = tmp_path / "prepared"
    assert main(["prepare", f"georgia:{tmp_path / 'training'}", "-o", str(output), *QUICK]) == 0
    data_set = find_data_set("ecgbyte.prepared.folder:PreparedFolder")
    records = open_records(data_set, output, sampling_rate=100, seed=0, num_patients=0)
    assert len(records.entries) == 12 and records.read("E00003").sampling_rate == records.sampling_rate == 100
    # Its segments are those of the shards: nothing is filtered a second time.
    settings = DataSettings("ecgbyte.prepared.folder:PreparedFolder", segment_seconds=2.0, segments_per_record=2)
    details = write_segments(tmp_path, records, records.entries, settings, CHAIN)
    assert details["records"] == 12 and details["rejected"] == 0
    stored = np.load(tmp_path / SEGMENTS_FILE)
    np.testing.assert_array_equal(stored[3, 1], records.read("E00003").signal[:, 200:400])


def test_a_wrong_rate_is_rejected(tmp_path):
    write_challenge_record(tmp_path / "training", "E00001", 0, {}, rate=250)
    write_challenge_record(tmp_path / "training", "E00002", 1, {})
    output = tmp_path / "prepared"
    assert main(["prepare", f"georgia:{tmp_path / 'training'}", "-o", str(output), *QUICK]) == 1
    assert rejected_in(output) == {"E00001": ("wrong-rate", "250 samples a second, expected 500")}


def test_what_is_wrong_with_a_source_is_named(tmp_path, capsys):
    for source, words in (
        ("ptbxl:data", "data_set: got 'ptbxl', expected one of"),
        (f"georgia:{tmp_path / 'no'}", "is no folder, expected that of Georgia"),
        (f"georgia:{tmp_path}", "names no record of this data set"),
        (str(tmp_path / "no"), "neither a folder nor a record"),
    ):
        assert main(["prepare", source, "-o", str(tmp_path / "out"), *QUICK]) == 2
        assert words in capsys.readouterr().err
    assert main(["prepare", str(tmp_path)]) == 2
    assert "--output: missing" in capsys.readouterr().err


def test_data_sets_are_listed(capsys):
    assert main(["prepare", "--list-data-sets"]) == 0
    told = capsys.readouterr().out
    assert "mimic-iv-ecg: MIMIC-IV-ECG, 800035 records at 500 Hz" in told and "doi:10.13026/4nqg-sb35" in told


def test_comments_in_any_spelling(tmp_path):
    (tmp_path / "a.hea").write_bytes(b"a 0\n#Age: 3\n# sex :M\n#no colon\n# Dx:1,2\n#Dx: 3\n\xff\n")
    assert header_comments(tmp_path / "a.hea") == {"age": "3", "sex": "M", "dx": "1,2"}


@pytest.mark.real_data
def test_real_records(real_data, tmp_path):
    output = tmp_path / "prepared"
    command = ["prepare", f"ptb-xl:{real_data / 'ptb-xl'}", "-o", str(output), "--limit", "300", *QUICK]
    main(command)
    counts = PreparedFolder(output).manifest["counts"]
    assert counts["records"] == 300 and counts["rejected"] == sum(counts["rejected_by_code"].values())
    assert counts["rejected_by_code"]["duplicate"] == 7
    assert set(counts["rejected_by_code"]) == {"duplicate"}
