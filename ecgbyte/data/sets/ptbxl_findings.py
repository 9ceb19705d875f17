"""From PTB-XL's metadata to findings: its SCP-ECG statements, heart axis, extra beats, pacemaker and noise columns.

Names are those of `ecgbyte.data.synthetic` where both mean the same, else PTB-XL's own descriptions, shortened.
Statements are taken as they were coded: a record coded as inferolateral infarction is not also coded as inferior.
Source: Wagner et al. 2020, doi:10.1038/s41597-020-0495-6, and the data set's ``scp_statements.csv``.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from types import MappingProxyType

from ecgbyte.data.catalogue import FINDING_TYPES, Finding
from ecgbyte.data.sets.ptbxl_leads import parse_noise_leads

VENTRICULAR = "ventricular premature complex"
ATRIAL = "atrial premature complex"

STATEMENTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "NORM": ("normal", "normal ecg"),
        "SR": ("rhythm", "sinus rhythm"),
        "SBRAD": ("rhythm", "sinus bradycardia"),
        "STACH": ("rhythm", "sinus tachycardia"),
        "SARRH": ("rhythm", "sinus arrhythmia"),
        "AFIB": ("rhythm", "atrial fibrillation"),
        "AFLT": ("rhythm", "atrial flutter"),
        "SVARR": ("rhythm", "supraventricular arrhythmia"),
        "SVTAC": ("rhythm", "supraventricular tachycardia"),
        "PSVT": ("rhythm", "paroxysmal supraventricular tachycardia"),
        "PACE": ("rhythm", "artificial pacemaker"),
        "BIGU": ("rhythm", "bigeminal pattern"),
        "TRIGU": ("rhythm", "trigeminal pattern"),
        "PVC": ("ectopy", VENTRICULAR),
        "PAC": ("ectopy", ATRIAL),
        "CLBBB": ("conduction", "left bundle branch block"),
        "ILBBB": ("conduction", "incomplete left bundle branch block"),
        "CRBBB": ("conduction", "right bundle branch block"),
        "IRBBB": ("conduction", "incomplete right bundle branch block"),
        "LAFB": ("conduction", "left anterior fascicular block"),
        "LPFB": ("conduction", "left posterior fascicular block"),
        "IVCD": ("conduction", "non-specific intraventricular conduction disturbance"),
        "1AVB": ("conduction", "first degree av block"),
        "2AVB": ("conduction", "second degree av block"),
        "3AVB": ("conduction", "third degree av block"),
        "LPR": ("conduction", "prolonged pr interval"),
        "WPW": ("conduction", "wolff-parkinson-white syndrome"),
        "IMI": ("infarction", "inferior myocardial infarction"),
        "AMI": ("infarction", "anterior myocardial infarction"),
        "LMI": ("infarction", "lateral myocardial infarction"),
        "PMI": ("infarction", "posterior myocardial infarction"),
        "ASMI": ("infarction", "anteroseptal myocardial infarction"),
        "ALMI": ("infarction", "anterolateral myocardial infarction"),
        "ILMI": ("infarction", "inferolateral myocardial infarction"),
        "IPMI": ("infarction", "inferoposterior myocardial infarction"),
        "IPLMI": ("infarction", "inferoposterolateral myocardial infarction"),
        "LVH": ("hypertrophy", "left ventricular hypertrophy"),
        "RVH": ("hypertrophy", "right ventricular hypertrophy"),
        "SEHYP": ("hypertrophy", "septal hypertrophy"),
        "VCLVH": ("hypertrophy", "voltage criteria for left ventricular hypertrophy"),
        "LAO/LAE": ("hypertrophy", "left atrial enlargement"),
        "RAO/RAE": ("hypertrophy", "right atrial enlargement"),
        "NDT": ("st-t", "non-diagnostic t abnormalities"),
        "NST_": ("st-t", "non-specific st changes"),
        "STD_": ("st-t", "non-specific st depression"),
        "STE_": ("st-t", "non-specific st elevation"),
        "NT_": ("st-t", "non-specific t-wave changes"),
        "TAB_": ("st-t", "t-wave abnormality"),
        "INVT": ("st-t", "inverted t-waves"),
        "LOWT": ("st-t", "low amplitude t-waves"),
        "DIG": ("st-t", "digitalis effect"),
        "LNGQT": ("st-t", "long qt interval"),
        "ANEUR": ("st-t", "st-t changes compatible with ventricular aneurysm"),
        "EL": ("st-t", "electrolyte or drug effect"),
        "ISC_": ("st-t", "non-specific ischemic changes"),
        "ISCAN": ("st-t", "ischemic changes in anterior leads"),
        "ISCAS": ("st-t", "ischemic changes in anteroseptal leads"),
        "ISCAL": ("st-t", "ischemic changes in anterolateral leads"),
        "ISCLA": ("st-t", "ischemic changes in lateral leads"),
        "ISCIN": ("st-t", "ischemic changes in inferior leads"),
        "ISCIL": ("st-t", "ischemic changes in inferolateral leads"),
        "INJAS": ("st-t", "subendocardial injury in anteroseptal leads"),
        "INJAL": ("st-t", "subendocardial injury in anterolateral leads"),
        "INJLA": ("st-t", "subendocardial injury in lateral leads"),
        "INJIN": ("st-t", "subendocardial injury in inferior leads"),
        "INJIL": ("st-t", "subendocardial injury in inferolateral leads"),
    }
)
# The form of the QRS complex has no type among FINDING_TYPES; for premature complexes of unknown origin see _ectopy.
STATEMENTS_WITHOUT_FINDING = ("ABQRS", "QWAVE", "LVOLT", "HVOLT", "PRC(S)")

# The codes were checked against the frontal axis measured in leads I and aVF of up to 300 records each, in degrees,
# median and middle half: MID 37 (7 to 63), LAD -35 (-53 to -18), ALAD -60 (-71 to -47), AXL -47 (-59 to -36),
# RAD 113 (103 to 130), ARAD around 180, AXR 84 (71 to 101: half of them normal by the usual limit of 90, so uncertain).
# With SAG (3 records, no frontal direction) or an empty column the axis counts as not assessed.
HEART_AXES: Mapping[str, tuple[str, bool]] = MappingProxyType(
    {
        "MID": ("normal axis", True),
        "LAD": ("left axis deviation", True),
        "ALAD": ("left axis deviation", True),
        "AXL": ("left axis deviation", True),
        "RAD": ("right axis deviation", True),
        "AXR": ("right axis deviation", False),
        "ARAD": ("extreme axis deviation", True),
    }
)
HEART_AXES_WITHOUT_FINDING = ("", "SAG")
NOISE_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "baseline_drift": "baseline drift",
        "static_noise": "static noise",
        "burst_noise": "burst noise",
        "electrodes_problems": "electrodes problems",
    }
)
COLUMNS = ("scp_codes", "heart_axis", "extra_beats", "pacemaker", *NOISE_COLUMNS)
CERTAIN_FROM = 50.0
_DECIDE_NORMAL = frozenset({"normal", "conduction", "st-t", "infarction", "hypertrophy"})


def read_findings(
    row: Mapping[str, str], without_likelihood: frozenset[str]
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """The findings of one row of ``ptbxl_database.csv``, and the types of finding that were assessed.

    - A statement with a likelihood of at least 50 is certain, with less it is uncertain. A likelihood of 0 says that
      none was given: for statements of form and rhythm, which have none, the finding is certain; for purely diagnostic
      ones it is uncertain.
    - The extra_beats column was filled independently of the statements. Ventricular beats (VES) count as found. For
      supraventricular ones (SVES) the atrial origin is uncertain. Beats of unknown origin, premature complexes without
      origin, bigeminal and trigeminal patterns make both kinds uncertain unless a statement names one.
    - Rhythm is assessed where a statement of rhythm is given (every ECG has one), the axis where it is filled in and
      means a frontal direction. "Normal" is assessed where NORM or a statement that denies it is given: one of
      conduction, ST-T, infarction or hypertrophy, likely or not. Without any, nobody said that the ECG is not normal
      (397 of 21,799 records). All else is always assessed.

    Parameters
    ----------
    row : mapping of str to str
        The columns by name.
    without_likelihood : frozenset of str
        The statements of form or rhythm, for which a likelihood of 0 is no doubt.

    Returns
    -------
    findings : tuple of Finding
        Sorted.
    assessed : tuple of str
        In the order of `FINDING_TYPES`.

    Raises
    ------
    ValueError
        If scp_codes is no mapping of statements to likelihoods, or a code or axis is not known.
    """
    codes = _read_codes(row["scp_codes"])
    findings: set[Finding] = set()
    for code, likelihood in codes.items():
        if code in STATEMENTS:
            finding_type, name = STATEMENTS[code]
            certain = likelihood >= CERTAIN_FROM or (likelihood == 0 and code in without_likelihood)
            findings.add(Finding(finding_type, name, (), certain))
        elif code not in STATEMENTS_WITHOUT_FINDING:
            raise ValueError(f"scp_codes: {code!r} is no statement of PTB-XL")
    findings |= _ectopy(codes, row["extra_beats"])
    findings |= _pacemaker(codes, row["pacemaker"])
    axis = row["heart_axis"].strip()
    if axis in HEART_AXES:
        name, certain = HEART_AXES[axis]
        findings.add(Finding("axis", name, (), certain))
    elif axis not in HEART_AXES_WITHOUT_FINDING:
        raise ValueError(f"heart_axis: {axis!r} is not known, expected one of {', '.join(HEART_AXES)}, SAG or nothing")
    findings |= _noise(row)
    missing = {"axis"} if axis not in HEART_AXES else set()
    stated = {STATEMENTS[code][0] for code in codes if code in STATEMENTS}
    if "rhythm" not in stated:
        missing.add("rhythm")
    if not stated & _DECIDE_NORMAL:
        missing.add("normal")
    return tuple(sorted(findings)), tuple(kind for kind in FINDING_TYPES if kind not in missing)


def _read_codes(text: str) -> dict[str, float]:
    try:
        codes = ast.literal_eval(text)
    except (ValueError, SyntaxError) as error:
        raise ValueError(f"scp_codes: {text!r} is no mapping of statements to likelihoods") from error
    if not isinstance(codes, dict) or not all(
        isinstance(code, str) and isinstance(value, (int, float)) and 0 <= value <= 100 for code, value in codes.items()
    ):
        raise ValueError(f"scp_codes: {text!r} is no mapping of statements to likelihoods from 0 to 100")
    return {code: float(value) for code, value in codes.items()}


def _ectopy(codes: Mapping[str, float], text: str) -> set[Finding]:
    beats = text.strip().upper()
    findings = set()
    if "VES" in beats.replace("SVES", "") and "PVC" not in codes:
        findings.add(Finding("ectopy", VENTRICULAR))
    if "SVES" in beats and "PAC" not in codes:
        findings.add(Finding("ectopy", ATRIAL, (), False))
    origin_unknown = (beats and "VES" not in beats) or bool({"PRC(S)", "BIGU", "TRIGU"} & set(codes))
    if origin_unknown and not {"PVC", "PAC"} & set(codes) and "VES" not in beats:
        findings |= {Finding("ectopy", VENTRICULAR, (), False), Finding("ectopy", ATRIAL, (), False)}
    return findings


def _pacemaker(codes: Mapping[str, float], text: str) -> set[Finding]:
    # "ja, pacemaker" (yes), or a guess such as "PACE????, nan".
    if not text.strip() or "PACE" in codes:
        return set()
    return {Finding("rhythm", "artificial pacemaker", (), "?" not in text)}


def _noise(row: Mapping[str, str]) -> set[Finding]:
    findings = set()
    for column, name in NOISE_COLUMNS.items():
        text = row[column]
        if text.strip(" ,"):
            findings.add(Finding("noise", name, parse_noise_leads(text) or (), "?" not in text))
    return findings
