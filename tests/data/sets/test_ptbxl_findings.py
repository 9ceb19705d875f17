"""From PTB-XL's columns to findings: likelihoods, beats, axis, and the technicians' lead texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgbyte.data.catalogue import FINDING_TYPES
from ecgbyte.data.questions.templates import OVERLAPPING_FINDINGS
from ecgbyte.data.sets.ptbxl_findings import COLUMNS, HEART_AXES, STATEMENTS, read_findings
from ecgbyte.data.sets.ptbxl_leads import parse_noise_leads
from ecgbyte.signals.leads import LEADS

FORM_OR_RHYTHM = frozenset({"NST_", "SR", "BIGU", "PVC", "PACE"})
LIMB = LEADS[:6]


def found(**columns: str) -> dict[str, bool]:
    row = dict.fromkeys(COLUMNS, "") | {"scp_codes": "{}"} | columns
    return {finding.name: finding.certain for finding in read_findings(row, FORM_OR_RHYTHM)[0]}


def assessed(**columns: str) -> tuple[str, ...]:
    row = dict.fromkeys(COLUMNS, "") | {"scp_codes": "{}"} | columns
    return read_findings(row, FORM_OR_RHYTHM)[1]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ("{'IMI': 100.0}", {"inferior myocardial infarction": True}),
        ("{'IMI': 50.0}", {"inferior myocardial infarction": True}),
        ("{'IMI': 35.0}", {"inferior myocardial infarction": False}),
        ("{'IMI': 0.0}", {"inferior myocardial infarction": False}),
        ("{'NST_': 0.0}", {"non-specific st changes": True}),
        ("{'NST_': 15.0}", {"non-specific st changes": False}),
        ("{'SR': 0.0}", {"sinus rhythm": True}),
        ("{'ABQRS': 0.0, 'QWAVE': 0.0, 'LVOLT': 0.0, 'HVOLT': 0.0}", {}),
    ],
)
def test_likelihoods(codes: str, expected: dict[str, bool]) -> None:
    assert found(scp_codes=codes) == expected


VENTRICULAR, ATRIAL = "ventricular premature complex", "atrial premature complex"


@pytest.mark.parametrize(
    ("codes", "beats", "expected"),
    [
        ("{}", "VES", {VENTRICULAR: True}),
        ("{}", "VES,SVES1,alles", {VENTRICULAR: True, ATRIAL: False}),
        ("{}", "SVES", {ATRIAL: False}),
        ("{'PVC': 100.0}", "3ES,SVES", {VENTRICULAR: True, ATRIAL: False}),
        ("{}", "2ES", {VENTRICULAR: False, ATRIAL: False}),
        ("{}", "1,V1", {VENTRICULAR: False, ATRIAL: False}),
        ("{'PVC': 0.0}", "2ES", {VENTRICULAR: True}),
        ("{'PRC(S)': 0.0}", "", {VENTRICULAR: False, ATRIAL: False}),
        ("{'BIGU': 0.0}", "", {"bigeminal pattern": True, VENTRICULAR: False, ATRIAL: False}),
        ("{'BIGU': 0.0}", "VES", {"bigeminal pattern": True, VENTRICULAR: True}),
        ("{'PVC': 100.0}", "VES", {VENTRICULAR: True}),
        ("{}", " ", {}),
    ],
)
def test_extra_beats(codes: str, beats: str, expected: dict[str, bool]) -> None:
    assert found(scp_codes=codes, extra_beats=beats) == expected


def test_pacemaker() -> None:
    assert found(pacemaker="ja, pacemaker") == {"artificial pacemaker": True}
    assert found(pacemaker="PACE????, nan") == {"artificial pacemaker": False}
    assert found(pacemaker="?, nan", scp_codes="{'PACE': 0.0}") == {"artificial pacemaker": True}


def test_axis_is_assessed_only_where_it_is_filled_in() -> None:
    assert found(heart_axis="ALAD") == {"left axis deviation": True}
    assert found(heart_axis="AXR") == {"right axis deviation": False}
    assert all("axis" in assessed(heart_axis=axis) for axis in HEART_AXES)
    for axis in ("", "SAG"):
        assert found(heart_axis=axis) == {}
        assert "axis" not in assessed(heart_axis=axis)


def test_rhythm_is_assessed_only_where_one_is_stated() -> None:
    assert assessed(scp_codes="{'NORM': 100.0}", heart_axis="MID") == tuple(t for t in FINDING_TYPES if t != "rhythm")
    assert assessed(scp_codes="{'NORM': 100.0, 'SR': 0.0}", heart_axis="MID") == FINDING_TYPES


@pytest.mark.parametrize("code", ["NORM", "1AVB", "NST_", "IMI", "LVH"])
@pytest.mark.parametrize("likelihood", [0.0, 15.0, 100.0])
def test_normal_is_assessed_where_a_statement_says_so_or_denies_it(code: str, likelihood: float) -> None:
    assert "normal" in assessed(scp_codes=str({code: likelihood}))


@pytest.mark.parametrize("code", ["SR", "AFIB", "PACE", "PVC", "ABQRS", "LVOLT", "PRC(S)"])
def test_the_absence_of_a_code_does_not_make_an_ecg_abnormal(code: str) -> None:
    without_normal = tuple(kind for kind in FINDING_TYPES if kind != "normal")
    assert assessed(scp_codes=str({code: 0.0, "SR": 0.0}), heart_axis="MID") == without_normal
    assert "normal" not in assessed(scp_codes="{}")


def test_noise_without_a_lead_is_a_finding_without_leads() -> None:
    row = dict.fromkeys(COLUMNS, "") | {"scp_codes": "{}", "static_noise": " , leicht,  ", "burst_noise": " "}
    (finding,) = read_findings(row | {"baseline_drift": " ,  "}, FORM_OR_RHYTHM)[0]
    assert (finding.name, finding.leads, finding.certain) == ("static noise", (), True)
    assert found(electrodes_problems="aVL???") == {"electrodes problems": False}


@pytest.mark.parametrize(
    ("text", "leads"),
    [
        (" , I-V1,  ", (*LIMB, "V1")),
        ("V6", ("V6",)),
        ("v5,6", ("V5", "V6")),
        (" , V1,2,3,4,5,6", LEADS[6:]),
        ("v4-6,  ", ("V4", "V5", "V6")),
        (" , I - AVF,V3", (*LIMB, "V3")),
        (" , I --AVL,  ", ("I", "II", "III", "aVR", "aVL")),
        (" , II,III.AVF,V3", ("II", "III", "aVF", "V3")),
        (" , V5;V6", ("V5", "V6")),
        ("v3, v1-6", LEADS[6:]),
        (" , alles,  ", LEADS),
        ("alle Abl.,  ", LEADS),
        (" , alles, noisy recording,", LEADS),
        (" , V5 stark!", ("V5",)),
        ("V1???", ("V1",)),
        (" , V 4", ("V4",)),
        (" , mittel I,  ", ("I",)),
        (" , avl-iii, Stark,  ", ("III", "aVR", "aVL")),
        (" , mittel,  ", None),
        (" , 2,  ", None),
        (" , V7", None),
        (" , V1,V2,V&,  ", None),
        (" , V1V6", None),
        ("I-ALF", None),
        ("Elektroden vertauscht???", None),
        ("napf,  ", None),
        ("", None),
    ],
)
def test_lead_texts(text: str, leads: tuple[str, ...] | None) -> None:
    assert parse_noise_leads(text) == leads


@given(text=st.text(alphabet="IiVvAaRrLlFf0123456 ,-;.?!&es", max_size=20) | st.text(max_size=10))
def test_no_lead_text_raises(text: str) -> None:
    leads = parse_noise_leads(text)
    assert leads is None or (leads and list(leads) == [lead for lead in LEADS if lead in leads])


def test_the_tables_of_names_agree() -> None:
    names = {name for _, name in STATEMENTS.values()} | {name for name, _ in HEART_AXES.values()}
    assert len({name for _, name in STATEMENTS.values()}) == len(STATEMENTS)
    assert {finding_type for finding_type, _ in STATEMENTS.values()} <= set(FINDING_TYPES)
    assert set(OVERLAPPING_FINDINGS) <= names
    assert {name for others in OVERLAPPING_FINDINGS.values() for name in others} <= names
