"""The sections of a profile that say what is read, how it is prepared and what is asked, checked when they are made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecgbyte.checks import check_option
from ecgbyte.data.catalogue import FINDING_TYPES
from ecgbyte.data.questions.question import SINGLE_QUESTION_TYPES
from ecgbyte.data.questions.templates import TEMPLATES
from experiments.profiles.data_sets import find_data_set
from experiments.profiles.value_checks import at_least, positive

if TYPE_CHECKING:
    from ecgbyte.signals.preprocess import Preprocessor

LEAKY = "leaky-question"
QUESTION_SOURCES = ("generated", "ecg-qa", "ecg-chat", "generated+ecg-qa", "files")


@dataclass(frozen=True)
class DataSettings:
    """Which records: a data set of `experiments.profiles.data_sets`, or ``module:Class``; 0 records take the whole
    split. `num_patients` is for data sets that are made, `sampling_rate` is that of the records.

    Of the training records `train_share` are trained on, tokenizer and stage 1 too, in whole patients; what is asked of
    the held-out splits stays as it is. `split` is by ``"patient"``; ``"leaky-question"``, as published, deals questions
    to the splits whatever their records, so that records are trained on and tested. It is for ablations alone.
    """

    dataset: str
    num_patients: int = 0
    sampling_rate: int = 500
    train_records: int = 0
    validation_records: int = 0
    test_records: int = 0
    segment_seconds: float = 2.0
    segments_per_record: int = 5
    train_share: float = 1.0
    split: str = "patient"

    def __post_init__(self) -> None:
        data_set = find_data_set(self.dataset)
        at_least(self, "data", 0, "train_records", "validation_records", "test_records")
        at_least(self, "data", 1, "segments_per_record", "sampling_rate")
        at_least(self, "data", 1 if data_set.is_made else 0, "num_patients")
        positive(self, "data", "segment_seconds")
        if not 0 < self.train_share <= 1:
            raise ValueError(f"data.train_share: got {self.train_share}, expected more than 0 and at most 1")
        check_option("data.split", self.split, ("patient", LEAKY))
        check_rate("data.sampling_rate", self.sampling_rate, self.dataset)


def check_rate(setting: str, rate: int, dataset: str) -> None:
    """Raise ValueError if a data set's records do not come at this rate."""
    rates = find_data_set(dataset).sampling_rates
    if rates and rate not in rates:
        raise ValueError(
            f"{setting}: got {rate}, the records of {dataset} are at {' or '.join(map(str, rates))} samples a second"
        )


@dataclass(frozen=True)
class PreprocessingSettings:
    """The chain that every record goes through, and the rate of the segments; see `ecgbyte.signals.preprocess`.

    `as_published` runs the published code's own chain. An empty `notch` or `band`, and a `highpass` of 0, switch these
    filters off; a `wavelet_level` of 0 follows the rate.
    """

    target_rate: float = 250.0
    as_published: bool = False
    notch: tuple[float, ...] = (50.0, 60.0)
    band: tuple[float, ...] = (0.5, 100.0)
    highpass: float = 0.05
    denoise: bool = True
    wavelet_level: int = 0

    def __post_init__(self) -> None:
        try:
            self.preprocessor()
        except ValueError as error:
            raise ValueError(f"preprocessing.{error}") from error
        if not self.denoise and self.wavelet_level:
            raise ValueError(
                f"preprocessing.wavelet_level: got {self.wavelet_level}, which does nothing where denoise is false"
            )

    def preprocessor(self) -> Preprocessor:
        """The chain."""
        from ecgbyte.signals.preprocess import Preprocessor

        # ``band=()`` is none, anything else is checked there.
        band: Any = self.band or None
        return Preprocessor(
            self.target_rate,
            as_published=self.as_published,
            notch=self.notch,
            band=band,
            highpass=None if self.highpass == 0 else self.highpass,
            denoise=self.denoise,
            wavelet_level=None if self.wavelet_level == 0 else self.wavelet_level,
        )


