"""ECG-Byte's tokens with what a profile's table ``[plus]`` adds: in one stage, as before."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import numpy as np

from ecgbyte.data.questions.dealing import draw_questions
from ecgbyte.data.questions.question import REPORT_QUESTION_TYPE, Question
from ecgbyte.data.questions.reports import report_questions
from ecgbyte.files import fingerprint
from ecgbyte.models.joint import build_frame_model
from ecgbyte.models.language.ecg_tokens import add_signal_token
from ecgbyte.models.language.lead_markers import mark_leads
from ecgbyte.models.token_frames import place_tokens
from ecgbyte.signals.leads import LEADS
from ecgbyte.tokenizer.encoding import locate_tokens
from ecgbyte.training.augmentation import SegmentAugmentation
from ecgbyte.training.examples import Example
from experiments.steps.prepared import Prepared
from experiments.steps.readers.reading import BaseModel, Measured, Reading, ReadingModel
from experiments.steps.readers.tokens import TokenReader
from experiments.steps.segments import Segments
from experiments.steps.shown import Shown
from experiments.steps.views import SCALE_SAMPLE, ECGView, distinct_ecgs

if TYPE_CHECKING:
    from experiments.profiles.methods import Method
    from experiments.profiles.plus_settings import PlusSettings
    from experiments.steps.study import Study


@dataclass(frozen=True, kw_only=True)
class PlusReader(TokenReader):
    """A `TokenReader` that shows tokens and adds to the training as `plus` says.

    Attributes
    ----------
    plus : PlusSettings
    seed : int
        Of what is drawn for it.
    frame_samples : int
        Of a frame whose tokens share a position; 0 where each has its own.
    """

    plus: PlusSettings
    seed: int
    frame_samples: int = 0

    def view(self, segments: Segments) -> ECGView | None:
        """What `shown` makes of the tokens of every segment."""
        view = super().view(segments)
        if view is None:
            return None
        num_samples = segments.signals.shape[3]
        return ECGView(ShownTokens(view.values, self, num_samples), self.shown(view.flat_line, num_samples))

    def read(self, signals: np.ndarray) -> Sequence[np.ndarray] | np.ndarray:
        """The same of any signals, float32 [signals, leads, samples] in mV."""
        return [self.shown(ids, signals.shape[2]) for ids in super().read(signals)]

    def shown(self, ids: np.ndarray, num_samples: int) -> np.ndarray:
        """What the language model is shown of an ECG with `num_samples` a lead.

        Returns
        -------
        numpy.ndarray
            The ids, int32 [tokens]; with markers, where leads are marked; or float32 [leads, samples], in the places
            where the tokens begin, where frames share positions.
        """
        if not (self.frame_samples or self.plus.lead_markers):
            return ids
        leads, offsets = locate_tokens(ids, self.tokenizer, num_samples)
        if self.frame_samples:
            return place_tokens(ids, leads, offsets[:, 0], num_leads=len(LEADS), num_samples=num_samples)
        return mark_leads(ids, leads, self.tokenizer.vocabulary_size)

    def build(self, base: BaseModel, examples: Sequence[Example]) -> ReadingModel:
        """A language model with the ECG tokens, and the markers, in its vocabulary; or behind their frames."""
        if not self.frame_samples:
            markers = LEADS if self.plus.lead_markers else ()
            return self.build_with(base, {"ecg_loss_weight": self.plus.ecg_loss_weight}, markers)
        token_map = add_signal_token(base.language_model, base.text_tokenizer, seed=base.seed)
        ecgs = distinct_ecgs(examples, limit=SCALE_SAMPLE)
        model = build_frame_model(
            base.language_model,
            token_map,
            num_leads=ecgs.shape[1],
            num_samples=ecgs.shape[2],
            vocabulary=self.tokenizer.vocabulary,
            frame_samples=self.frame_samples,
            training_ecgs=ecgs,
            **base.training,
        )
        return ReadingModel(model, token_map, model.signal_positions)

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
        return self.reader.shown(ids, samples)


class ShownTokens(Mapping[tuple[str, int], np.ndarray]):
    """What a reader shows of the tokens of segments, made when it is asked for.

    As long as anything holds an array, the same one is given again.

    Parameters
    ----------
    tokens : mapping
        From (record id, segment) to ids, int32 [tokens].
    reader : PlusReader
    num_samples : int
        Of a lead.
    """

    def __init__(self, tokens: Mapping[tuple[str, int], np.ndarray], reader: PlusReader, num_samples: int) -> None:
        self._tokens, self._reader, self._num_samples = tokens, reader, num_samples
        self._given: WeakValueDictionary[tuple[str, int], np.ndarray] = WeakValueDictionary()

    def __getitem__(self, key: tuple[str, int]) -> np.ndarray:
        shown = self._given.get(key)
        if shown is None:
            shown = self._given[key] = self._reader.shown(self._tokens[key], self._num_samples)
        return shown

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter(self._tokens)

    def __len__(self) -> int:
        return len(self._tokens)


def reading(study: Study, method: Method, seed: int) -> Reading:
    """Of a method that reads tokens with what the profile's table ``[plus]`` adds."""
    profile = study.profile
    plus, rate = profile.plus, profile.preprocessing.target_rate
    tasks = study.tokenizer_of(method)
    reader = PlusReader(
        tasks.trained.step.folder,
        tasks.encoded.step.folder,
        method.matching,
        method.faults,
        plus=plus,
        seed=seed,
        frame_samples=plus.frame_samples(profile.data.segment_seconds, rate),
    )
    frames = profile.data.segment_seconds / plus.frame_seconds if plus.frame_seconds else 0
    return Reading(
        reader,
        (tasks.segments, tasks.trained, tasks.measured, tasks.encoded),
        (__name__,),
        settings=dataclasses.asdict(plus),
        positions=frames or tasks.expected_positions,
        measured=(Measured("tokenizer", (tasks.trained, tasks.encoded)),),
        in_training=reader.in_training,
    )
