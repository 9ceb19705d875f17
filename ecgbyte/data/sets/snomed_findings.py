"""SNOMED CT codes of the PhysioNet challenges 2020 and 2021 as findings, by the names that PTB-XL's findings have.

The codes are those of ``dx_mapping_scored.csv`` and ``dx_mapping_unscored.csv`` of the challenge of 2021 (Reyna et al.,
doi:10.22489/CinC.2021.236); codes that it scores as the same diagnosis are the same finding. Names that PTB-XL has are
used wherever both mean the same, so that one question can be asked of records of both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from ecgbyte.data.catalogue import FINDING_TYPES, Finding
from ecgbyte.data.sets.ptbxl_findings import ATRIAL, VENTRICULAR

SNOMED_FINDINGS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "426783006": ("rhythm", "sinus rhythm"),
        "426177001": ("rhythm", "sinus bradycardia"),
        "427084000": ("rhythm", "sinus tachycardia"),
        "427393009": ("rhythm", "sinus arrhythmia"),
        "164889003": ("rhythm", "atrial fibrillation"),
        "282825002": ("rhythm", "atrial fibrillation"),
        "426749004": ("rhythm", "atrial fibrillation"),
        "314208002": ("rhythm", "atrial fibrillation"),
        "164890007": ("rhythm", "atrial flutter"),
        "195080001": ("rhythm", "atrial fibrillation and flutter"),
        "713422000": ("rhythm", "atrial tachycardia"),
        "426761007": ("rhythm", "supraventricular tachycardia"),
        "67198005": ("rhythm", "paroxysmal supraventricular tachycardia"),
        "251166008": ("rhythm", "atrioventricular nodal reentrant tachycardia"),
        "233897008": ("rhythm", "atrioventricular reentrant tachycardia"),
        "10370003": ("rhythm", "artificial pacemaker"),
        "251268003": ("rhythm", "artificial pacemaker"),
        "251266004": ("rhythm", "artificial pacemaker"),
        "426627000": ("rhythm", "bradycardia"),
        "233892002": ("rhythm", "accelerated atrial escape rhythm"),
        "106068003": ("rhythm", "atrial rhythm"),
        "195101003": ("rhythm", "wandering atrial pacemaker"),
        "17366009": ("rhythm", "wandering atrial pacemaker"),
        "29320008": ("rhythm", "junctional rhythm"),
        "426664006": ("rhythm", "accelerated junctional rhythm"),
        "426648003": ("rhythm", "junctional tachycardia"),
        "426995002": ("rhythm", "junctional escape"),
        "61277005": ("rhythm", "accelerated idioventricular rhythm"),
        "49260003": ("rhythm", "idioventricular rhythm"),
        "81898007": ("rhythm", "ventricular escape rhythm"),
        "164895002": ("rhythm", "ventricular tachycardia"),
        "425856008": ("rhythm", "ventricular tachycardia"),
        "164896001": ("rhythm", "ventricular fibrillation"),
        "111288001": ("rhythm", "ventricular flutter"),
        "74615001": ("rhythm", "brady-tachy syndrome"),
        "5609005": ("rhythm", "sinus arrest"),
        "284470004": ("ectopy", ATRIAL),
        "63593006": ("ectopy", ATRIAL),
        "251170000": ("ectopy", ATRIAL),
        "251173003": ("ectopy", ATRIAL),
        "427172004": ("ectopy", VENTRICULAR),
        "17338001": ("ectopy", VENTRICULAR),
        "164884008": ("ectopy", VENTRICULAR),
        "251182009": ("ectopy", VENTRICULAR),
        "11157007": ("ectopy", VENTRICULAR),
        "251180001": ("ectopy", VENTRICULAR),
        "251164006": ("ectopy", "junctional premature complex"),
        "164909002": ("conduction", "left bundle branch block"),
        "733534002": ("conduction", "left bundle branch block"),
        "251120003": ("conduction", "incomplete left bundle branch block"),
        "59118001": ("conduction", "right bundle branch block"),
        "713427006": ("conduction", "right bundle branch block"),
        "713426002": ("conduction", "incomplete right bundle branch block"),
        "6374002": ("conduction", "bundle branch block"),
        "445118002": ("conduction", "left anterior fascicular block"),
        "445211001": ("conduction", "left posterior fascicular block"),
        "698252002": ("conduction", "non-specific intraventricular conduction disturbance"),
        "82226007": ("conduction", "diffuse intraventricular block"),
        "270492004": ("conduction", "first degree av block"),
        "195042002": ("conduction", "second degree av block"),
        "54016002": ("conduction", "second degree av block"),
        "426183003": ("conduction", "second degree av block"),
        "27885002": ("conduction", "third degree av block"),
        "233917008": ("conduction", "av block"),
        "50799005": ("conduction", "atrioventricular dissociation"),
        "65778007": ("conduction", "sinoatrial block"),
        "164947007": ("conduction", "prolonged pr interval"),
        "49578007": ("conduction", "shortened pr interval"),
        "74390002": ("conduction", "wolff-parkinson-white syndrome"),
        "195060002": ("conduction", "ventricular pre-excitation"),
        "164934002": ("st-t", "t-wave abnormality"),
        "59931005": ("st-t", "inverted t-waves"),
        "428750005": ("st-t", "non-specific st-t abnormality"),
        "55930002": ("st-t", "non-specific st changes"),
        "164930006": ("st-t", "non-specific st changes"),
        "429622005": ("st-t", "non-specific st depression"),
        "164931005": ("st-t", "non-specific st elevation"),
        "704997005": ("st-t", "inferior st depression"),
        "111975006": ("st-t", "long qt interval"),
        "77867006": ("st-t", "short qt interval"),
        "164861001": ("st-t", "non-specific ischemic changes"),
        "413444003": ("st-t", "non-specific ischemic changes"),
        "413844008": ("st-t", "non-specific ischemic changes"),
        "426434006": ("st-t", "ischemic changes in anterior leads"),
        "425419005": ("st-t", "ischemic changes in inferior leads"),
        "425623009": ("st-t", "ischemic changes in lateral leads"),
        "428417006": ("st-t", "early repolarization"),
        "418818005": ("st-t", "brugada pattern"),
        "164937009": ("st-t", "u-wave abnormality"),
        "251259000": ("st-t", "high t-waves"),
        "164865005": ("infarction", "myocardial infarction"),
        "164867002": ("infarction", "myocardial infarction"),
        "57054005": ("infarction", "myocardial infarction"),
        "54329005": ("infarction", "anterior myocardial infarction"),
        "164873001": ("hypertrophy", "left ventricular hypertrophy"),
        "89792004": ("hypertrophy", "right ventricular hypertrophy"),
        "266249003": ("hypertrophy", "ventricular hypertrophy"),
        "55827005": ("hypertrophy", "voltage criteria for left ventricular hypertrophy"),
        "67741000119109": ("hypertrophy", "left atrial enlargement"),
        "446813000": ("hypertrophy", "left atrial enlargement"),
        "253352002": ("hypertrophy", "left atrial enlargement"),
        "446358003": ("hypertrophy", "right atrial enlargement"),
        "67751000119106": ("hypertrophy", "right atrial enlargement"),
        "253339007": ("hypertrophy", "right atrial enlargement"),
        "195126007": ("hypertrophy", "atrial hypertrophy"),
        "39732003": ("axis", "left axis deviation"),
        "47665007": ("axis", "right axis deviation"),
        "251200008": ("axis", "indeterminate axis"),
    }
)
# Forms of the QRS complex and of the P wave, escape and fusion beats, rotation, and diagnoses that no ECG shows: they
# have no type among FINDING_TYPES.
# fmt: off
CODES_WITHOUT_FINDING = frozenset((
    "251146004", "365413008", "164917005", "164951009", "164921003", "164942001", "13640000", "75532003",
    "251187003", "251198002", "251199005", "61721007", "251205003", "251223006", "164912004", "251139008",
    "60423000", "698247007", "53741008", "84114007", "368009", "266257000", "204384007", "370365005", "251168009",
))
# fmt: on


def findings_of_codes(
    codes: Iterable[str], assessed: Collection[str]
) -> tuple[tuple[Finding, ...], tuple[str, ...], tuple[str, ...]]:
    """The findings of the SNOMED codes of a record.

    Parameters
    ----------
    codes : iterable of str
    assessed : collection of str
        The types of findings of which the data set's annotators listed all. A rhythm is taken as assessed where one is
        stated.

    Returns
    -------
    findings : tuple of Finding
        Sorted, each once.
    assessed : tuple of str
        In the order of `FINDING_TYPES`.
    unknown : tuple of str
        Codes that are not among those of the challenge.

    Examples
    --------
    >>> findings_of_codes(["426783006", "59118001", "0"], ["conduction"])[1:]
    (('rhythm', 'conduction'), ('0',))
    """
    findings, unknown = set(), []
    for code in codes:
        if code in SNOMED_FINDINGS:
            findings.add(Finding(*SNOMED_FINDINGS[code]))
        elif code not in CODES_WITHOUT_FINDING:
            unknown.append(code)
    stated = {"rhythm"} & {finding.finding_type for finding in findings}
    known = {*assessed, *stated}
    return tuple(sorted(findings)), tuple(kind for kind in FINDING_TYPES if kind in known), tuple(unknown)
