"""ECG-Byte's tokens with what a profile's table ``[plus]`` adds: in one stage, as before."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ecgbyte.data.questions.dealing import draw_questions
from ecgbyte.data.questions.question import REPORT_QUESTION_TYPE, Question
from ecgbyte.data.questions.reports import report_questions
from ecgbyte.files import fingerprint
from ecgbyte.models.language.lead_markers import mark_leads
from ecgbyte.signals.leads import LEADS
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.tokenizer.encoding import locate_tokens
from ecgbyte.training.augmentation import SegmentAugmentation
from ecgbyte.training.examples import Example
from experiments.steps.prepared import Prepared
from experiments.steps.readers.reading import BaseModel, Measured, Reading, ReadingModel
from experiments.steps.readers.tokens import TokenReader
from experiments.steps.segments import Segments
from experiments.steps.shown import Shown
from experiments.steps.views import ECGView

if TYPE_CHECKING:
    from experiments.profiles.methods import Method
    from experiments.profiles.plus_settings import PlusSettings
    from experiments.steps.study import Study


@dataclass(frozen=True, kw_only=True)
class PlusReader(TokenReader):
    """A `TokenReader` that marks leads and adds to the training what `plus` says; `seed` is of what is drawn for it."""

    plus: PlusSettings
    seed: int

    def view(self, segments: Segments) -> ECGView | None:
        """The ids of every segment, int32 [tokens], with markers where leads are marked."""
        view = super().view(segments)
        if view is None or not self.plus.lead_markers:
            return view
        samples = segments.signals.shape[3]
        values = {key: self._marked(ids, samples) for key, ids in view.values.items()}
        return ECGView(values, self._marked(view.flat_line, samples))

    def read(self, signals: np.ndarray) -> Sequence[np.ndarray] | np.ndarray:
        """The ids of any signals, float32 [signals, leads, samples] in mV, with markers where leads are marked."""
        found = super().read(signals)
        return [self._marked(ids, signals.shape[2]) for ids in found] if self.plus.lead_markers else found

    def build(self, base: BaseModel, examples: Sequence[Example]) -> ReadingModel:
        """A language model with the ECG tokens, and the markers, in its vocabulary."""
        markers = LEADS if self.plus.lead_markers else ()
        return self.build_with(base, {"ecg_loss_weight": self.plus.ecg_loss_weight}, markers)

    def in_training(self, shown: Shown) -> Shown:
        """What training meets: more questions, and segments that change from epoch to epoch."""
        more = self.more_questions(shown.prepared)
        draws = TrainingSegments(shown.prepared.segments, self) if self.plus.changes_segments else None
        identity = fingerprint(shown.identity, repr(self.plus), str(self.seed))
        return replace(shown, more=more, more_weight=self.plus.report_weight, training_ecg=draws, identity=identity)

    def more_questions(self, prepared: Prepared) -> tuple[Question, ...]:
        """Training records asked for their reports, other than those that all methods are asked for."""
        if not self.plus.reports:
            return ()
        asked = {q.record_id for q in prepared.questions["train"] if q.question_type == REPORT_QUESTION_TYPE}
        entries = [entry for entry in prepared.splits["train"] if entry.record_id not in asked]
        questions = report_questions(
            entries, split="plus", seed=self.seed, most_characters=self.plus.report_characters or None
        )
        return tuple(draw_questions(questions, self.plus.reports, seed=(self.seed, 1)))

    def _marked(self, ids: np.ndarray, samples: int) -> np.ndarray:
        return marked(ids, self.tokenizer, samples)


@dataclass(frozen=True)
class TrainingSegments:
    """Segments as training meets them in one epoch: moved, scaled and cut into tokens otherwise.

    Attributes
    ----------
    segments : Segments
        Those of a record stand end to end, so that a shifted segment reaches into the next one.
    reader : PlusReader
    """

    segments: Segments
    reader: PlusReader

    def __call__(self, record_id: str, segment: int, epoch: int) -> np.ndarray:
        """The ids of one segment in one epoch, int32 [tokens]: the same whenever they are asked for."""
        plus, tokenizer = self.reader.plus, self.reader.tokenizer
        stored = self.segments.signals[self.segments.rows[record_id]]
        samples = int(stored.shape[2])
        key = f"{record_id}|{segment}|{epoch}"
        augmentation = SegmentAugmentation(
            largest_shift=round(plus.largest_shift_seconds * self.segments.sampling_rate),
            largest_gain=plus.largest_gain,
            seed=self.reader.seed,
        )
        if augmentation.changes:
            record = np.concatenate(list(stored), axis=1)
            signal = augmentation.segment(record, segment * samples, samples, key=key)
        else:
            signal = np.array(stored[segment])
        digest = hashlib.sha256(f"dropout|{self.reader.seed}|{key}".encode()).digest()
        seed = int.from_bytes(digest[:8], "little") >> 1
        ids = tokenizer.encode(signal, dropout=plus.bpe_dropout, seed=seed).ids
        return marked(ids, tokenizer, samples) if plus.lead_markers else ids


def marked(ids: np.ndarray, tokenizer: ECGTokenizer, samples: int) -> np.ndarray:
    """Tokens of a segment with each lead's marker before its tokens, int32 [tokens and markers].

    Parameters
    ----------
    ids : int32 [tokens]
    tokenizer : ECGTokenizer
        That made them.
    samples : int
        Of a lead.
    """
    return mark_leads(ids, locate_tokens(ids, tokenizer, samples)[0], tokenizer.vocabulary_size)


def reading(study: Study, method: Method, seed: int) -> Reading:
    """Of a method that reads tokens with what the profile's table ``[plus]`` adds."""
    plus = study.profile.plus
    tasks = study.tokenizer_of(method)
    reader = PlusReader(
        tasks.trained.step.folder, tasks.encoded.step.folder, method.matching, method.faults, plus=plus, seed=seed
    )
    return Reading(
        reader,
        (tasks.segments, tasks.trained, tasks.measured, tasks.encoded),
        (__name__,),
        settings=dataclasses.asdict(plus),
        positions=tasks.expected_positions,
        measured=(Measured("tokenizer", (tasks.trained, tasks.encoded)),),
        in_training=reader.in_training,
    )
