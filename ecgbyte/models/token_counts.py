"""``token-counts``: a linear reader of how often each token occurs in each lead; no language model.

It is what tokens give away without their order: a mark that a language model which reads the same tokens, with the same
questions to learn from, should not stay below. For each thing that training questions say of an ECG ("left axis
deviation: yes"), one ridge regression reads the counts; what a question asks for is answered from these.

>>> from ecgbyte.data.questions.question import Question
>>> ask = dict(template_id="t", question_type="single-verify", attribute_type="rhythm", question="Flutter?",
...            attributes=("flutter",), source="generated")
>>> questions = [Question(sample_id=str(n), answer=(("no", "yes")[n % 2],), record_ids=(str(n),), **ask)
...              for n in range(8)]
>>> counts = count_tokens([np.array([0, 1, 1] if n % 2 else [0, 0, 2]) for n in range(8)], 3)
>>> reader = TokenCountReader.fit(questions[:6], range(6), counts)
>>> reader.answers(questions[6:], [6, 7], counts)
['no', 'yes']
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse import linalg as splinalg

from ecgbyte.data.questions.question import REPORT_QUESTION_TYPE, Question
from ecgbyte.data.questions.templates import NONE_ANSWER

YES, NO = ("yes",), ("no",)
# Of the conjugate gradients; changes scores by less than a millionth.
_TOLERANCE = 1e-8
Statement = tuple[str, ...]
Answer = tuple[str, ...]


def count_tokens(
    ids: Sequence[np.ndarray],
    vocabulary_size: int,
    *,
    leads: Sequence[np.ndarray] | None = None,
    num_leads: int = 1,
) -> sparse.csr_matrix:
    """Count the tokens of ECGs, by lead where the leads are given.

    Parameters
    ----------
    ids : sequence of int [tokens]
        The tokens of each ECG.
    vocabulary_size : int
    leads : sequence of int [tokens] or None
        The lead in which each token starts (`ecgbyte.tokenizer.encoding.Encoding.leads`); None counts over all leads.
    num_leads : int
        1 without `leads`.

    Returns
    -------
    scipy.sparse.csr_matrix
        Float64 [ECGs, leads * vocabulary]; the tokens of a lead stand side by side.

    Raises
    ------
    ValueError
        If there is no ECG, an id or a lead is out of range, or `leads` is no lead for each token.
    """
    if len(ids) == 0:
        raise ValueError("ids: expected one ECG at least, got none")
    if leads is None and num_leads != 1:
        raise ValueError(f"num_leads: expected 1 where leads is None, got {num_leads}")
    if leads is not None and [len(row) for row in leads] != [len(row) for row in ids]:
        raise ValueError("leads: expected one for each token of each ECG")
    lengths = [len(row) for row in ids]
    tokens = np.concatenate([np.asarray(row, np.int64) for row in ids])
    if tokens.size and not 0 <= tokens.min() <= tokens.max() < vocabulary_size:
        raise ValueError(f"ids: got {tokens.min()} to {tokens.max()}, expected 0 to {vocabulary_size - 1}")
    columns = tokens
    if leads is not None:
        places = np.concatenate([np.asarray(row, np.int64) for row in leads])
        if places.size and not 0 <= places.min() <= places.max() < num_leads:
            raise ValueError(f"leads: got {places.min()} to {places.max()}, expected 0 to {num_leads - 1}")
        columns = places * vocabulary_size + tokens
    rows = np.repeat(np.arange(len(lengths)), lengths)
    shape = (len(lengths), num_leads * vocabulary_size)
    # Equal places are added up.
    return sparse.csr_matrix((np.ones(len(columns)), (rows, columns)), shape=shape)


@dataclass(frozen=True, eq=False)
class TokenCountReader:
    """Ridge regressions on token counts, one a statement, and the answers that were seen; made by `fit`.

    Attributes
    ----------
    statements : dict of Statement to (float64 [features], float)
        Weights and intercept; the score is above 0 where the statement is more likely true than not, both being
        equally frequent.
    known_answers : dict of Statement to tuple of Answer
        The answers that training gave to each query, the most frequent first.
    """

    statements: Mapping[Statement, tuple[np.ndarray, float]]
    known_answers: Mapping[Statement, tuple[Answer, ...]]
    _other_answers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def fit(
        cls, questions: Sequence[Question], rows: Sequence[int], counts: sparse.csr_matrix, *, ridge: float = 0.01
    ) -> TokenCountReader:
        """Learn from the training questions, and from nothing else.

        Parameters
        ----------
        questions : sequence of Question
            About single records. A question that is asked about several segments stands here once for each.
        rows : sequence of int
            The row of `counts` that each question is about.
        counts : scipy.sparse.csr_matrix
            From `count_tokens`, [ECGs, features]. Their logarithms (of one more) are read.
        ridge : float
            The penalty, in units of the mean square of what is read.

        Raises
        ------
        ValueError
            If there are no questions, or not as many rows; if `ridge` is not positive.
        """
        _check(questions, rows, counts)
        if not questions:
            raise ValueError("questions: expected one at least, got none")
        if not ridge > 0:
            raise ValueError(f"ridge: expected a positive number, got {ridge}")
        # Hardly two reports are the same, so that there is nothing to regress; the most frequent one answers for all.
        told = [pair for pair in zip(questions, rows, strict=True) if pair[0].question_type != REPORT_QUESTION_TYPE]
        values = _read(counts)
        answers: dict[Statement, Counter[Answer]] = defaultdict(Counter)
        for question, _ in told:
            answers[_query(question)][question.answer] += 1
        known = {
            query: tuple(sorted(found, key=lambda answer: (-found[answer], answer))) for query, found in answers.items()
        }
        taught: dict[Statement, list[tuple[int, bool]]] = defaultdict(list)
        for question, row in told:
            for statement, is_true in _statements_of(question, known):
                taught[statement].append((int(row), is_true))
        fitted = {}
        for statement in sorted(taught):
            places = np.array([row for row, _ in taught[statement]])
            truth = np.array([is_true for _, is_true in taught[statement]])
            if truth.any() and not truth.all():
                fitted[statement] = _ridge(values[places], truth, ridge)
        frequent = {
            kind: max(found, key=lambda text: (found[text], text))
            for kind, found in _answers_by_type(questions).items()
        }
        return cls(fitted, known, frequent)

    def yes_scores(self, questions: Sequence[Question], rows: Sequence[int], counts: sparse.csr_matrix) -> np.ndarray:
        """Return how likely the answer is yes, float64 [questions] from 0 to 1; 0.5 where nothing was learnt.

        Of questions that are not about yes and no it means nothing.
        """
        _check(questions, rows, counts)
        scores = self._scores([_topic(question) for question in questions], rows, counts)
        return 1.0 / (1.0 + np.exp(-2.0 * scores))

    def answers(self, questions: Sequence[Question], rows: Sequence[int], counts: sparse.csr_matrix) -> list[str]:
        """Answer questions, in the words of the training answers.

        Yes or no by the statement's score; of two attributes offered those above 0 (the higher one, where both never
        was an answer), else none; of the known answers of a query the one whose items have the highest sum of scores.
        What no training question was like, and a report, gets the most frequent training answer of its type, or none at
        all.
        """
        _check(questions, rows, counts)
        wanted = [self._needed(question) for question in questions]
        flat = [statement for needed in wanted for statement in needed]
        at = [row for row, needed in zip(rows, wanted, strict=True) for _ in needed]
        scores = iter(self._scores(flat, at, counts).tolist())
        return [
            self._answer(question, {statement: next(scores) for statement in needed})
            for question, needed in zip(questions, wanted, strict=True)
        ]

    def _needed(self, question: Question) -> list[Statement]:
        if question.question_type == "single-verify":
            return [_topic(question)]
        if question.question_type == "single-choose":
            return [_about(question, item) for item in question.attributes]
        return [_item(question, item) for item in self._items(question)]

    def _items(self, question: Question) -> list[str]:
        return sorted({item for answer in self.known_answers.get(_query(question), ()) for item in answer})

    def _answer(self, question: Question, scores: Mapping[Statement, float]) -> str:
        if question.question_type == "single-verify":
            if _topic(question) not in self.statements:
                return self._other_answers.get(question.question_type, NO[0])
            return YES[0] if scores[_topic(question)] > 0 else NO[0]
        known = self.known_answers.get(_query(question), ())
        if question.question_type == "single-choose":
            found = [item for item in question.attributes if scores[_about(question, item)] > 0]
            if len(found) > 1 and not any(set(found) <= set(answer) for answer in known):
                found = [max(found, key=lambda item: scores[_about(question, item)])]
            return ", ".join(found) or NONE_ANSWER
        if not known:
            return self._other_answers.get(question.question_type, NONE_ANSWER)
        # The most frequent of equal ones, which stands first.
        best = max(known, key=lambda answer: sum(scores[_item(question, item)] for item in answer))
        return ", ".join(best)

    def _scores(self, statements: Sequence[Statement], rows: Sequence[int], counts: sparse.csr_matrix) -> np.ndarray:
        """The score of each statement about its row; 0 where nothing was learnt."""
        scores = np.zeros(len(statements))
        places: dict[Statement, list[int]] = defaultdict(list)
        for place, statement in enumerate(statements):
            places[statement].append(place)
        values = _read(counts)
        for statement, its in places.items():
            if statement in self.statements:
                weights, intercept = self.statements[statement]
                scores[its] = values[[int(rows[place]) for place in its]] @ weights + intercept
        return scores


def _read(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """Logarithms of counts: one token more matters less where there are many."""
    values = counts.copy()
    values.data = np.log1p(values.data)
    return values


def _ridge(values: sparse.csr_matrix, truth: np.ndarray, ridge: float) -> tuple[np.ndarray, float]:
    """Weights and intercept of a ridge regression of -1 and 1, both of which weigh the same in all.

    Solved for the samples instead of the features (there are far fewer), by conjugate gradients on the sparse matrix:
    the products of thousands of samples with each other are never written down, and no sum depends on threads.
    """
    weights = np.where(truth, 0.5 / truth.sum(), 0.5 / (~truth).sum())
    root = np.sqrt(weights)
    columns = sparse.csr_matrix(values.T)
    mean = columns @ weights
    squares = np.asarray(values.multiply(values).sum(axis=1)).ravel()
    # Of samples without their weighted mean; 0 where all are alike, and then there is nothing to learn.
    scale = float(weights @ squares - mean @ mean)
    if scale <= 1e-12 * max(1.0, float(squares.max())):
        return np.zeros(values.shape[1]), 0.0
    penalty = ridge * scale

    def product(dual: np.ndarray) -> np.ndarray:
        share = root * dual
        coefficients = columns @ share - mean * share.sum()
        return np.asarray(root * (values @ coefficients - mean @ coefficients) + penalty * dual)

    size = len(root)
    operator = splinalg.LinearOperator((size, size), matvec=product, dtype=np.float64)
    # The mean of the targets is 0, as both sides weigh the same.
    dual, code = splinalg.cg(operator, root * np.where(truth, 1.0, -1.0), rtol=_TOLERANCE, maxiter=20 * size + 1000)
    if code != 0:
        raise ArithmeticError(f"ridge: the regression did not settle in {code} rounds; a larger penalty would help")
    share = root * dual
    coefficients = columns @ share - mean * share.sum()
    return np.asarray(coefficients), -float(mean @ coefficients)


def _source(question: Question) -> str:
    # Generated questions mean the same whatever their template; ECG-QA's templates differ in what they ask.
    return "" if question.source == "generated" else f"{question.source} {question.template_id}"


def _topic(question: Question) -> Statement:
    return (_source(question), question.attribute_type, *sorted(question.attributes))


def _about(question: Question, item: str) -> Statement:
    return (_source(question), question.attribute_type, item)


def _item(question: Question, item: str) -> Statement:
    return (_source(question), question.attribute_type, *sorted((*question.attributes, item)))


def _query(question: Question) -> Statement:
    return (question.question_type, question.template_id, question.attribute_type, *sorted(question.attributes))


def _statements_of(
    question: Question, known: Mapping[Statement, tuple[Answer, ...]]
) -> Iterator[tuple[Statement, bool]]:
    """What a training question says of its ECG."""
    if question.question_type == "single-verify":
        if question.answer in (YES, NO):
            yield _topic(question), question.answer == YES
    elif question.question_type == "single-choose":
        for item in question.attributes:
            yield _about(question, item), item in question.answer
    else:
        for item in sorted({item for answer in known[_query(question)] for item in answer}):
            yield _item(question, item), item in question.answer


def _answers_by_type(questions: Sequence[Question]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for question in questions:
        found[question.question_type][question.reference] += 1
    return found


def _check(questions: Sequence[Question], rows: Sequence[int], counts: Any) -> None:
    if len(questions) != len(rows):
        raise ValueError(f"rows: expected one for each of {len(questions)} questions, got {len(rows)}")
    if len(rows) and not 0 <= min(rows) <= max(rows) < counts.shape[0]:
        raise ValueError(f"rows: got {min(rows)} to {max(rows)}, expected rows of {counts.shape[0]} ECGs")
