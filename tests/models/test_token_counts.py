"""The linear reader of token counts: its counts, its regression, and answers it must find and must not find."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from ecgbyte.data.questions.question import Question
from ecgbyte.models.token_counts import TokenCountReader, _ridge, count_tokens

LEADS, VOCABULARY, ECGS = 3, 6, 240


def question(number: int, kind: str, answer: tuple[str, ...], attributes: tuple[str, ...], **options: Any) -> Question:
    texts = {"single-verify": "Is it there?", "single-choose": "Which of the two?", "single-query": "Which are there?"}
    return Question(
        sample_id=f"{kind}-{number}",
        template_id=options.get("template_id", kind),
        question_type=kind,
        attribute_type=options.get("attribute_type", "axis"),
        question=texts[kind],
        answer=answer,
        record_ids=(str(number),),
        attributes=attributes,
        source=options.get("source", "generated"),
    )


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, LEADS - 1), st.integers(0, VOCABULARY - 1)), max_size=20),
        min_size=1,
        max_size=6,
    )
)
@settings(deadline=None, max_examples=50)
def test_counts_are_those_of_a_loop(ecgs: list[list[tuple[int, int]]]) -> None:
    ids = [np.array([token for _, token in ecg], np.int32) for ecg in ecgs]
    leads = [np.array([lead for lead, _ in ecg], np.int16) for ecg in ecgs]
    expected = np.zeros((len(ecgs), LEADS, VOCABULARY))
    for row, ecg in enumerate(ecgs):
        for lead, token in ecg:
            expected[row, lead, token] += 1
    by_lead = count_tokens(ids, VOCABULARY, leads=leads, num_leads=LEADS)
    np.testing.assert_array_equal(by_lead.toarray(), expected.reshape(len(ecgs), -1))
    np.testing.assert_array_equal(count_tokens(ids, VOCABULARY).toarray(), expected.sum(axis=1))


@pytest.mark.parametrize("ridge", [1e-3, 0.1, 3.0])
def test_the_regression_is_the_minimum_of_its_penalised_squares(ridge: float) -> None:
    generator = np.random.default_rng(0)
    values = generator.poisson(1.0, size=(30, 50)).astype(float)
    truth = generator.random(30) < 0.3
    coefficients, intercept = _ridge(sparse.csr_matrix(values), truth, ridge)
    weights = np.where(truth, 0.5 / truth.sum(), 0.5 / (~truth).sum())
    centred = values - weights @ values
    penalty = ridge * float(weights @ (centred**2).sum(axis=1))
    # Normal equations of the features, intercept unpenalised: another way to the same minimum.
    square = centred.T @ (weights[:, None] * centred) + penalty * np.eye(50)
    expected = np.linalg.solve(square, centred.T @ (weights * np.where(truth, 1.0, -1.0)))
    np.testing.assert_allclose(coefficients, expected, rtol=1e-6, atol=1e-9)
    assert intercept == pytest.approx(-(weights @ values) @ expected)


def signals() -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray, np.ndarray]:
    """ECGs in which finding A is many tokens 5 in lead 0 and finding B the same in lead 2; elsewhere noise."""
    generator = np.random.default_rng(1)
    has_a, has_b = generator.random(ECGS) < 0.5, generator.random(ECGS) < 0.5
    ids, leads = [], []
    for a, b in zip(has_a, has_b, strict=True):
        tokens, places = [], []
        for lead in range(LEADS):
            number = 12 if (a and lead == 0) or (b and lead == 2) else 3
            drawn = [*generator.integers(0, 5, 20).tolist(), *[5] * number]
            tokens += drawn
            places += [lead] * len(drawn)
        ids.append(np.array(tokens, np.int32))
        leads.append(np.array(places, np.int16))
    return ids, leads, has_a, has_b


def asked(has_a: np.ndarray, has_b: np.ndarray) -> list[Question]:
    """Of each ECG one question: A or not, B or not, which of the two, or a list."""
    questions = []
    for number, (a, b) in enumerate(zip(has_a, has_b, strict=True)):
        both = tuple(name for name, there in (("axis a", a), ("axis b", b)) if there) or ("none",)
        turn = number % 4
        if turn < 2:
            there = (a, b)[turn]
            questions.append(
                question(number, "single-verify", ("yes" if there else "no",), (("axis a", "axis b")[turn],))
            )
        elif turn == 2:
            questions.append(question(number, "single-choose", both, ("axis a", "axis b")))
        else:
            questions.append(question(number, "single-query", both, ()))
    return questions


def test_what_lies_in_one_lead_is_read_with_leads_and_not_without() -> None:
    ids, leads, has_a, has_b = signals()
    questions = asked(has_a, has_b)
    half = ECGS // 2
    right = {}
    for name, counts in (
        ("leads", count_tokens(ids, VOCABULARY, leads=leads, num_leads=LEADS)),
        ("no leads", count_tokens(ids, VOCABULARY)),
    ):
        reader = TokenCountReader.fit(questions[:half], range(half), counts)
        held_out = questions[half:]
        answers = reader.answers(held_out, range(half, ECGS), counts)
        right[name] = np.mean([got == item.reference for got, item in zip(answers, held_out, strict=True)])
        scores = reader.yes_scores(held_out, range(half, ECGS), counts)
        for got, score, item in zip(answers, scores, held_out, strict=True):
            if item.question_type == "single-verify":
                assert (got == "yes") == (score > 0.5)
    assert right["leads"] > 0.9 and right["no leads"] < 0.8


def test_the_same_data_give_the_same_bits_and_only_training_is_read() -> None:
    ids, leads, has_a, has_b = signals()
    counts = count_tokens(ids, VOCABULARY, leads=leads, num_leads=LEADS)
    questions = asked(has_a, has_b)
    readers = [
        TokenCountReader.fit(questions[:100], range(100), part) for part in (counts, counts.copy(), counts[:100])
    ]
    scores = [reader.yes_scores(questions[100:], range(100, ECGS), counts) for reader in readers]
    np.testing.assert_array_equal(scores[0], scores[1])
    np.testing.assert_array_equal(scores[0], scores[2])
    turned = [replace(item, answer=("no",)) for item in questions[100:]]
    np.testing.assert_array_equal(readers[0].yes_scores(turned, range(100, ECGS), counts), scores[0])


def test_reports_are_answered_by_the_most_frequent_and_teach_nothing() -> None:
    ids, leads, has_a, has_b = signals()
    counts = count_tokens(ids, VOCABULARY, leads=leads, num_leads=LEADS)
    questions = asked(has_a, has_b)
    texts = [f"report {number // 3 if number < 30 else number}" for number in range(60)] + ["often"] * 9
    reports = [
        replace(questions[0], sample_id=f"report-{number}", template_id="report", question_type="report",
                attribute_type="report", attributes=(), answer=(text,))
        for number, text in enumerate(texts)
    ]  # fmt: skip
    plain = TokenCountReader.fit(questions, range(ECGS), counts)
    both = TokenCountReader.fit([*questions, *reports], [*range(ECGS), *range(len(reports))], counts)
    assert set(both.statements) == set(plain.statements)
    assert set(both.answers(reports[:5], range(5), counts)) == {"often"}
    assert both.answers(questions[:40], range(40), counts) == plain.answers(questions[:40], range(40), counts)


def test_what_was_never_taught_gets_a_plain_answer() -> None:
    ids, leads, has_a, has_b = signals()
    counts = count_tokens(ids, VOCABULARY, leads=leads, num_leads=LEADS)
    reader = TokenCountReader.fit(asked(has_a, has_b), range(ECGS), counts)
    unknown = [
        question(1, "single-verify", ("yes",), ("axis c",)),
        question(2, "single-query", ("axis c",), (), attribute_type="rhythm"),
        question(3, "single-choose", ("axis c",), ("axis c", "axis d")),
        # Of another source the same words are another statement.
        question(4, "single-verify", ("yes",), ("axis a",), source="ecg-qa", template_id="7"),
    ]
    np.testing.assert_array_equal(reader.yes_scores(unknown, range(4), counts)[[0, 3]], 0.5)
    answers = reader.answers(unknown, range(4), counts)
    assert answers[0] in ("yes", "no") and answers[2] == "none"
    query_answers = [item.reference for item in asked(has_a, has_b) if item.question_type == "single-query"]
    assert answers[1] == max(sorted(set(query_answers), reverse=True), key=query_answers.count)


def test_both_of_two_offered_are_answered_only_where_training_had_both() -> None:
    ids, leads, has_a, has_b = signals()
    counts = count_tokens(ids, VOCABULARY, leads=leads, num_leads=LEADS)
    questions = [item for item in asked(has_a, has_b) if item.answer != ("axis a", "axis b")]
    reader = TokenCountReader.fit(questions, [int(item.record_ids[0]) for item in questions], counts)
    rows = np.flatnonzero(has_a & has_b)
    offered = [question(int(row), "single-choose", ("axis a",), ("axis a", "axis b")) for row in rows]
    assert set(reader.answers(offered, rows, counts)) <= {"axis a", "axis b", "none"}


def test_bad_arguments_are_refused() -> None:
    counts = count_tokens([np.array([0, 1])], 2)
    ask = question(0, "single-verify", ("yes",), ("axis a",))
    with pytest.raises(ValueError, match="ids: expected one ECG at least"):
        count_tokens([], 2)
    with pytest.raises(ValueError, match="ids: got 0 to 2, expected 0 to 1"):
        count_tokens([np.array([0, 2])], 2)
    with pytest.raises(ValueError, match="leads: got 0 to 3, expected 0 to 2"):
        count_tokens([np.array([0, 1])], 2, leads=[np.array([0, 3])], num_leads=3)
    with pytest.raises(ValueError, match="leads: expected one for each token"):
        count_tokens([np.array([0, 1])], 2, leads=[np.array([0])], num_leads=3)
    with pytest.raises(ValueError, match="num_leads: expected 1 where leads is None, got 3"):
        count_tokens([np.array([0, 1])], 2, num_leads=3)
    with pytest.raises(ValueError, match="rows: expected one for each of 1 questions, got 2"):
        TokenCountReader.fit([ask], [0, 0], counts)
    with pytest.raises(ValueError, match="rows: got 1 to 1, expected rows of 1 ECGs"):
        TokenCountReader.fit([ask], [1], counts)
    with pytest.raises(ValueError, match="questions: expected one at least"):
        TokenCountReader.fit([], [], counts)
    with pytest.raises(ValueError, match="ridge: expected a positive number, got 0"):
        TokenCountReader.fit([ask], [0], counts, ridge=0)
