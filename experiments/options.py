"""What the doors of the harness are asked on the command line: a profile with its changes, folders, and what to do."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from experiments.profiles.data_sets import DATA_SETS
from experiments.profiles.profile import Profile, profile_names, read_profile
from experiments.profiles.settings_reading import change_settings
from experiments.steps.work_folder import ROOT


def parser(*, add_help: bool = True) -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments",
        description="Run a profile and write its results.",
        epilog="python -m experiments export RUN FOLDER writes a finished run as a model that one can ask.",
        add_help=add_help,
    )
    readable = [name for name, data_set in DATA_SETS.items() if "root" in data_set.arguments]
    parser.add_argument(
        "--profile",
        default="default",
        help=f"one of {', '.join(profile_names())}, or a .toml file (default: %(default)s)",
    )
    parser.add_argument(
        "--root",
        action="append",
        default=[],
        metavar="[NAME=]DIR",
        help=f"the folder of the profile's data set, or NAME=DIR of another ({', '.join(readable)}); may be repeated",
    )
    parser.add_argument(
        "--questions",
        type=Path,
        metavar="DIR",
        help="the folder of question files (ECG-QA, ECG-Chat), or the file of your own (docs/extend.md)",
    )
    parser.add_argument("--seeds", metavar="0,1,...", help="training seeds in place of the profile's")
    parser.add_argument(
        "--change",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a setting, such as training.epochs=2; may be repeated",
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would run, its time and disk, and stop")
    parser.add_argument("--json", action="store_true", help="with --dry-run: show it as JSON")
    parser.add_argument(
        "--flops",
        type=float,
        metavar="F",
        help="with --dry-run: the time on a machine of so many operations a second, such as 300e12, not on this one",
    )
    parser.add_argument(
        "--only",
        metavar="RUN,...",
        help="do these runs of the plan (such as merl:1, or ecg-byte) and write no results; to share work out",
    )
    parser.add_argument(
        "--finished", action="store_true", help="write the results of the runs that are finished, and run nothing"
    )
    parser.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="runs at a time, each in a process with one thread (default: one a core, or one where there is a GPU)",
    )
    parser.add_argument(
        "--tracking", choices=("tensorboard", "trackio", "wandb"), help="follow training there (default: nowhere)"
    )
    parser.add_argument(
        "--export",
        type=Path,
        metavar="FOLDER",
        help="also write the model of the first run of ecg-byte there, in the place of an earlier one",
    )
    parser.add_argument("--results", type=Path, default=ROOT / "results", help="where results/<profile> is written")
    parser.add_argument("--work", type=Path, default=ROOT / "work", help="where finished steps are kept")
    return parser


def read_chosen(options: argparse.Namespace) -> tuple[Profile, dict[str, Path]]:
    """The profile that was chosen, with its changes, and the folder of each data set.

    Raises
    ------
    ValueError, FileNotFoundError
        If an option does not fit.
    """
    profile = _profile(options)
    return profile, _roots(options.root, profile)


def _profile(options: argparse.Namespace) -> Profile:
    try:
        profile = read_profile(options.profile)
        if options.change:
            # All at once: one may only fit together with another.
            profile = change_settings(profile, ", ".join(options.change))
    except RecursionError as error:
        raise ValueError("profile: its TOML is nested too deep to be read") from error
    if options.seeds is not None:
        parts = options.seeds.split(",")
        if not all(part.isdecimal() for part in parts):
            raise ValueError(f"--seeds: got {options.seeds!r}, expected whole numbers with commas between them")
        profile = dataclasses.replace(profile, training_seeds=tuple(map(int, parts)))
    return profile


def _roots(given: list[str], profile: Profile) -> dict[str, Path]:
    """The folder of each data set that was named; what stands before ``=`` is a name only where one is so called."""
    named = {*DATA_SETS, profile.data.dataset, *profile.transfer.datasets}
    roots: dict[str, Path] = {}
    for text in given:
        name, sign, folder = text.partition("=")
        if not (sign and name in named):
            name, folder = profile.data.dataset, text
        if name in roots:
            raise ValueError(f"--root: got two folders of {name!r}, {roots[name]} and {folder}")
        roots[name] = Path(folder)
    return roots
