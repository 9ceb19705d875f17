"""Templates of generated questions: their kinds and their wordings.

The three kinds, verify, choose and query, follow ECG-QA's questions about one ECG (Oh et al. 2023, arXiv:2306.15681).
The wordings are this project's own; questions made from them are in ECG-QA's style, they are not ECG-QA.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

NONE_ANSWER = "none"


@dataclass(frozen=True)
class QuestionTemplate:
    """One kind of question and the ways to word it.

    Attributes
    ----------
    template_id : str
        Its name, such as ``"verify-finding"``.
    question_type : str
        ``"single-verify"``, ``"single-choose"`` or ``"single-query"``.
    wordings : tuple of str
        Texts with the fields that the template fills: ``{finding}``, ``{lead}``, ``{first}``, ``{second}``,
        ``{finding_type}``.
    """

    template_id: str
    question_type: str
    wordings: tuple[str, ...]


# What a type of finding is called within a question.
TYPE_PHRASES: Mapping[str, str] = MappingProxyType(
    {
        "rhythm": "cardiac rhythm",
        "conduction": "conduction disturbance",
        "ectopy": "ectopic beat",
        "st-t": "ST-T change",
        "infarction": "myocardial infarction",
        "hypertrophy": "sign of chamber enlargement",
        "axis": "heart axis",
        "noise": "recording artefact",
    }
)

VERIFY_NORMAL = QuestionTemplate(
    "verify-normal",
    "single-verify",
    (
        "Would you call this tracing normal?",
        "Is this recording that of a normal heart?",
        "Can this ECG be reported as normal?",
        "Is everything within normal limits on this tracing?",
    ),
)
VERIFY_FINDING = QuestionTemplate(
    "verify-finding",
    "single-verify",
    (
        "Can {finding} be seen in this recording?",
        "Does the tracing contain {finding}?",
        "Would you report {finding} for this ECG?",
        "Do you find {finding} here?",
    ),
)
VERIFY_ANY = QuestionTemplate(
    "verify-any",
    "single-verify",
    (
        "Can at least one {finding_type} be seen in this recording?",
        "Does the tracing contain some kind of {finding_type}?",
        "Would you report any {finding_type} for this ECG?",
    ),
)
VERIFY_LEAD = QuestionTemplate(
    "verify-lead",
    "single-verify",
    (
        "Can {finding} be seen in lead {lead}?",
        "Is lead {lead} affected by {finding}?",
        "Looking at lead {lead} only, do you find {finding}?",
    ),
)
CHOOSE_FINDING = QuestionTemplate(
    "choose-finding",
    "single-choose",
    (
        "Which of the two can be seen in this recording: {first} or {second}?",
        "{first} or {second}: which applies to this tracing?",
        "Would you report {first} or {second} for this ECG?",
    ),
)
QUERY_FINDINGS = QuestionTemplate(
    "query-findings",
    "single-query",
    (
        "Name every {finding_type} that can be seen in this recording.",
        "Which {finding_type} would you report for this ECG?",
        "List each {finding_type} on this tracing.",
    ),
)
QUERY_LEADS = QuestionTemplate(
    "query-leads",
    "single-query",
    (
        "In which leads can {finding} be seen?",
        "Name the leads affected by {finding}.",
        "Where on this tracing do you find {finding}? Give the leads.",
    ),
)
QUERY_LEAD_FINDINGS = QuestionTemplate(
    "query-lead-findings",
    "single-query",
    (
        "Name every {finding_type} that can be seen in lead {lead}.",
        "Looking at lead {lead} only, which {finding_type} do you find?",
    ),
)
TEMPLATES = (
    VERIFY_NORMAL,
    VERIFY_FINDING,
    VERIFY_ANY,
    VERIFY_LEAD,
    CHOOSE_FINDING,
    QUERY_FINDINGS,
    QUERY_LEADS,
    QUERY_LEAD_FINDINGS,
)
# Every ECG has a rhythm and an axis, so asking whether there is any would ask nothing.
TYPES_WITHOUT_ANY = ("normal", "rhythm", "axis")

# Where one of the names on the right is found and the name on the left is not, both answers to a question about the
# left name could be defended. Such a record is not asked it.
OVERLAPPING_FINDINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "left bundle branch block": ("incomplete left bundle branch block",),
        "right bundle branch block": ("incomplete right bundle branch block",),
        "first degree av block": ("prolonged pr interval",),
        "left ventricular hypertrophy": ("voltage criteria for left ventricular hypertrophy",),
        "right axis deviation": ("extreme axis deviation",),
        "anterior myocardial infarction": (
            "anteroseptal myocardial infarction",
            "anterolateral myocardial infarction",
        ),
        "inferior myocardial infarction": (
            "inferolateral myocardial infarction",
            "inferoposterior myocardial infarction",
            "inferoposterolateral myocardial infarction",
        ),
        "lateral myocardial infarction": (
            "anterolateral myocardial infarction",
            "inferolateral myocardial infarction",
            "inferoposterolateral myocardial infarction",
        ),
        "posterior myocardial infarction": (
            "inferoposterior myocardial infarction",
            "inferoposterolateral myocardial infarction",
        ),
        "inferolateral myocardial infarction": ("inferoposterolateral myocardial infarction",),
        "inferoposterior myocardial infarction": ("inferoposterolateral myocardial infarction",),
        "supraventricular tachycardia": ("paroxysmal supraventricular tachycardia",),
        "ischemic changes in anterior leads": (
            "ischemic changes in anteroseptal leads",
            "ischemic changes in anterolateral leads",
        ),
        "ischemic changes in inferior leads": ("ischemic changes in inferolateral leads",),
        "ischemic changes in lateral leads": (
            "ischemic changes in anterolateral leads",
            "ischemic changes in inferolateral leads",
        ),
        "non-specific ischemic changes": (
            "ischemic changes in anterior leads",
            "ischemic changes in anterolateral leads",
            "ischemic changes in anteroseptal leads",
            "ischemic changes in inferior leads",
            "ischemic changes in inferolateral leads",
            "ischemic changes in lateral leads",
        ),
        "subendocardial injury in inferior leads": ("subendocardial injury in inferolateral leads",),
        "subendocardial injury in lateral leads": (
            "subendocardial injury in anterolateral leads",
            "subendocardial injury in inferolateral leads",
        ),
        "non-specific st changes": ("non-specific st depression", "non-specific st elevation"),
        "t-wave abnormality": (
            "non-diagnostic t abnormalities",
            "non-specific t-wave changes",
            "inverted t-waves",
            "low amplitude t-waves",
        ),
        "non-specific t-wave changes": (
            "non-diagnostic t abnormalities",
            "t-wave abnormality",
            "inverted t-waves",
            "low amplitude t-waves",
        ),
        "non-diagnostic t abnormalities": (
            "non-specific t-wave changes",
            "t-wave abnormality",
            "inverted t-waves",
            "low amplitude t-waves",
        ),
    }
)
