"""Drawing what one record shows, and naming it: the true labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecgbyte.data.catalogue import Finding
from ecgbyte.data.synthetic.lead_geometry import (
    CHEST_ELECTRODES,
    ELECTRODES,
    LIMB_ELECTRODES,
    TERRITORIES,
    leads_of_electrodes,
)
from ecgbyte.data.synthetic.patients import AXIS_RANGES, Patient

NOISE_KINDS = ("baseline drift", "static noise", "burst noise", "electrodes problems")
RATE_RANGES = {
    "sinus rhythm": (60.0, 98.0),
    "sinus bradycardia": (40.0, 52.0),
    "sinus tachycardia": (110.0, 140.0),
    "atrial fibrillation": (62.0, 115.0),
}
# Limb leads give the inferior and the lateral wall opposite signs (aVL = I - II/2, III = II - I), so these two
# territories never show the same change at once, and a change in one often has its mirror image in the other.
_MIRROR = {"anterior": "inferior", "inferior": "lateral", "lateral": "inferior"}
# Shares of anterior, inferior and lateral among the changes that begin there.
_ST_T_TERRITORIES = {"depression": (0.45, 0.33, 0.22), "elevation": (0.26, 0.36, 0.38), "inversion": (0.22, 0.44, 0.34)}
_EXTENSION = {"anterior": ("inferior", "lateral"), "inferior": ("anterior",), "lateral": ("anterior",)}


@dataclass(frozen=True)
class RecordState:
    """Everything that holds for one record, except the random course of its waves.

    Attributes
    ----------
    rhythm : str
        A key of `RATE_RANGES`.
    rate : float
        Mean ventricular rate, beats a minute.
    axis_degrees : float
        Frontal QRS axis of this record.
    ectopy : str
        ``""``, ``"ventricular"`` or ``"atrial"``.
    st_shift : tuple of (str, int)
        Territories with ST elevation (1) or depression (-1).
    t_inversion : tuple of str
        Territories with inverted T waves.
    noise : tuple of (str, tuple of str)
        Kinds of noise, and the electrodes that carry them.
    """

    rhythm: str
    rate: float
    axis_degrees: float
    ectopy: str
    st_shift: tuple[tuple[str, int], ...]
    t_inversion: tuple[str, ...]
    noise: tuple[tuple[str, tuple[str, ...]], ...]


def _draw_rhythm(patient: Patient, rng: np.random.Generator) -> tuple[str, float]:
    fibrillates = rng.random() < patient.atrial_fibrillation
    names = ["sinus rhythm", "sinus bradycardia", "sinus tachycardia"]
    if patient.healthy:
        weights = [0.90, 0.06, 0.04]
    elif patient.long_pr:
        # With a long PR, a fast rate would hide P in the T wave before it.
        weights = [0.78, 0.22, 0.0]
    else:
        weights = [0.62, 0.17, 0.21]
    rhythm = "atrial fibrillation" if fibrillates else str(rng.choice(names, p=weights))
    low, high = RATE_RANGES[rhythm]
    if rhythm == "sinus rhythm":
        rate = float(np.clip(patient.resting_rate + rng.normal(0, 6), low, 84.0 if patient.long_pr else high))
    else:
        rate = float(rng.uniform(low, high))
    return rhythm, rate


def _draw_ectopy(patient: Patient, rhythm: str, rng: np.random.Generator) -> str:
    kind = str(
        rng.choice(["", "ventricular", "atrial"], p=[0.96, 0.02, 0.02] if patient.healthy else [0.70, 0.15, 0.15])
    )
    # Without P waves there is no early one.
    return "" if kind == "atrial" and rhythm == "atrial fibrillation" else kind


def _draw_st_t(patient: Patient, rng: np.random.Generator) -> tuple[tuple[tuple[str, int], ...], tuple[str, ...]]:
    shift: dict[str, int] = {}
    inverted: set[str] = set()
    if patient.strain and patient.hypertrophy == "left":
        shift["lateral"] = -1
        inverted.add("lateral")
    elif patient.strain and patient.hypertrophy == "right":
        inverted.add("anterior")
    elif not patient.bundle_branch_block and rng.random() < (0.04 if patient.healthy else 0.78):
        kind = str(rng.choice(sorted(_ST_T_TERRITORIES), p=[0.29, 0.50, 0.21]))
        territory = str(rng.choice(sorted(TERRITORIES), p=_ST_T_TERRITORIES[kind]))
        extension = str(rng.choice(_EXTENSION[territory])) if rng.random() < 0.4 else ""
        territories = [territory, extension] if extension else [territory]
        if kind == "elevation":
            shift.update(dict.fromkeys(territories, 1))
            mirror = _MIRROR[territory]
            # V5 cannot follow a rising V4 and a falling V6 at once.
            possible = mirror not in shift and not (mirror == "lateral" and "anterior" in shift)
            if possible and rng.random() < 0.5:
                shift[mirror] = -1
            if rng.random() < 0.35:
                inverted.update(territories)
        elif kind == "depression":
            shift.update(dict.fromkeys(territories, -1))
            if rng.random() < 0.5:
                inverted.update(territories)
        else:
            inverted.update(territories)
    return tuple(sorted(shift.items())), tuple(sorted(inverted))


def _draw_electrodes(kind: str, rng: np.random.Generator) -> tuple[str, ...]:
    extent = str(rng.choice(["chest", "neighbours", "limb", "all"], p=[0.35, 0.30, 0.20, 0.15]))
    if extent == "all" and kind != "electrodes problems":
        return ELECTRODES
    if extent == "limb":
        return (str(rng.choice(LIMB_ELECTRODES)),)
    if extent == "neighbours" and kind != "electrodes problems":
        count = int(rng.integers(2, 4))
        first = int(rng.integers(0, len(CHEST_ELECTRODES) - count + 1))
        return CHEST_ELECTRODES[first : first + count]
    return (str(rng.choice(CHEST_ELECTRODES)),)


def draw_record_state(patient: Patient, rng: np.random.Generator, noise_rng: np.random.Generator) -> RecordState:
    """Draw one record of `patient`; noise has its own generator so that leaving it out changes nothing else."""
    rhythm, rate = _draw_rhythm(patient, rng)
    ectopy = _draw_ectopy(patient, rhythm, rng)
    st_shift, t_inversion = _draw_st_t(patient, rng)
    axis_degrees = patient.axis_degrees + float(rng.uniform(-4, 4))
    noise = tuple((kind, _draw_electrodes(kind, noise_rng)) for kind in NOISE_KINDS if noise_rng.random() < 0.12)
    return RecordState(rhythm, rate, axis_degrees, ectopy, st_shift, t_inversion, noise)


def axis_name(axis_degrees: float) -> str:
    """The name of the range of `AXIS_RANGES` that holds an angle.

    Raises
    ------
    ValueError
        If the angle lies in none.
    """
    for name, (low, high) in AXIS_RANGES.items():
        if low <= axis_degrees <= high:
            return name
    raise ValueError(f"axis_degrees: {axis_degrees} lies in none of the ranges {AXIS_RANGES}")


def findings_of(patient: Patient, state: RecordState, *, noise: bool = True) -> tuple[Finding, ...]:
    """The true labels of a record, sorted.

    ST elevation, ST depression and T wave inversion are named by territory, and only where every lead of the
    territory shows them: a mirror image in a lead or two of another territory is not labelled. The ST-T changes that
    belong to a bundle branch block are part of the block and not labelled either; strain in hypertrophy is. "normal
    ecg" stands where rhythm and axis are normal and nothing but noise was found.

    Parameters
    ----------
    patient, state
        What the record was made from.
    noise : bool
        False leaves out the noise findings.
    """
    found = [Finding("rhythm", state.rhythm), Finding("axis", axis_name(state.axis_degrees))]
    if patient.bundle_branch_block:
        found.append(Finding("conduction", f"{patient.bundle_branch_block} bundle branch block"))
    if patient.long_pr and state.rhythm != "atrial fibrillation":
        found.append(Finding("conduction", "first degree av block"))
    if patient.hypertrophy:
        found.append(Finding("hypertrophy", f"{patient.hypertrophy} ventricular hypertrophy"))
    if state.ectopy:
        found.append(Finding("ectopy", f"{state.ectopy} premature complex"))
    for territory, sign in state.st_shift:
        change = "st elevation" if sign > 0 else "st depression"
        found.append(Finding("st-t", f"{territory} {change}", TERRITORIES[territory]))
    for territory in state.t_inversion:
        found.append(Finding("st-t", f"{territory} t wave inversion", TERRITORIES[territory]))
    if {finding.name for finding in found} == {"sinus rhythm", "normal axis"}:
        found.append(Finding("normal", "normal ecg"))
    if noise:
        found.extend(Finding("noise", kind, leads_of_electrodes(electrodes)) for kind, electrodes in state.noise)
    return tuple(sorted(found))
