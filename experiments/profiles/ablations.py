"""Ablations: runs of ``ecg-byte`` with settings changed, or of another method, at a budget of their own."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

from experiments.profiles.methods import REFERENCE_METHOD, Method, find_method
from experiments.profiles.settings import Sections
from experiments.profiles.settings_reading import change_settings, split_changes

BASE = "base"
Whole = TypeVar("Whole", bound=Sections)
_METHOD = "method="


def ablated(profile: Whole, change: str) -> tuple[Method, Whole]:
    """The method and the profile of one ablation.

    Parameters
    ----------
    profile : Profile
        Whose ablation it is; its ``ablations.budget`` is a change of them all.
    change : str
        Such as ``"tokenizer.num_merges=500"``, ``"method=ecg-byte-merge-order"``, or several of these, with ``", "``
        between them; empty for the run that the others are compared with.

    Raises
    ------
    ValueError
        If a setting or a method is unknown, or a value does not fit.
    """
    method = find_method(REFERENCE_METHOD)
    settings = list(split_changes(profile.ablations.budget))
    for part in split_changes(change):
        if part.startswith(_METHOD):
            method = find_method(part.removeprefix(_METHOD))
        else:
            settings.append(part)
    return method, change_settings(profile, ", ".join(settings)) if settings else profile


def unchanged(change: str, changes: Collection[str]) -> str:
    """What a run with something changed is compared with: the same method with nothing else changed, or `BASE`.

    `BASE` where no such run is among `changes`.
    """
    alone = ", ".join(part for part in split_changes(change) if part.startswith(_METHOD))
    return alone if alone != change and alone in changes else BASE


def ablation_methods(profile: Sections) -> tuple[str, ...]:
    """The methods that the ablations of a profile name."""
    parts = [part for change in profile.ablations.changes for part in split_changes(change)]
    return tuple(part.removeprefix(_METHOD) for part in parts if part.startswith(_METHOD))


def check_ablations(profile: Sections) -> None:
    """Raise ValueError where an ablation of a profile cannot be made, or changes nothing."""
    base = ablated(profile, "")
    for change in profile.ablations.changes:
        try:
            changed = ablated(profile, change)
        except ValueError as error:
            raise ValueError(f"ablations.changes: {change!r}: {error}") from error
        if not changed[0].is_trained:
            raise ValueError(f"ablations.changes: {change!r}: {changed[0].name!r} trains no language model")
        if changed == base:
            raise ValueError(f"ablations.changes: {change!r} changes nothing")
