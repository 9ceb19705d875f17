"""What several tests of steps take: questions about given records, and what a smaller smoke profile leaves out."""

from __future__ import annotations

from collections.abc import Sequence

from ecgbyte.data.questions.question import Question

# What nothing reads where the smoke profile has neither methods as published nor a stage 1, at its defaults.
UNREAD = (
    "as_published.padded_length=1024, as_published.tokens_padded_length=1024, as_published.warmup_steps=500, "
    "encoders.merl.epochs=2, encoders.merl.batch_size=64, "
    "encoders.vit.epochs=2, encoders.vit.batch_size=64, encoders.clip.epochs=2, encoders.clip.batch_size=64"
)


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
