"""All that a profile asks for, as groups of tasks: shown by ``--dry-run``, done one after the other otherwise."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from experiments.profiles.ablations import BASE, ablated
from experiments.profiles.input_settings import LEAKY
from experiments.steps.method_runs import MethodRun
from experiments.steps.study import Study
from experiments.steps.transfer import TransferRun
from experiments.steps.work_folder import Failure, Task, WorkFolder

DATA = "data"
"""The group that prepares what all others read."""

# What a run may fail with while the others go on; an interruption is none of them.
FAILURES = (ArithmeticError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True)
class Group:
    """The tasks of one run, in order. Where one fails, those after it are left out, and other groups go on."""

    name: str
    tasks: tuple[Task, ...]


class Plan:
    """What a profile asks for.

    Parameters
    ----------
    study : Study
        The profile's data.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self.profile = study.profile

    @cached_property
    def methods(self) -> list[MethodRun]:
        """Every method with every training seed, seed by seed, so that a stopped run has whole comparisons.

        Raises
        ------
        ValueError
            If records are trained on and tested: no row of a method may come from that.
        """
        profile = self.profile
        if profile.data.split == LEAKY:
            raise ValueError(
                f"data.split: got {LEAKY!r}, which tests on records that were trained on; expected 'patient', and "
                f"'data.split={LEAKY}' among ablations.changes"
            )
        methods = profile.all_methods
        runs = []
        for place, seed in enumerate(profile.training_seeds):
            # A method in which nothing is drawn has one run.
            runs += [MethodRun(self.study, method, seed) for method in methods if method.has_seeds or not place]
        return runs

    @cached_property
    def ablations(self) -> list[tuple[str, MethodRun]]:
        """The runs with something changed, and of ``ecg-byte`` without a change (`BASE`), by what was changed."""
        settings = self.profile.ablations
        runs = []
        for change in ("", *settings.changes) if settings.changes else ():
            method, profile = ablated(self.profile, change)
            study = Study(
                profile, self.study.work, self.study.roots, self.study.questions_root, tracking=self.study.tracking
            )
            runs += [
                (change or BASE, MethodRun(study, method, seed, ("ecg", "other-patient"))) for seed in settings.seeds
            ]
        return runs

    @cached_property
    def transfers(self) -> list[TransferRun]:
        """The trained methods on other data sets."""
        settings = self.profile.transfer
        return [
            TransferRun(run, dataset)
            for dataset in settings.datasets
            for run in self.methods
            if run.method.name in settings.methods
        ]

    @property
    def matchings(self) -> list[str]:
        """How the tokenizers of its methods cut symbols into tokens, sorted; none with settings of its own."""
        read = [method for method in self.profile.all_methods if method.sees_tokens]
        return sorted({method.matching for method in read if not method.tokenizer_changes(self.profile)})

    def groups(self, only: Iterable[str] = ()) -> list[Group]:
        """The tasks of all runs, or of those that are named.

        Parameters
        ----------
        only : iterable of str
            Names of groups, or their beginnings up to a colon: ``"ecg-byte"``, ``"merl:1"``, ``"ablation"``.

        Raises
        ------
        ValueError
            If a name fits no group.
        """
        tokenizers = [task for matching in self.matchings for task in self.study.tokenizer_tasks(matching).tasks]
        groups = [Group(DATA, (*self.study.data_tasks, *tokenizers))]
        groups += [
            Group(f"{run.method.name}:{run.seed}", tuple(run.tasks(timed=run.seed == self.profile.training_seeds[0])))
            for run in self.methods
        ]
        groups += [
            Group(f"ablation:{variant}:{run.seed}", tuple(run.tasks(timed=False))) for variant, run in self.ablations
        ]
        groups += [
            Group(f"transfer:{run.dataset}:{run.run.method.name}:{run.run.seed}", tuple(run.tasks()))
            for run in self.transfers
        ]
        wanted = tuple(only)
        for name in wanted:
            if not any(_fits(group.name, name) for group in groups):
                raise ValueError(f"--only: {name!r} is no run of this profile; --dry-run lists them")
        return [group for group in groups if not wanted or any(_fits(group.name, name) for name in wanted)]


def execute(groups: Sequence[Group], work: WorkFolder, *, alone: bool = True) -> list[Failure]:
    """Do all tasks that are not done; a run that fails is recorded, and the others go on.

    After each run the time left is told, from the operations of what is done and what is not.

    Parameters
    ----------
    groups : sequence of Group
    work : WorkFolder
    alone : bool
        Whether nothing else is done meanwhile; otherwise tasks that are timed are left for later.
    """
    failures = []
    left = _operations(task for group in groups for task in _not_done(group))
    started, finished = time.perf_counter(), 0.0
    for number, group in enumerate(groups, 1):
        waiting = _operations(_not_done(group))
        print(f"--- {group.name} ({number} of {len(groups)})", file=sys.stderr, flush=True)
        try:
            for task in group.tasks:
                if alone or not task.alone:
                    work.run(task)
        except FAILURES as error:
            failures.append(Failure(group.name, f"{type(error).__name__}: {error}", traceback.format_exc()))
            print(f"--- {group.name} failed: {error}", file=sys.stderr, flush=True)
        finished, left = finished + waiting, max(0.0, left - waiting)
        if finished and number < len(groups):
            minutes = (time.perf_counter() - started) / finished * left / 60
            print(f"--- about {minutes:.0f} minutes left", file=sys.stderr, flush=True)
    return failures


def unfinished(groups: Sequence[Group]) -> list[Failure]:
    """The runs that have steps to do, as failures without a traceback."""
    left = [(group.name, [task.step.name for task in _not_done(group)]) for group in groups]
    return [Failure(name, f"not finished, to do: {', '.join(steps)}", "") for name, steps in left if steps]


def _fits(group: str, name: str) -> bool:
    return group == name or group.startswith(f"{name}:")


def _not_done(group: Group) -> list[Task]:
    return [task for task in group.tasks if not task.step.is_done]


def _operations(tasks: Iterable[Task]) -> float:
    return sum({task.step.fingerprint: task.operations for task in tasks}.values())
