"""One training run of one method: its model, its answers under every input, and the time of its steps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from ecgbyte.data.controls import INPUTS
from ecgbyte.files import fingerprint
from experiments.profiles import expected_cost
from experiments.profiles.entries import load, module_of
from experiments.profiles.faults import NOAM_SCHEDULE, PADDED
from experiments.profiles.methods import Method
from experiments.steps.answering import AnswerSettings, answer_test_questions, sample_test_answers
from experiments.steps.attention import attention_of_method
from experiments.steps.learning import LearningSettings, train_method
from experiments.steps.rates import choose_rate, take_over, try_rate
from experiments.steps.readers.reading import Reader, Reading
from experiments.steps.shown import Shown
from experiments.steps.study import Study
from experiments.steps.timing import time_method
from experiments.steps.trivial import answer_by_rule
from experiments.steps.work_folder import Step, Task


class MethodRun:
    """The tasks of one method with one training seed.

    Parameters
    ----------
    study : Study
        Data and encoders.
    method : Method
    seed : int
        The training seed.
    inputs : sequence of str or None
        What the model is shown at test time; None: the ECG and every control.
    """

    def __init__(self, study: Study, method: Method, seed: int, inputs: Sequence[str] | None = None) -> None:
        self.study = study
        self.method = method
        self.seed = seed
        self.inputs = tuple(inputs or INPUTS) if method.sees_ecg else (method.own_input,)

    @cached_property
    def reading(self) -> Reading:
        """How it reads ECGs; only of a method that has a reader."""
        open_reading = load(self.method.reader, f"{self.method.name}: reader")
        reading: Reading = open_reading(self.study, self.method, self.seed)
        return reading

    @property
    def reader(self) -> Reader:
        """Opens what the steps before its training left."""
        return self.reading.reader

    @cached_property
    def shown(self) -> Shown:
        """The questions with what the method sees; the tasks before its training must be done."""
        prepared, profile = self.study.prepared, self.study.profile
        view = self.reader.view(prepared.segments)
        identity = self.reading.tasks[-1].step.fingerprint
        shown = Shown(prepared, view, profile.seed, profile.training.questions_per_segment, identity)
        return shown if self.reading.in_training is None else self.reading.in_training(shown)

    @cached_property
    def terms(self) -> LearningSettings:
        """How its language model is trained, with all learning rates that are tried."""
        profile, faults, published = self.study.profile, self.method.faults, self.study.profile.as_published
        fixed = published.tokens_padded_length if self.method.sees_tokens else published.padded_length
        return LearningSettings(
            profile.model,
            profile.training,
            answer_room=profile.evaluation.max_new_tokens,
            seed=self.seed,
            faults=faults,
            padded_length=fixed if set(PADDED) & set(faults) else None,
            warmup_steps=published.warmup_steps if NOAM_SCHEDULE in faults else None,
        )

    @cached_property
    def learning(self) -> LearningSettings:
        """How its language model is trained; where a learning rate is chosen, the trials must be done."""
        rates = self.terms.training.learning_rates
        rate = rates[0] if self.rates_task is None else self.rates_task.step.details["learning_rate"]
        return self.terms.with_rate(rate)

    @property
    def answer_settings(self) -> AnswerSettings:
        """How its answers are generated."""
        evaluation = self.study.profile.evaluation
        return AnswerSettings(evaluation.max_new_tokens, evaluation.batch_size)

    def pretraining_tasks(self) -> tuple[Task, ...]:
        """The stages 1 of its encoder; none where it has no such stage."""
        return self.reading.pretraining if self.method.is_trained else ()

    def step(self, name: str, settings: dict[str, Any], after: tuple[Step, ...], *modules: str) -> Step:
        """A step that reads ECGs as the method does."""
        return self.study.work.step(name, settings, after, modules=(*modules, *self.reading.modules))

    @cached_property
    def tuned(self) -> MethodRun:
        """The run of the method, with the first training seed, whose trials choose the learning rate of all of them."""
        first = self.study.profile.training_seeds[0]
        return self if self.seed == first else MethodRun(self.study, self.method, first)

    @cached_property
    def trial_tasks(self) -> dict[float, Task]:
        """Train with each of several learning rates; none where there is one, or the published one is kept."""
        if not self.method.is_trained or NOAM_SCHEDULE in self.method.faults:
            return {}
        if self.tuned is not self:
            return self.tuned.trial_tasks
        rates = self.terms.training.learning_rates
        return {rate: self._trial_task(rate) for rate in rates} if len(rates) > 1 else {}

    def _trial_task(self, rate: float) -> Task:
        learning = self.terms.with_rate(rate, self.terms.training.trial_epochs or None)
        step = self._training_step(f"trial-{self.method.name}-{rate:g}", learning)

        def build(folder: Path) -> dict[str, Any]:
            description = f"{self.method.name}, learning rate {rate:g}"
            return try_rate(folder, self.reader, learning, self.shown, description)

        return self._training_task(step, build, learning)

    @cached_property
    def rates_task(self) -> Task | None:
        """Choose the learning rate; None where there is no choice."""
        trials = self.trial_tasks
        if not trials:
            return None
        step = self.study.work.step(
            f"rates-{self.method.name}",
            {},
            tuple(task.step for task in trials.values()),
            modules=("ecgbyte.training.learning_rates",),
        )

        def build(_: Path) -> dict[str, Any]:
            return choose_rate({rate: task.step.details for rate, task in trials.items()})

        return Task(step, build)

    @cached_property
    def train_task(self) -> Task:
        """Train the language model."""
        chosen = () if self.rates_task is None else (self.rates_task.step,)
        step = self._training_step(f"train-{self.method.name}-{self.seed}", self.terms, *chosen)

        def build(folder: Path) -> dict[str, Any]:
            learning, trials = self.learning, self.trial_tasks
            if self.tuned is self and trials and self.terms.training.trial_epochs in (0, learning.training.epochs):
                take_over(trials[learning.learning_rate].step.folder, folder)
            description = f"{self.method.name}, seed {self.seed}"
            return train_method(folder, self.reader, learning, self.shown, description, self.study.tracking)

        return self._training_task(step, build, self.terms)

    def _training_step(self, name: str, learning: LearningSettings, *after: Step) -> Step:
        settings = {
            "method": self.method.settings(),
            "learning": learning.plain(),
            "reading": dict(self.reading.settings),
            "seed": self.study.profile.seed,
        }
        before = (self.reading.tasks[-1].step, self.study.questions_task.step, *after)
        return self.step(name, settings, before, "experiments.steps.learning")

    def _training_task(self, step: Step, build: Callable[[Path], dict[str, Any]], learning: LearningSettings) -> Task:
        profile, reading = self.study.profile, self.reading
        operations = expected_cost.training_operations(
            profile, reading.positions, reading.operations, padded_length=learning.padded_length
        )
        share = learning.training.epochs / profile.training.epochs
        return Task(step, build, operations=share * operations, size=expected_cost.model_bytes(profile))

    @cached_property
    def answer_task(self) -> Task:
        """Answer the test questions under every input."""
        name = f"answers-{self.method.name}-{self.seed}"
        if self.method.rule:
            return self._rule_task(name)
        if self.method.answerer:
            return self._answerer_task(name)
        settings, trained = self.answer_settings, self.train_task.step
        step = self.step(
            name,
            {
                "max_new_tokens": settings.max_new_tokens,
                "batch_size": settings.batch_size,
                "inputs": list(self.inputs),
                "seed": self.study.profile.seed,
            },
            (trained,),
            "experiments.steps.answering",
        )

        def build(folder: Path) -> dict[str, Any]:
            return answer_test_questions(
                folder, trained.folder, self.reader, self.learning, settings, self.shown, self.inputs, name
            )

        operations = expected_cost.answering_operations(self.study.profile, self.reading.positions, len(self.inputs))
        return Task(step, build, operations=operations)

    def _rule_task(self, name: str) -> Task:
        rule = self.method.rule
        step = self.study.work.step(
            name,
            {"rule": rule},
            (self.study.questions_task.step,),
            modules=("experiments.steps.trivial", module_of(rule)),
        )

        def build(folder: Path) -> dict[str, Any]:
            prepared = self.study.prepared
            train, test = prepared.questions["train"], prepared.questions["test"]
            return answer_by_rule(folder, load(rule, f"{self.method.name}: rule"), train, test, prepared.patients)

        return Task(step, build)

    def _answerer_task(self, name: str) -> Task:
        answerer, settings, learning = self.method.answerer, self.answer_settings, self.learning
        step = self.step(
            name,
            {
                "answerer": answerer,
                "method": self.method.settings(),
                "learning": learning.plain(),
                "reading": dict(self.reading.settings),
                "max_new_tokens": settings.max_new_tokens,
                "batch_size": settings.batch_size,
                "inputs": list(self.inputs),
                "seed": self.study.profile.seed,
            },
            (self.reading.tasks[-1].step, self.study.questions_task.step),
            module_of(answerer),
        )

        def build(folder: Path) -> dict[str, Any]:
            answer = load(answerer, f"{self.method.name}: answerer")
            result: dict[str, Any] = answer(folder, self.reader, learning, settings, self.shown, self.inputs, name)
            return result

        return Task(step, build)

    @cached_property
    def decodings_task(self) -> Task:
        """Answer the test questions several times, by draws."""
        evaluation, settings, trained = self.study.profile.evaluation, self.answer_settings, self.train_task.step
        name = f"decodings-{self.method.name}-{self.seed}"
        number, temperature = evaluation.sampled_decodings, evaluation.temperature
        how = {"number": number, "temperature": temperature, **dataclasses.asdict(settings)}
        step = self.step(name, how, (trained,), "experiments.steps.answering")

        def build(folder: Path) -> dict[str, Any]:
            reader, learning, shown = self.reader, self.learning, self.shown
            return sample_test_answers(
                folder, trained.folder, reader, learning, settings, shown, number, temperature, name
            )

        positions = self.reading.positions
        operations = expected_cost.answering_operations(self.study.profile, positions, number)
        return Task(step, build, operations=operations)

    @cached_property
    def timing_task(self) -> Task:
        """Time training steps in every layout."""
        evaluation = self.study.profile.evaluation
        how = {"rounds": evaluation.speed_rounds, "padded_length": evaluation.padded_length}
        step = self.step(f"speed-{self.method.name}", how, (self.train_task.step,), "experiments.steps.timing")

        def build(_: Path) -> dict[str, Any]:
            return time_method(self.reader, self.learning, self.shown, **how)

        return Task(step, build, operations=0.02 * self.train_task.operations, alone=True)

    @cached_property
    def attention_task(self) -> Task:
        """Lay the attention of some answers on their ECGs."""
        trained = self.train_task.step
        step = self.step(
            f"attention-{self.method.name}",
            {"seed": self.study.profile.seed},
            (trained,),
            "experiments.steps.attention",
        )

        def build(folder: Path) -> dict[str, Any]:
            return attention_of_method(folder, trained.folder, self.reader, self.learning, self.shown)

        return Task(step, build)

    def tasks(self, *, timed: bool) -> list[Task]:
        """All that this run needs, in order."""
        if not self.method.is_trained:
            before = self.reading.tasks if self.method.reader else ()
            return [*self.study.data_tasks, *before, self.answer_task]
        own = [*self.trial_tasks.values(), *([self.rates_task] if self.rates_task else [])]
        own += [self.train_task, self.answer_task]
        if timed and self.method.timed:
            own.append(self.timing_task)
        if timed and self.method.decoded_again and self.study.profile.evaluation.sampled_decodings:
            own.append(self.decodings_task)
        if timed and self.method.draws_attention:
            own.append(self.attention_task)
        tried = self.tuned.reading.tasks if self.trial_tasks else []
        return [*self.study.data_tasks, *tried, *self.reading.tasks, *own]

    @property
    def code(self) -> str:
        """Identifies the code of all the steps that its answers come from."""
        before = self.reading.tasks if self.method.reader else ()
        trained = (self.train_task,) if self.method.is_trained else ()
        tasks = (*self.study.data_tasks, *before, *trained, self.answer_task)
        return fingerprint(*sorted({task.step.code for task in tasks}))
