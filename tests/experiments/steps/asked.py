"""Questions about given records, for tests that only count them."""

from __future__ import annotations

from collections.abc import Sequence

from ecgbyte.data.questions.question import Question


def ask(record_ids: Sequence[str]) -> list[Question]:
    """One verify question about each of the records, in their order."""
    return [
        Question(
            sample_id=f"asked-{number}",
            template_id="verify-finding",
            question_type="single-verify",
            attribute_type="rhythm",
            question="Is it there?",
            answer=(("no", "yes")[number % 2],),
            record_ids=(record_id,),
            attributes=("it",),
            source="generated",
        )
        for number, record_id in enumerate(record_ids)
    ]
