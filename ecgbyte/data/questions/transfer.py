"""What two data sets have in common, so that a model trained on one can fairly be asked about the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from ecgbyte.data.catalogue import FINDING_TYPES, RecordEntry
from ecgbyte.data.questions.question import SINGLE_QUESTION_TYPES, Question
from ecgbyte.data.questions.templates import NONE_ANSWER
from ecgbyte.signals.leads import LEADS

_VERIFY_ANSWERS = frozenset({"yes", "no", "not sure"})


def shared_attributes(
    first: Sequence[RecordEntry], second: Sequence[RecordEntry], *, minimum_count: int = 5
) -> dict[str, tuple[str, ...]]:
    """The findings by type that both sets of records show, and could have been found not to show.

    A finding counts where at least `minimum_count` records have it for certain and as many were assessed and are
    without it. Names are compared as they are: the data sets of this project name the same finding alike.

    Parameters
    ----------
    first, second : sequence of RecordEntry
        Records of two data sets.
    minimum_count : int
        The fewest records of either kind, in each of the two.

    Returns
    -------
    dict of str to tuple of str
        For each type of finding in the order of `FINDING_TYPES` the names, sorted; types without any are left out.

    Raises
    ------
    ValueError
        If `minimum_count` is not positive.
    """
    if minimum_count < 1:
        raise ValueError(f"minimum_count: got {minimum_count}, expected at least 1")
    both = _decidable(first, minimum_count) & _decidable(second, minimum_count)
    names = {kind: tuple(sorted(name for of_kind, name in both if of_kind == kind)) for kind in FINDING_TYPES}
    return {kind: found for kind, found in names.items() if found}


def _decidable(entries: Sequence[RecordEntry], minimum_count: int) -> set[tuple[str, str]]:
    present: Counter[tuple[str, str]] = Counter()
    doubtful: Counter[tuple[str, str]] = Counter()
    assessed: Counter[str] = Counter()
    for entry in entries:
        assessed.update(entry.assessed)
        certain = {(finding.finding_type, finding.name) for finding in entry.findings if finding.certain}
        mentioned = {(finding.finding_type, finding.name) for finding in entry.findings}
        present.update(certain)
        doubtful.update(pair for pair in mentioned - certain if pair[0] in entry.assessed)
    return {
        pair
        for pair, count in present.items()
        if count >= minimum_count and assessed[pair[0]] - count - doubtful[pair] >= minimum_count
    }


def restrict_questions(questions: Sequence[Question], attributes: Mapping[str, Collection[str]]) -> list[Question]:
    """The generated questions about one ECG that name, and are answered by, nothing but shared findings.

    Parameters
    ----------
    questions : sequence of Question
        Generated ones; their ``attribute_type`` is a type of finding.
    attributes : mapping of str to collection of str
        From `shared_attributes`.

    Returns
    -------
    list of Question
        In their order. A lead that a question or an answer names is no finding, and no reason to leave it out. A
        question whether there is any finding of a type names none, so a finding of one data set alone could be the
        reason for its yes: it is left out.

    Raises
    ------
    ValueError
        If a question was not generated.
    """
    kept = []
    for question in questions:
        if question.source != "generated" or question.question_type not in SINGLE_QUESTION_TYPES:
            raise ValueError(
                f"questions: {question.sample_id} is a {question.question_type} question of source "
                f"{question.source!r}, expected generated questions about one ECG"
            )
        allowed = {*attributes.get(question.attribute_type, ()), *_VERIFY_ANSWERS, NONE_ANSWER, *LEADS}
        named = (*question.attributes, *question.answer)
        unnamed = question.question_type == "single-verify" and not question.attributes
        if question.attribute_type in attributes and not unnamed and all(name in allowed for name in named):
            kept.append(question)
    return kept
