"""Drawing a patient: what stays the same in all records of one person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Patient:
    """One synthetic person.

    Attributes
    ----------
    age : float
        Years.
    sex : str
        ``"female"`` or ``"male"``; women have slightly smaller QRS waves and longer QT.
    healthy : bool
        True for patients whose records rarely show anything acute.
    bundle_branch_block : str
        ``""``, ``"left"`` or ``"right"``.
    long_pr : bool
        First degree AV block.
    hypertrophy : str
        ``""``, ``"left"`` or ``"right"`` ventricular.
    strain : bool
        Whether a hypertrophy shows secondary ST-T changes.
    atrial_fibrillation : float
        Probability of atrial fibrillation in a record: 0, 0.5 (paroxysmal) or 1 (permanent).
    axis_degrees : float
        Usual frontal QRS axis.
    gain, p_gain, t_gain : float
        Amplitude factors of QRS, P and T.
    resting_rate : float
        Usual sinus rate, beats a minute.
    pr_seconds, qrs_seconds, qtc_seconds : float
        Intervals; QT is corrected after Fridericia.
    heart_offset_cm : numpy.ndarray
        float [3], the heart's place in the chest.
    """

    age: float
    sex: str
    healthy: bool
    bundle_branch_block: str
    long_pr: bool
    hypertrophy: str
    strain: bool
    atrial_fibrillation: float
    axis_degrees: float
    gain: float
    p_gain: float
    t_gain: float
    resting_rate: float
    pr_seconds: float
    qrs_seconds: float
    qtc_seconds: float
    heart_offset_cm: np.ndarray


# Share of patients, by condition, with (left, right) axis deviation.
_AXIS_DEVIATION = {
    "left block": (0.5, 0.0),
    "right block": (0.25, 0.2),
    "left ventricle": (0.35, 0.0),
    "": (0.16, 0.12),
}
# Degrees. Gaps between the ranges keep every label beyond dispute.
AXIS_RANGES = {
    "normal axis": (-12.0, 82.0),
    "left axis deviation": (-75.0, -40.0),
    "right axis deviation": (105.0, 150.0),
}


def _draw_axis(healthy: bool, bundle_branch_block: str, hypertrophy: str, rng: np.random.Generator) -> float:
    if bundle_branch_block:
        condition = f"{bundle_branch_block} block"
    elif hypertrophy == "left":
        condition = "left ventricle"
    else:
        condition = ""
    left, right = (0.0, 0.0) if healthy else _AXIS_DEVIATION[condition]
    if hypertrophy == "right":
        left, right = 0.0, 1.0
    position = rng.random()
    if position < left:
        low, high = AXIS_RANGES["left axis deviation"]
        if bundle_branch_block == "left":
            # Turned further, the broad R of V5 and V6 that makes the block's picture would be lost.
            low = -58.0
    elif position < left + right:
        low, high = AXIS_RANGES["right axis deviation"]
    else:
        low, high = AXIS_RANGES["normal axis"]
    # Records turn the axis by up to 4 degrees (posture, breathing); stay that far inside.
    return float(rng.uniform(low + 4, high - 4))


def _draw_chronic_conditions(rng: np.random.Generator) -> tuple[str, bool, str, float]:
    """Bundle branch block, long PR, hypertrophy, probability of atrial fibrillation."""
    block = str(rng.choice(["", "left", "right"], p=[0.74, 0.13, 0.13]))
    fibrillation = float(rng.choice([0.0, 0.5, 1.0], p=[0.80, 0.10, 0.10]))
    long_pr = bool(rng.random() < 0.20) and fibrillation < 1.0
    # A bundle branch block hides the voltage criteria of hypertrophy, so the two are not combined.
    hypertrophy = "" if block else str(rng.choice(["", "left", "right"], p=[0.66, 0.18, 0.16]))
    return block, long_pr, hypertrophy, fibrillation


def draw_patient(rng: np.random.Generator) -> Patient:
    """Draw one patient; everything about it comes from `rng`."""
    age = float(np.clip(rng.normal(60, 16), 18, 95))
    sex = str(rng.choice(["female", "male"]))
    healthy = bool(rng.random() < 0.26)
    block, long_pr, hypertrophy, fibrillation = _draw_chronic_conditions(rng)
    if healthy:
        block, long_pr, hypertrophy, fibrillation = "", False, "", 0.0
    if block == "left":
        qrs_seconds = rng.uniform(0.144, 0.168)
    elif block == "right":
        qrs_seconds = rng.uniform(0.132, 0.156)
    else:
        qrs_seconds = rng.uniform(0.080, 0.098)
    return Patient(
        age=age,
        sex=sex,
        healthy=healthy,
        bundle_branch_block=block,
        long_pr=long_pr,
        hypertrophy=hypertrophy,
        strain=bool(hypertrophy and rng.random() < 0.35),
        atrial_fibrillation=fibrillation,
        axis_degrees=_draw_axis(healthy, block, hypertrophy, rng),
        gain=float(rng.uniform(0.9, 1.35) * (0.92 if sex == "female" else 1.0)),
        p_gain=float(rng.uniform(0.85, 1.25)),
        t_gain=float(rng.uniform(0.8, 1.25)),
        resting_rate=float(rng.uniform(64, 86)),
        pr_seconds=float(rng.uniform(0.228, 0.290) if long_pr else rng.uniform(0.130, 0.180)),
        qrs_seconds=float(qrs_seconds),
        qtc_seconds=float(rng.uniform(0.375, 0.420) + (0.01 if sex == "female" else 0.0)),
        heart_offset_cm=rng.normal(0, [0.6, 0.5, 0.5]).clip(-1.0, 1.0),
    )
