"""What a model trained on one data set is asked about another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecgbyte.data.catalogue import RecordEntry
from ecgbyte.data.questions.generation import generate_questions
from ecgbyte.data.questions.question import SINGLE_QUESTION_TYPES, Question
from ecgbyte.data.questions.templates import TEMPLATES, VERIFY_ANY
from ecgbyte.data.questions.transfer import restrict_questions, shared_attributes
from experiments.steps.questions import as_seen

if TYPE_CHECKING:
    from experiments.profiles.input_settings import QuestionSettings


@dataclass(frozen=True)
class TransferQuestions:
    """What a model trained on one data set is asked about another, and about its own, in the same terms.

    Attributes
    ----------
    target : list of Question
        About test records of the other data set.
    own : list of Question
        The test questions of its own data set that keep to the same findings.
    attributes : dict of str to tuple of str
        The findings by type that both data sets show.
    """

    target: list[Question]
    own: list[Question]
    attributes: dict[str, tuple[str, ...]]

    @property
    def num_attributes(self) -> int:
        """How many findings are shared."""
        return sum(map(len, self.attributes.values()))


def transfer_questions(
    own_questions: Mapping[str, Sequence[Question]],
    own_test: Sequence[RecordEntry],
    target_test: Sequence[RecordEntry],
    settings: QuestionSettings,
    *,
    number: int,
    seed: int,
    segment_seconds: float,
) -> TransferQuestions:
    """Ask about another data set's test records only what the model was taught and both data sets show.

    Parameters
    ----------
    own_questions : mapping of str to sequence of Question
        The questions that the model is trained and tested with, by split.
    own_test, target_test : sequence of RecordEntry
        The test records of the model's own data set and of the other one.
    settings : QuestionSettings
        Of the model: question types, templates, wordings.
    number : int
        The most questions about the other data set; 0: all.
    seed : int
    segment_seconds : float
        How much of a record a question is asked about.

    Returns
    -------
    TransferQuestions

    Raises
    ------
    ValueError
        If the two data sets share no finding that was taught, or allow no question about it.
    """
    taught = {
        (question.attribute_type, name)
        for question in own_questions["train"]
        if _names_findings(question)
        for name in (*question.attributes, *question.answer)
    }
    own_test, target_test = (as_seen(entries, settings, segment_seconds) for entries in (own_test, target_test))
    both = shared_attributes(own_test, target_test)
    shared = {kind: tuple(name for name in names if (kind, name) in taught) for kind, names in both.items()}
    shared = {kind: names for kind, names in shared.items() if names}
    if not shared:
        raise ValueError("transfer: the test records of the two data sets share no finding that the model was taught")
    templates = settings.templates or tuple(template.template_id for template in TEMPLATES)
    target = generate_questions(
        target_test,
        seed=seed,
        split="transfer",
        num_questions=number or None,
        question_types=settings.question_types or SINGLE_QUESTION_TYPES,
        finding_types=tuple(shared),
        template_ids=[name for name in templates if name != VERIFY_ANY.template_id],
        attributes={name for names in shared.values() for name in names},
        paraphrases=settings.paraphrases or None,
    )
    generated = [question for question in own_questions["test"] if _names_findings(question)]
    return TransferQuestions(target, restrict_questions(generated, shared), shared)


def _names_findings(question: Question) -> bool:
    """Whether a question was generated from findings."""
    return question.source == "generated"
