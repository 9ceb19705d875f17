"""Generated questions: true of their records, balanced to the word, and the same from the same seed."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte.data.catalogue import FINDING_TYPES, Finding, RecordEntry
from ecgbyte.data.questions.generation import generate_questions, taught_answers
from ecgbyte.data.questions.question import SINGLE_QUESTION_TYPES, Question
from ecgbyte.data.questions.templates import OVERLAPPING_FINDINGS, TEMPLATES, TYPES_WITHOUT_ANY, fill
from ecgbyte.data.sets.ptbxl import PTBXL
from ecgbyte.data.splits import split_by_fold
from ecgbyte.signals.leads import LEADS

NAMES = {
    "normal": ("normal ecg",),
    "rhythm": ("sinus rhythm", "atrial fibrillation", "sinus bradycardia"),
    "conduction": ("left bundle branch block", "incomplete left bundle branch block", "first degree av block"),
    "noise": ("baseline drift", "static noise", "burst noise"),
}


def make_entries(count: int, seed: int) -> list[RecordEntry]:
    """Records with findings of all kinds: certain and not, with leads and without, assessed and not."""
    rng = np.random.default_rng(seed)
    entries = []
    for number in range(count):
        findings = set()
        for kind, names in NAMES.items():
            for name in names:
                if rng.random() < (0.5 if kind == "normal" else 0.3):
                    leads: tuple[str, ...] = ()
                    if kind == "noise" and rng.random() < 0.8:
                        leads = (LEADS[:6], LEADS[6:], ("II", "V2"))[rng.integers(3)]
                    findings.add(Finding(kind, name, leads, bool(rng.random() < 0.9)))
        assessed = tuple(kind for kind in NAMES if rng.random() < 0.9)
        entries.append(RecordEntry(f"r{number:04d}", f"p{number // 2}", 1, tuple(sorted(findings)), assessed, ""))
    return entries


ENTRIES = make_entries(300, seed=1)
BY_ID = {entry.record_id: entry for entry in ENTRIES}
QUESTIONS = generate_questions(ENTRIES, seed=3, split="train")


def state(entry: RecordEntry, kind: str, name: str) -> str:
    """What a reader of the entry alone would say of a finding."""
    mentions = [f for f in entry.findings if (f.finding_type, f.name) == (kind, name)]
    if any(f.certain for f in mentions):
        return "present"
    if mentions:
        return "uncertain"
    return "absent" if kind in entry.assessed else "unknown"


def lead_state(entry: RecordEntry, kind: str, name: str, lead: str) -> str:
    here = state(entry, kind, name)
    if here != "present":
        return here
    leads = next(f.leads for f in entry.findings if (f.finding_type, f.name) == (kind, name))
    return "unknown" if not leads else "present" if lead in leads else "absent"


def expected_answer(question: Question, entry: RecordEntry) -> set[tuple[str, ...]]:
    """The slow, plain way to the answer; empty where the question should not have been asked."""
    kind, attributes = question.attribute_type, question.attributes
    names = NAMES[kind]
    states = {name: state(entry, kind, name) for name in names}
    yes_no = {"present": {("yes",)}, "absent": {("no",)}}
    complete = kind in entry.assessed and "uncertain" not in states.values()
    for name in attributes[:2]:
        for other in OVERLAPPING_FINDINGS.get(name, ()):
            if states.get(other) == "present" and states[name] != "present":
                return set()
    if question.template_id in ("verify-finding", "verify-normal"):
        return yes_no.get(states[attributes[0]], set())
    if question.template_id == "verify-lead":
        return yes_no.get(lead_state(entry, kind, *attributes), set())
    if question.template_id == "verify-any":
        if "present" in states.values():
            return {("yes",)}
        return {("no",)} if set(states.values()) == {"absent"} else set()
    if question.template_id == "choose-finding":
        if not {states[name] for name in attributes} <= {"present", "absent"}:
            return set()
        return {tuple(sorted(name for name in attributes if states[name] == "present")) or ("none",)}
    if question.template_id == "query-findings":
        return {tuple(sorted(n for n in names if states[n] == "present")) or ("none",)} if complete else set()
    if question.template_id == "query-leads":
        leads = {lead: lead_state(entry, kind, attributes[0], lead) for lead in LEADS}
        if not set(leads.values()) <= {"present", "absent"}:
            return set()
        return {tuple(lead for lead in LEADS if leads[lead] == "present") or ("none",)}
    assert question.template_id == "query-lead-findings"
    leads = {name: lead_state(entry, kind, name, attributes[0]) for name in names}
    if not complete or "unknown" in leads.values():
        return set()
    return {tuple(sorted(name for name in names if leads[name] == "present")) or ("none",)}


def by_text(questions: list[Question], question_type: str) -> dict[str, Counter[tuple[str, ...]]]:
    answers: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for question in questions:
        if question.question_type == question_type:
            answers[question.question][question.answer] += 1
    return answers


def majority_share(questions: list[Question], question_type: str) -> float:
    """How often the most frequent answer to each text is right: what a model can do that sees the text alone."""
    answers = by_text(questions, question_type).values()
    return sum(max(counts.values()) for counts in answers) / sum(counts.total() for counts in answers)


def test_every_answer_is_true_of_its_record() -> None:
    assert {question.template_id for question in QUESTIONS} == {template.template_id for template in TEMPLATES}
    for question in QUESTIONS:
        assert expected_answer(question, BY_ID[question.record_id]) == {question.answer}, question


def test_no_question_is_asked_twice() -> None:
    assert len({(q.record_id, q.template_id, q.attribute_type, frozenset(q.attributes)) for q in QUESTIONS}) == len(
        QUESTIONS
    )


def test_sample_ids_and_source() -> None:
    assert [q.sample_id for q in QUESTIONS[:2]] == ["generated-train-000001", "generated-train-000002"]
    assert len({q.sample_id for q in QUESTIONS}) == len(QUESTIONS)
    assert {q.source for q in QUESTIONS} == {"generated"}
    assert generate_questions(ENTRIES, seed=3, num_questions=1)[0].sample_id == "generated-000001"


@given(
    seed=st.integers(0, 100),
    count=st.integers(60, 160),
    num_questions=st.none() | st.integers(20, 400),
    per_record=st.none() | st.integers(1, 6),
)
@settings(max_examples=15, deadline=None)
def test_texts_give_nothing_away(seed: int, count: int, num_questions: int | None, per_record: int | None) -> None:
    entries = make_entries(count, seed)
    questions = generate_questions(entries, seed=seed, num_questions=num_questions, per_record=per_record)
    for counts in by_text(questions, "single-verify").values():
        assert counts["yes",] == counts["no",]
    for counts in by_text(questions, "single-choose").values():
        single = [number for answer, number in counts.items() if len(answer) == 1]
        assert len(single) == 3
        assert len(set(single)) == 1
        assert all(number <= single[0] for answer, number in counts.items() if len(answer) == 2)
    if num_questions is not None:
        assert len(questions) <= num_questions
    if per_record is not None:
        assert max(Counter(q.record_id for q in questions).values()) <= per_record


def test_both_orders_of_a_choice_occur() -> None:
    pair = {"sinus rhythm", "atrial fibrillation"}
    texts = {q.question.lower() for q in QUESTIONS if set(q.attributes) == pair and q.template_id == "choose-finding"}
    first = [text.index("sinus rhythm") < text.index("atrial fibrillation") for text in texts]
    assert True in first
    assert False in first


def test_no_answer_dominates_a_query() -> None:
    groups: dict[tuple[Any, ...], Counter[tuple[str, ...]]] = defaultdict(Counter)
    for question in QUESTIONS:
        if question.question_type == "single-query":
            groups[question.template_id, question.attribute_type, question.attributes][question.answer] += 1
    assert all(max(counts.values()) <= counts.total() / 2 for counts in groups.values())
    limited = generate_questions(ENTRIES, seed=3, question_types=["single-query"], maximum_same_answer=4)
    counts = Counter((q.template_id, q.attribute_type, q.attributes, q.answer) for q in limited)
    assert max(counts.values()) == 4


def test_the_number_asked_for_is_spread_evenly() -> None:
    questions = generate_questions(ENTRIES, seed=5, num_questions=600)
    assert len(questions) == 600
    per_type = Counter(q.question_type for q in questions)
    assert set(per_type) == set(SINGLE_QUESTION_TYPES)
    assert max(per_type.values()) - min(per_type.values()) <= 8
    # Two for each of 300 records on average; rare findings need the same records more often.
    per_record = Counter(q.record_id for q in questions)
    assert len(per_record) >= 0.95 * len(ENTRIES)
    # A smaller number is the first part of a larger one, but for the last rounds, which may not fit.
    assert generate_questions(ENTRIES, seed=5, num_questions=200)[:195] == questions[:195]


def test_the_order_of_records_makes_no_difference() -> None:
    assert generate_questions(ENTRIES[::-1], seed=3, split="train") == QUESTIONS


def test_seed_and_split_decide_the_draw() -> None:
    draws = [
        [(q.record_id, q.question) for q in generate_questions(ENTRIES, seed=seed, split=split, num_questions=50)]
        for seed, split in ((3, "train"), (4, "train"), (3, "test"))
    ]
    assert draws[0] != draws[1]
    assert draws[0] != draws[2]


def test_without_balance_answers_are_as_frequent_as_in_the_records() -> None:
    entries = [
        RecordEntry(f"r{n}", f"p{n}", 1, (Finding("noise", "static noise", ("V1",)),) if n < 10 else (), ("noise",), "")
        for n in range(100)
    ]
    questions = generate_questions(
        entries, seed=0, balance=False, question_types=["single-verify"], finding_types=["noise"]
    )
    answers = Counter(q.reference for q in questions if q.template_id == "verify-finding")
    assert answers == {"yes": 10, "no": 90}
    balanced = generate_questions(entries, seed=0, question_types=["single-verify"], finding_types=["noise"])
    assert Counter(q.reference for q in balanced if q.template_id == "verify-finding") == {"yes": 10, "no": 10}


def test_uncertain_findings_are_skipped_or_asked_as_not_sure() -> None:
    sure = generate_questions(ENTRIES, seed=3, question_types=["single-verify"])
    assert {q.reference for q in sure} == {"yes", "no"}
    unsure = generate_questions(ENTRIES, seed=3, question_types=["single-verify"], uncertain="not sure")
    asked = [q for q in unsure if q.reference == "not sure"]
    assert asked
    for question in asked:
        kind = question.attribute_type
        states = {state(BY_ID[question.record_id], kind, name) for name in question.attributes or NAMES[kind]}
        assert "uncertain" in states
        assert "present" not in states


def test_only_what_is_asked_for() -> None:
    chosen = generate_questions(
        ENTRIES,
        seed=3,
        question_types=["single-choose"],
        finding_types=["rhythm", "noise"],
        attributes=["sinus rhythm", "atrial fibrillation", "static noise"],
        paraphrases=1,
    )
    assert {q.attributes for q in chosen} == {("atrial fibrillation", "sinus rhythm")}
    assert len({q.question for q in chosen}) == 2
    few = generate_questions(ENTRIES, seed=3, template_ids=["verify-lead", "query-leads"])
    assert {q.template_id for q in few} == {"verify-lead", "query-leads"}
    lists = generate_questions(ENTRIES, seed=3, question_types=["single-query"], attributes=["static noise"])
    named = {name for q in lists if q.template_id == "query-findings" for name in q.answer}
    assert named == {"static noise", "none"}


def test_rare_findings_are_not_asked() -> None:
    entries = make_entries(40, seed=2)
    present = Counter(
        name for e in entries for kind, names in NAMES.items() for name in names if state(e, kind, name) == "present"
    )
    questions = generate_questions(entries, seed=0, minimum_count=12, question_types=["single-verify"])
    asked = {q.attributes[0] for q in questions if q.template_id == "verify-finding"}
    assert asked
    assert all(present[name] >= 12 for name in asked)
    assert min(present.values()) < 12


def test_types_that_were_not_assessed_are_not_asked() -> None:
    entries = [
        RecordEntry(f"r{n}", f"p{n}", 1, (Finding("rhythm", "sinus rhythm"),) if n % 2 else (), ("noise",), "")
        for n in range(40)
    ]
    with pytest.raises(ValueError, match=r"40 records allow no .* question about rhythm"):
        generate_questions(entries, seed=0, finding_types=["rhythm"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"question_types": ["verify"]}, "question_types: got 'verify'"),
        ({"finding_types": ["rythm"]}, "finding_types: got 'rythm'"),
        ({"template_ids": ["verify"]}, "template_ids: got 'verify'"),
        ({"uncertain": "maybe"}, "uncertain: got 'maybe'"),
        ({"num_questions": 0}, "num_questions: got 0, expected at least 1"),
        ({"per_record": 0}, "per_record: got 0"),
        ({"minimum_count": 0}, "minimum_count: got 0"),
        ({"paraphrases": 0}, "paraphrases: got 0"),
        ({"maximum_same_answer": -1}, "maximum_same_answer: got -1"),
        ({"minimum_count": 1000}, "300 records allow no single-verify or single-choose or single-query question"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        generate_questions(ENTRIES, seed=0, **arguments)


def test_bad_records() -> None:
    with pytest.raises(ValueError, match="record 'r0000' occurs twice"):
        generate_questions([*ENTRIES, ENTRIES[0]], seed=0)
    with pytest.raises(ValueError, match="0 records allow no"):
        generate_questions([], seed=0)


def test_templates_are_distinct() -> None:
    texts = [
        wording
        for template in TEMPLATES
        for wordings in (template.wordings, *template.other_wordings.values())
        for wording in wordings
    ]
    assert len(set(texts)) == len(texts)
    assert all(template.question_type in SINGLE_QUESTION_TYPES for template in TEMPLATES)
    assert set(TYPES_WITHOUT_ANY) <= set(FINDING_TYPES)


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        ("axis", "left axis deviation", "Does this ECG show left axis deviation?"),
        ("axis", "normal axis", "Does this ECG show a normal axis?"),
        ("infarction", "inferior myocardial infarction", "Is there ECG evidence of an inferior myocardial infarction?"),
        ("infarction", "lateral myocardial infarction", "Is there ECG evidence of a lateral myocardial infarction?"),
        ("rhythm", "atrial flutter", "Can atrial flutter be seen in this recording?"),
    ],
)
def test_wordings_are_those_of_the_field(kind: str, name: str, text: str) -> None:
    verify = next(template for template in TEMPLATES if template.template_id == "verify-finding")
    assert fill(verify.wordings_about(kind)[0], {"finding": name}) == text


def test_every_wording_about_axis_and_infarction_reads_with_and_without_article() -> None:
    fields = {"finding": "normal axis", "first": "inferior myocardial infarction", "second": "left axis deviation"}
    for template in TEMPLATES:
        for kind, wordings in template.other_wordings.items():
            assert kind in FINDING_TYPES and len(wordings) == len(template.wordings)
            for wording in wordings:
                text = fill(wording, {**fields, "lead": "V2", "finding_type": "heart axis"})
                assert not re.search(r"[{}]|\ban? an? |\ba [aeiou]|\ban [^aeiou]|  ", text), text
                assert text[0].isupper() and text[-1] in "?."


def test_only_what_was_taught_is_asked() -> None:
    few = QUESTIONS[:200]
    taught = taught_answers(few)
    other = generate_questions(make_entries(200, seed=7), seed=1, split="test", taught=taught)
    assert len(other) > 50 and taught_answers(other) <= taught
    for question_type, most in (("single-verify", 0.5), ("single-choose", 0.5)):
        assert majority_share(other, question_type) <= most
    assert taught_answers(generate_questions(make_entries(200, seed=7), seed=1, split="test")) - taught
    everything = taught_answers(generate_questions(ENTRIES, seed=1, split="test"))
    assert generate_questions(ENTRIES, seed=1, split="test", taught=everything)
    with pytest.raises(ValueError, match="records allow no"):
        generate_questions(ENTRIES, seed=1, taught=[("Is it?", ("yes",))])
    with pytest.raises(ValueError, match="taught: got answers that were taught"):
        generate_questions(ENTRIES, seed=1, taught=taught, balance=False)


@pytest.mark.real_data
def test_on_ptbxl(real_data: Path) -> None:
    splits = split_by_fold(PTBXL(real_data / "ptb-xl").entries)
    questions = generate_questions(splits["test"], seed=0, split="test", num_questions=3000)
    assert len(questions) == 3000
    assert majority_share(questions, "single-verify") == 0.5
    assert majority_share(questions, "single-choose") <= 0.34
    assert majority_share(questions, "single-query") <= 0.3
    assert len({q.record_id for q in questions}) > 1900
