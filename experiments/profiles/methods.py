"""The methods, by name: a method is its module and one entry here.

The entry says which reader leads to the ECG (a module of `experiments.steps.readers`, or of anyone's), the parts that
the reader takes, and which published faults it can keep. A method that declares faults has a twin that keeps them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ecgbyte.checks import check_option
from experiments.profiles.departures import (
    control,
    keeps_faults,
    keeps_faults_of_tokens,
    linear_reader,
    plus,
    untrained,
    with_random_encoder,
    without_pretraining,
)
from experiments.profiles.faults import (
    ALL_IDS_IN_ANSWERS,
    FAULTS,
    FIXED_PADDING,
    FROZEN_MEAN_ROWS,
    IDENTICAL_REPORTS,
    MASK_AT_TEST_TIME,
    NOAM_SCHEDULE,
    PADDING_IN_LABELS,
    RECORD_NORMALISATION,
    TOKENS_ACROSS_LEADS,
    TRUNCATION,
    UNTRAINED_FUSION,
)

AS_PUBLISHED, FROM_SCRATCH, RANDOM = "-as-published", "-from-scratch", "-random"
REFERENCE_METHOD = "ecg-byte"


@dataclass(frozen=True)
class Method:
    """One row of the tables.

    Attributes
    ----------
    name : str
        As in the results.
    reads : str
        In words for tables: ``"tokens"``, ``"features"``, ``"signals"``, ``"text"`` or ``"training-answers"``.
    family : str
        The family of the comparison that it belongs to; see `experiments.rows.groups.FAMILIES`.
    reader : str
        ``module:function`` that gives the `experiments.steps.readers.reading.Reading` of one of its runs. Empty for a
        method that reads no ECG and trains no language model.
    rule : str
        For a method without either: ``module:function`` from training and test questions to answers.
    answerer : str
        For a method with a reader that trains no language model: ``module:function`` that answers the test questions
        under every input, with the arguments of `experiments.steps.untrained.answer_untrained`.
    encoder : str
        One of `experiments.profiles.encoders.ENCODERS`, where its reader has one.
    matching : str
        Where its reader has an ECG tokenizer: how that cuts symbols into tokens.
    sees_ecg : bool
        Whether anything of the ECG reaches it.
    pretrained : bool
        Whether its encoder has a stage 1 of its own, before the language model is trained.
    random_encoder : bool
        Whether its encoder is frozen as it was drawn.
    uses_plus : bool
        Whether it does what the profile's table ``[plus]`` says.
    draws : bool
        Whether an answerer depends on the training seed, so that every seed has a run; all that is trained does.
    can_keep : tuple of str
        Of `experiments.profiles.faults.FAULTS`, those of its published code with which something can be trained.
    as_published : bool
        Whether it keeps them.
    timed : bool
        Whether its training steps are timed in every layout; the others cost what one of these costs.
    decoded_again : bool
        Whether the first of its training runs is decoded by draws, where a profile asks for that.
    draws_attention : bool
        Whether what some of its answers looked at is kept.
    deviation : callable or None
        From the profile to where the method differs from what was published, in one sentence.
    """

    name: str
    reads: str
    family: str
    reader: str = ""
    rule: str = ""
    answerer: str = ""
    encoder: str = ""
    matching: str = ""
    sees_ecg: bool = True
    pretrained: bool = False
    random_encoder: bool = False
    uses_plus: bool = False
    draws: bool = False
    can_keep: tuple[str, ...] = ()
    as_published: bool = False
    timed: bool = False
    decoded_again: bool = False
    draws_attention: bool = False
    deviation: Callable[[Any], str] | None = dataclasses.field(default=None, compare=False)

    def __post_init__(self) -> None:
        if bool(self.reader) == bool(self.rule):
            raise ValueError(f"{self.name}: expected a reader or a rule, got {self.reader!r} and {self.rule!r}")
        if self.answerer and not self.reader:
            raise ValueError(f"{self.name}: answerer: got {self.answerer!r}, which needs a reader")
        if self.pretrained and self.random_encoder:
            raise ValueError(f"{self.name}: random_encoder=True, but its encoder is pretrained")
        for fault in self.can_keep:
            check_option(f"{self.name}: can_keep", fault, FAULTS)
        if self.as_published and not self.can_keep:
            raise ValueError(f"{self.name}: as_published=True, but it declares no fault that it could keep")

    @property
    def is_trained(self) -> bool:
        """Whether a language model is trained."""
        return bool(self.reader) and not self.answerer

    @property
    def has_seeds(self) -> bool:
        """Whether there is a run for every training seed, not one for all."""
        return self.is_trained or self.draws

    @property
    def sees_tokens(self) -> bool:
        """Whether the ECG reaches it as tokens of an ECG tokenizer."""
        return self.sees_ecg and bool(self.matching)

    def tokenizer_changes(self, profile: Any) -> dict[str, str]:
        """The settings of its ECG tokenizer that are not those of the profile's table ``[tokenizer]``."""
        changes = {}
        if TOKENS_ACROSS_LEADS in self.faults:
            changes["boundary"] = "record"
        if self.uses_plus and profile.plus.unclipped_levels:
            changes["amplitude_range"] = "levels"
        return changes

    @property
    def stage(self) -> str:
        """The stage in which its language model is trained: after a frozen encoder, or together with all else."""
        return "stage-2" if self.pretrained or self.random_encoder else "end-to-end"

    @property
    def own_input(self) -> str:
        """What it is trained on, one of `ecgbyte.data.controls.INPUTS`."""
        return "ecg" if self.sees_ecg else "text-only"

    @property
    def faults(self) -> tuple[str, ...]:
        """The published faults that it keeps."""
        return self.can_keep if self.as_published else ()

    def settings(self) -> dict[str, Any]:
        """What of it a training depends on, as plain data; its reader adds what else it takes from the profile."""
        return {
            "reader": self.reader,
            "encoder": self.encoder,
            "matching": self.matching,
            "sees_ecg": self.sees_ecg,
            "faults": list(self.faults),
        }


