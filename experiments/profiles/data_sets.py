"""The data sets, by name: a data set is its module and one entry here, or ``module:Class`` named in a profile.

The class is an `ecgbyte.data.catalogue.RecordSet`. It is made with those of these arguments that its constructor
names, by name: ``root`` (the folder from ``--root``, a `Path`), ``sampling_rate`` (int, samples a second), ``seed``
(int) and ``num_patients`` (int). One that names ``root`` needs a folder; one that names ``num_patients`` is made, not
read. A class that a profile names may say by attributes what an entry says: ``sampling_rates``, ``ecg_qa_folder``,
``source`` and ``deviation``.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.profiles.entries import load, module_of

if TYPE_CHECKING:
    from ecgbyte.data.catalogue import RecordSet

ARGUMENTS = ("root", "sampling_rate", "seed", "num_patients")


@dataclass(frozen=True)
class DataSet:
    """One data set.

    Attributes
    ----------
    name : str
        As in profiles and results.
    place : str
        ``module:Class``.
    arguments : tuple of str
        Which of `ARGUMENTS` the class is made with.
    sampling_rates : tuple of int
        The rates that its records come at, in samples a second; empty: any.
    ecg_qa_folder : str
        Its folder among ECG-QA's questions; empty where ECG-QA asks nothing about it.
    source : str
        What its licence asks of any result made from it.
    deviation : str
        Where it differs from the published data sets, in one sentence; empty where it does not.
    """

    name: str
    place: str
    arguments: tuple[str, ...]
    sampling_rates: tuple[int, ...] = ()
    ecg_qa_folder: str = ""
    source: str = ""
    deviation: str = ""

    @property
    def module(self) -> str:
        """Where its code is."""
        return module_of(self.place)

    @property
    def is_made(self) -> bool:
        """Whether its patients are made from a seed, as many as are asked for."""
        return "num_patients" in self.arguments


_ALL = (
    DataSet(
        "synthetic",
        "ecgbyte.data.synthetic:SyntheticRecords",
        ("sampling_rate", "seed", "num_patients"),
        deviation="The ECGs are synthetic, from this project's generator; their labels are true by construction.",
    ),
    DataSet(
        "ptb-xl",
        "ecgbyte.data.sets.ptbxl:PTBXL",
        ("root", "sampling_rate"),
        (100, 500),
        ecg_qa_folder="ptbxl",
        source="Data: PTB-XL (Wagner et al., Scientific Data 2020, doi:10.1038/s41597-020-0495-6), licence CC BY 4.0; "
        "reports and labels are the data set's, questions are made from them.",
    ),
    DataSet(
        "mimic-iv-ecg",
        "ecgbyte.data.sets.mimic_iv_ecg:MIMICIVECG",
        ("root",),
        (500,),
        ecg_qa_folder="mimic-iv-ecg",
    ),
)
DATA_SETS = {data_set.name: data_set for data_set in _ALL}


def find_data_set(name: str, setting: str = "data.dataset") -> DataSet:
    """The data set called `name`, or the one whose class stands at ``module:Class``.

    Parameters
    ----------
    name : str
    setting : str
        The setting that named it, for messages.

    Raises
    ------
    ValueError
        If there is none, or a class takes arguments that no data set is given.
    """
    if name in DATA_SETS:
        return DATA_SETS[name]
    if ":" not in name:
        known = ", ".join(map(repr, DATA_SETS))
        raise ValueError(f"{setting}: got {name!r}, expected one of {known}, or 'module:Class' of a data set")
    kind = load(name, setting)
    attributes = {field: getattr(kind, field, "") for field in ("ecg_qa_folder", "source", "deviation")}
    rates = tuple(getattr(kind, "sampling_rates", ()))
    return DataSet(name, name, _arguments(kind, name, setting), rates, **attributes)


def _arguments(kind: Any, name: str, setting: str) -> tuple[str, ...]:
    if not callable(kind):
        raise ValueError(f"{setting}: {name!r} is {type(kind).__name__}, expected a class")
    parameters = inspect.signature(kind).parameters.values()
    unknown = [
        parameter.name
        for parameter in parameters
        if parameter.name not in ARGUMENTS
        and parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    ]
    if unknown:
        raise ValueError(
            f"{setting}: {name!r} needs the argument {unknown[0]!r}; a data set is made with those of "
            f"{', '.join(ARGUMENTS)} that its constructor names"
        )
    return tuple(parameter.name for parameter in parameters if parameter.name in ARGUMENTS)


def open_records(
    data_set: DataSet, root: Path | None, *, sampling_rate: int, seed: int, num_patients: int
) -> RecordSet:
    """Open a data set.

    Raises
    ------
    ValueError
        If it lies in a folder and none was named.
    """
    if root is None and "root" in data_set.arguments:
        raise ValueError(f"--root: the data set {data_set.name!r} is read from a folder; name it with --root DIR")
    given = {"root": root, "sampling_rate": sampling_rate, "seed": seed, "num_patients": num_patients}
    records: RecordSet = load(data_set.place, data_set.name)(**{name: given[name] for name in data_set.arguments})
    return records
