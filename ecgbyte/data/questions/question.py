"""One question about one or two ECGs, with its answer."""

from __future__ import annotations

from dataclasses import dataclass

from ecgbyte.checks import check_option

SINGLE_QUESTION_TYPES = ("single-verify", "single-choose", "single-query")
COMPARISON_QUESTION_TYPES = (
    "comparison_consecutive-verify",
    "comparison_consecutive-query",
    "comparison_irrelevant-verify",
    "comparison_irrelevant-query",
)
ECG_QA_QUESTION_TYPES = (*SINGLE_QUESTION_TYPES, *COMPARISON_QUESTION_TYPES)
REPORT_QUESTION_TYPE = "report"
# One exchange of a conversation that has several.
CONVERSATION_QUESTION_TYPE = "conversation"
# One step of a chain of reasoning, see `ecgbyte.data.questions.reasoning_benchmark`.
REASONING_QUESTION_TYPE = "reasoning"
QUESTION_TYPES = (
    *ECG_QA_QUESTION_TYPES,
    REPORT_QUESTION_TYPE,
    CONVERSATION_QUESTION_TYPE,
    REASONING_QUESTION_TYPE,
)
SOURCES = ("ecg-qa", "ecg-chat", "conversations", "reasoning-benchmark", "reports", "generated", "files")


@dataclass(frozen=True)
class Question:
    """A question, its answer and the records it is about.

    Attributes
    ----------
    sample_id : str
        Unique within its source and split.
    template_id : str
        Which template the question was made from.
    question_type : str
        One of `QUESTION_TYPES`, in the terms of ECG-QA (Oh et al. 2023, arXiv:2306.15681): ``"single-verify"`` is
        answered by yes or no, ``"single-choose"`` offers two attributes, ``"single-query"`` asks for a list. Beside
        them ``"report"`` asks for a report of the whole ECG, ``"conversation"`` is one exchange of several, and
        ``"reasoning"`` one step of a chain of reasoning.
    attribute_type : str
        What the question is about, such as ``"scp_code"`` (ECG-QA) or ``"rhythm"`` (generated).
    question : str
        The question's text.
    answer : tuple of str
        At least one item; several where the answer is a list.
    record_ids : tuple of str
        The record, or the two records of a comparison in the order in which the question names them.
    attributes : tuple of str
        The attributes that the question names; empty where it names none.
    source : str
        ``"ecg-qa"``, ``"ecg-chat"`` and ``"reasoning-benchmark"`` for questions read from those data sets,
        ``"conversations"`` for those from other files of conversations, ``"files"`` for a user's own, ``"reports"`` for
        those whose answer is the whole report of a record,
        ``"generated"`` for all others.

    Raises
    ------
    TypeError
        If a field has another type.
    ValueError
        If a field is empty, or not one of the values allowed.
    """

    sample_id: str
    template_id: str
    question_type: str
    attribute_type: str
    question: str
    answer: tuple[str, ...]
    record_ids: tuple[str, ...]
    attributes: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        for name in ("sample_id", "template_id", "question_type", "attribute_type", "question", "source"):
            value = getattr(self, name)
            if not isinstance(value, str):
                raise TypeError(f"{name}: expected str, got {type(value).__name__}")
            if not value.strip():
                raise ValueError(f"{name}: empty")
        for name in ("answer", "record_ids", "attributes"):
            value = getattr(self, name)
            if not isinstance(value, tuple) or not all(isinstance(item, str) for item in value):
                raise TypeError(f"{name}: expected a tuple of str, got {value!r}")
            if not all(item.strip() for item in value):
                raise ValueError(f"{name}: an item is empty in {value!r}")
        if not self.answer:
            raise ValueError("answer: no item; a question needs an answer, 'none' if nothing is there")
        check_option("question_type", self.question_type, QUESTION_TYPES)
        check_option("source", self.source, SOURCES)
        expected = 2 if self.question_type in COMPARISON_QUESTION_TYPES else 1
        if len(self.record_ids) != expected:
            raise ValueError(
                f"record_ids: a {self.question_type} question is about {expected} record(s), got {self.record_ids!r}"
            )

    @property
    def reference(self) -> str:
        """The answer as the text that a model should give: the items of a list with ``", "`` between them.

        The published code joins them with a space alone, which leaves open where one item ends.
        """
        return ", ".join(self.answer)

    @property
    def record_id(self) -> str:
        """The one record the question is about.

        Raises
        ------
        ValueError
            If it is about two.
        """
        if len(self.record_ids) != 1:
            raise ValueError(f"question {self.sample_id} compares the records {self.record_ids}, it has no single one")
        return self.record_ids[0]