def with_twins(*methods: Method) -> tuple[Method, ...]:
    """The methods, then the twins ``NAME-as-published`` of those that declare faults."""
    keeping = [method for method in methods if method.can_keep]
    twins = [
        dataclasses.replace(
            method,
            name=method.name + AS_PUBLISHED,
            as_published=True,
            timed=False,
            decoded_again=False,
            draws_attention=False,
            deviation=keeps_faults_of_tokens if method.matching else keeps_faults,
        )
        for method in keeping
    ]
    return (*methods, *twins)


_TOKENS = "experiments.steps.readers.tokens:reading"


def _two_stage(name: str, *faults: str) -> Method:
    return Method(
        name,
        "features",
        "two-stage",
        "experiments.steps.readers.features:reading",
        encoder=name,
        pretrained=True,
        can_keep=(PADDING_IN_LABELS, *faults),
        timed=True,
        decoded_again=True,
    )


def _random(name: str) -> Method:
    return Method(
        name + RANDOM,
        "features",
        "random encoder",
        "experiments.steps.readers.random_features:reading",
        encoder=name,
        random_encoder=True,
        deviation=with_random_encoder,
    )


def _jointly_trained(name: str, encoder: str, *, timed: bool = False) -> Method:
    return Method(
        name,
        "signals",
        "no pretraining",
        "experiments.steps.readers.signals:reading",
        encoder=encoder,
        timed=timed,
        deviation=without_pretraining,
    )


def _tokens(name: str, matching: str, **other: Any) -> Method:
    return Method(name, "tokens", **{"family": "end to end"} | other, reader=_TOKENS, matching=matching)


def _rule(name: str, function: str) -> Method:
    return Method(name, "training-answers", "trivial", rule=function, sees_ecg=False, deviation=control)


_ALL = (
    *with_twins(
        _tokens(
            REFERENCE_METHOD,
            "longest",
            can_keep=(
                *(FROZEN_MEAN_ROWS, TOKENS_ACROSS_LEADS, ALL_IDS_IN_ANSWERS),
                *(NOAM_SCHEDULE, TRUNCATION, FIXED_PADDING),
            ),
            timed=True,
            decoded_again=True,
            draws_attention=True,
        )
    ),
    _tokens("ecg-byte-merge-order", "merge-order"),
    Method(
        "ecg-byte-plus",
        "tokens",
        "end to end",
        "experiments.steps.readers.plus:reading",
        matching="longest",
        uses_plus=True,
        timed=True,
        deviation=plus,
    ),
    *with_twins(
        _two_stage("merl", IDENTICAL_REPORTS),
        _two_stage("vit", MASK_AT_TEST_TIME, RECORD_NORMALISATION),
        _two_stage("clip", IDENTICAL_REPORTS, RECORD_NORMALISATION),
        _two_stage("clip-vit", MASK_AT_TEST_TIME, UNTRAINED_FUSION, IDENTICAL_REPORTS, RECORD_NORMALISATION),
    ),
    *(_jointly_trained(name + FROM_SCRATCH, name) for name in ("merl", "vit", "clip", "clip-vit")),
    _jointly_trained("linear-patches", "linear-patches", timed=True),
    *(_random(name) for name in ("merl", "vit", "clip", "clip-vit")),
    _tokens(
        "token-counts",
        "longest",
        family="linear reader",
        answerer="experiments.steps.token_counting:answer_by_token_counts",
        deviation=linear_reader,
    ),
    _tokens(
        "untrained",
        "longest",
        family="untrained",
        answerer="experiments.steps.untrained:answer_untrained",
        draws=True,
        deviation=untrained,
    ),
    Method(
        "text-only",
        "text",
        "trivial",
        "experiments.steps.readers.text:reading",
        # A text-only model has the ECG tokens in its vocabulary too, so that the models are alike.
        matching="longest",
        sees_ecg=False,
        timed=True,
        deviation=control,
    ),
    _rule("most-frequent", "experiments.steps.trivial:most_frequent_answers"),
    _rule("nearest-question", "experiments.steps.trivial:nearest_question_answers"),
)
METHODS = {method.name: method for method in _ALL}
ENCODERS = tuple(method.encoder for method in _ALL if method.pretrained and not method.as_published)
"""The encoders of the two-stage methods, which are called like them."""


def find_method(name: str) -> Method:
    """The method called `name`.

    Raises
    ------
    ValueError
        If there is none.
    """
    return METHODS[check_option("method", name, tuple(METHODS))]