@dataclass(frozen=True)
class TokenizerSettings:
    """How the ECG tokenizer is trained: on at most `records` training records, or all (0), drawn as `sampling` says.

    How it cuts symbols into tokens belongs to a method, not to a profile. The `amplitude_range` ``"levels"`` has levels
    of unequal width that reach to the R peaks (`ecgbyte.signals.amplitude_levels`).
    """

    num_merges: int = 3500
    boundary: str = "lead"
    amplitude_range: str = "global"
    alphabet_size: int = 26
    sampling: str = "random"
    records: int = 0

    def __post_init__(self) -> None:
        check_option("tokenizer.boundary", self.boundary, ("lead", "record"))
        check_option("tokenizer.amplitude_range", self.amplitude_range, ("global", "per-record", "levels"))
        check_option("tokenizer.sampling", self.sampling, ("random", "clusters"))
        at_least(self, "tokenizer", 0, "num_merges", "records")
        if not 2 <= self.alphabet_size <= 256:
            raise ValueError(f"tokenizer.alphabet_size: got {self.alphabet_size}, expected 2 to 256")


@dataclass(frozen=True)
class QuestionSettings:
    """Where the questions come from, how many each split gets, and of what; an empty list, or 0, means all.

    ``generated`` asks about the findings of the data set. There `minimum_count` training records must give an answer
    before training asks for it; held-out splits ask what training taught, in the words and with the answers that it
    had there, wherever 5 records allow it. Rhythms that take seconds to tell
    (`ecgbyte.data.questions.segment_length`) are asked about where a segment has `rhythm_seconds`.
    ``ecg-qa``, ``ecg-chat`` and ``files`` (own questions, see `experiments.steps.question_files`) are read from what
    the user names, and dealt to the splits by their records; `train`, `validation` and `test` are then the most that
    are drawn. Of the other settings only `question_types` holds for ECG-QA, and none for ECG-Chat and own questions.
    ``generated+ecg-qa`` adds to the generated questions at most `ecgqa_train` and `ecgqa_test` of ECG-QA's; validation
    holds generated ones alone. `reports` training records at most are asked for their whole report, whatever the
    source, and test records in proportion; of reports with more than `report_characters` (0: any number) none.
    `ecgqa_version` says whether ECG-QA speaks in its templates' words or in varying ones.
    """

    train: int
    validation: int
    test: int
    question_types: tuple[str, ...] = SINGLE_QUESTION_TYPES
    finding_types: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    paraphrases: int = 0
    minimum_count: int = 5
    rhythm_seconds: float = 5.0
    reports: int = 0
    report_characters: int = 0
    source: str = "generated"
    ecgqa_version: str = "paraphrased"
    ecgqa_train: int = 0
    ecgqa_test: int = 0

    def __post_init__(self) -> None:
        check_option("questions.source", self.source, QUESTION_SOURCES)
        check_option("questions.ecgqa_version", self.ecgqa_version, ("paraphrased", "template"))
        for kind in self.question_types:
            check_option("questions.question_types", kind, SINGLE_QUESTION_TYPES)
        at_least(
            self,
            "questions",
            0,
            *("train", "validation", "test", "paraphrases", "ecgqa_train", "ecgqa_test"),
            *("reports", "report_characters"),
        )
        for name in self.finding_types:
            check_option("questions.finding_types", name, FINDING_TYPES)
        for name in self.templates:
            check_option("questions.templates", name, tuple(template.template_id for template in TEMPLATES))
        at_least(self, "questions", 1, "minimum_count")
        if not (math.isfinite(self.rhythm_seconds) and self.rhythm_seconds >= 0):
            raise ValueError(f"questions.rhythm_seconds: got {self.rhythm_seconds}, expected 0 (always) or more")

    @property
    def are_generated(self) -> bool:
        """Whether questions are generated, so that any record can be asked about."""
        return self.source in ("generated", "generated+ecg-qa")

    @property
    def are_read(self) -> bool:
        """Whether questions are read from files."""
        return self.source != "generated"
