"""Templates of generated questions: their kinds and their wordings.

The three kinds, verify, choose and query, follow ECG-QA's questions about one ECG (Oh et al. 2023, arXiv:2306.15681).
The wordings are this project's own; questions made from them are in ECG-QA's style, they are not ECG-QA.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
        ``{finding_type}``; ``{a_finding}``, ``{a_first}`` and ``{a_second}`` are the same with their article
        (`with_article`).
    other_wordings : mapping of str to tuple of str
        For types of finding of which one speaks in other words: the texts that stand in the place of `wordings`.
    """

    template_id: str
    question_type: str
    wordings: tuple[str, ...]
    other_wordings: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def wordings_about(self, finding_type: str) -> tuple[str, ...]:
        """The texts for a type of finding."""
        return self.other_wordings.get(finding_type, self.wordings)


def with_article(finding: str) -> str:
    """A finding as it stands after "shows": ``a normal axis``, ``an inferior myocardial infarction``.

    What cannot be counted, such as left axis deviation, has no article.
    """
    if not finding.endswith((" axis", " infarction")):
        return finding
    return f"{'an' if finding[0] in 'aeiou' else 'a'} {finding}"


def fill(wording: str, fields: Mapping[str, str]) -> str:
    """A wording with its fields filled, those with articles too; it begins with a capital letter."""
    articles = {f"a_{key}": with_article(fields[key]) for key in ("finding", "first", "second") if key in fields}
    text = wording.format(**fields, **articles)
    return text[0].upper() + text[1:]


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
    MappingProxyType(
        {
            "axis": (
                "Does this ECG show {a_finding}?",
                "Is there {a_finding} on this tracing?",
                "Would you report {a_finding} for this recording?",
                "Do the limb leads show {a_finding}?",
            ),
            "infarction": (
                "Is there ECG evidence of {a_finding}?",
                "Does this ECG show signs of {a_finding}?",
                "Would you report {a_finding} on the strength of this tracing?",
                "Does the recording suggest {a_finding}?",
            ),
        }
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
    MappingProxyType(
        {
            "infarction": (
                "Is there ECG evidence of any {finding_type}?",
                "Does this ECG show signs of a {finding_type}, wherever it lies?",
                "Does the recording suggest a {finding_type} of any wall?",
            ),
        }
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
    MappingProxyType(
        {
            "infarction": (
                "Does lead {lead} show signs of {a_finding}?",
                "Is there evidence of {a_finding} in lead {lead}?",
                "Looking at lead {lead} only, do you find signs of {a_finding}?",
            ),
        }
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
    MappingProxyType(
        {
            "axis": (
                "Which of the two does this ECG show: {a_first} or {a_second}?",
                "{first} or {second}: which describes the heart axis on this tracing?",
                "Which would you report for this recording, {a_first} or {a_second}?",
            ),
            "infarction": (
                "Which of the two is there ECG evidence of: {a_first} or {a_second}?",
                "{first} or {second}: which do you find signs of on this tracing?",
                "Which would you report on the strength of this recording, {a_first} or {a_second}?",
            ),
        }
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
    MappingProxyType(
        {
            "axis": (
                "What is the heart axis on this ECG?",
                "How would you describe the heart axis on this tracing?",
                "Which heart axis would you report for this recording?",
            ),
            "infarction": (
                "Which {finding_type} does this ECG show signs of?",
                "Name every {finding_type} that there is ECG evidence of.",
                "Which {finding_type} would you report on the strength of this tracing?",
            ),
        }
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
    MappingProxyType(
        {
            "infarction": (
                "Which leads show signs of {a_finding}?",
                "Name the leads with evidence of {a_finding}.",
                "Where on this tracing are there signs of {a_finding}? Give the leads.",
            ),
        }
    ),
)
QUERY_LEAD_FINDINGS = QuestionTemplate(
    "query-lead-findings",
    "single-query",
    (
        "Name every {finding_type} that can be seen in lead {lead}.",
        "Looking at lead {lead} only, which {finding_type} do you find?",
    ),
    MappingProxyType(
        {
            "infarction": (
                "Name every {finding_type} that lead {lead} shows signs of.",
                "Looking at lead {lead} only, which {finding_type} is there evidence of?",
            ),
        }
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
