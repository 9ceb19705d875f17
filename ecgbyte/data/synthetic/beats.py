"""The shape of one beat: waves as Gaussian bumps of the heart's dipole, seen by the independent leads.

A QRS complex is the sum of a few bumps, one for each stage of activation (septum, apex, free wall, base of the
ventricles). Bundle branch blocks and hypertrophy change stages, not leads, so that all leads stay consistent with one
heart. ST shifts and inverted T waves of a territory are the exception: injury lies close under the electrodes, which
one dipole cannot express, so they are set lead by lead.

Dipole axes: x to the left, y to the feet, z to the front (see `lead_geometry`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecgbyte.data.synthetic.conditions import RecordState
from ecgbyte.data.synthetic.lead_geometry import INDEPENDENT_LEADS
from ecgbyte.data.synthetic.patients import Patient


@dataclass(frozen=True)
class Waves:
    """Bumps that recur with every beat of one kind.

    Attributes
    ----------
    centers : numpy.ndarray
        float [waves], seconds after the onset of the first wave.
    widths : numpy.ndarray
        float [waves, 2], standard deviations in seconds before and after the center.
    leads : numpy.ndarray
        float [waves, 8], peak in mV in each of `INDEPENDENT_LEADS`.
    """

    centers: np.ndarray
    widths: np.ndarray
    leads: np.ndarray


@dataclass(frozen=True)
class Plateau:
    """An ST segment: level from `start` to `stop` (seconds after QRS onset), with soft edges.

    Attributes
    ----------
    start, stop, rise, fall : float
        Middle and softness of the two edges, in seconds.
    leads : numpy.ndarray
        float [8], level in mV.
    """

    start: float
    stop: float
    rise: float
    fall: float
    leads: np.ndarray


# Stages of activation: center and width (standard deviation) as fractions of the QRS duration, and the dipole in mV.
# Centers and widths are chosen so that the first bump begins at 0 and the last ends at 1, both at 2.5 standard
# deviations.
_NORMAL_QRS = [  # septum, apex, free wall, base
    (0.20, 0.080, (-0.14, -0.05, 0.27)),
    (0.40, 0.100, (0.45, 0.45, 0.35)),
    (0.56, 0.110, (0.78, 0.70, -0.55)),
    (0.79, 0.083, (-0.12, -0.12, -0.38)),
]
_LEFT_VENTRICULAR_HYPERTROPHY = [
    (0.20, 0.080, (-0.12, -0.05, 0.24)),
    (0.40, 0.100, (0.50, 0.40, 0.20)),
    (0.57, 0.110, (1.15, 0.65, -1.20)),
    (0.79, 0.083, (-0.10, -0.12, -0.50)),
]
_RIGHT_VENTRICULAR_HYPERTROPHY = [  # septum, left ventricle, the thick right ventricle, its outflow
    (0.18, 0.072, (0.05, -0.02, 0.08)),
    (0.36, 0.100, (0.40, 0.35, 0.05)),
    (0.59, 0.115, (-0.75, 0.75, 0.95)),
    (0.82, 0.072, (-0.30, -0.10, 0.05)),
]
_LEFT_BLOCK = [  # through the septum from right to left, the free wall in two steps (the notch), between them the back
    (0.22, 0.088, (0.35, 0.15, 0.02)),
    (0.43, 0.106, (0.85, 0.45, -0.55)),
    (0.575, 0.080, (0.0, 0.0, -0.30)),
    (0.73, 0.107, (0.85, 0.38, -0.75)),
]
# Right block: the left ventricle as usual, weaker at the base, then the right ventricle, late, slow and to the front.
_RIGHT_BLOCK_TERMINAL = (0.78, 0.088, (-0.55, 0.05, 0.80))
_NORMAL_QRS_SECONDS = 0.088
_MIDDLE_AXIS = 45.0  # degrees

# ST level by territory in INDEPENDENT_LEADS, as a share of its largest value.
_ST_PATTERNS = {
    "anterior": np.array([0.05, 0.0, 0.80, 1.0, 1.0, 0.80, 0.20, 0.0]),
    "inferior": np.array([-0.05, 0.90, -0.10, -0.10, 0.0, 0.0, 0.05, 0.10]),
    "lateral": np.array([0.90, 0.15, -0.05, 0.0, 0.10, 0.35, 1.0, 0.90]),
}
_MIRRORED_LATERAL = np.array([0.75, 0.0, -0.05, 0.0, 0.10, 0.35, 0.90, 0.80])
# Inverted T waves by territory, in mV; NaN leaves a lead as it is.
_KEEP = np.nan
_T_INVERSIONS = {
    "anterior": np.array([_KEEP, _KEEP, -0.22, -0.34, -0.36, -0.26, _KEEP, _KEEP]),
    "inferior": np.array([0.06, -0.24, _KEEP, _KEEP, _KEEP, _KEEP, _KEEP, _KEEP]),
    "lateral": np.array([-0.25, 0.06, _KEEP, _KEEP, _KEEP, _KEEP, -0.28, -0.24]),
}
# Where premature ventricular beats begin, as the direction in which they spread.
_VENTRICULAR_ORIGINS = {
    "right outflow tract": (0.25, 0.95, -0.75),
    "right apex": (0.75, -0.75, -0.60),
    "left base": (-0.45, 0.60, 0.95),
    "left apex": (-0.65, -0.65, 0.75),
}


def qt_seconds(patient: Patient, rate: float) -> float:
    """QT interval at a rate after Fridericia (cube root of RR), longer by most of what a block adds to QRS."""
    return patient.qtc_seconds * (60.0 / rate) ** (1 / 3) + 0.7 * max(0.0, patient.qrs_seconds - 0.1)


def _turn_to_axis(dipoles: np.ndarray, areas: np.ndarray, fixed: np.ndarray, axis_degrees: float) -> np.ndarray:
    """Turn the stages that are not `fixed` about the z axis until the summed frontal area points to the axis."""
    frontal = dipoles[:, :2] * areas[:, np.newaxis]
    moving, still = frontal[~fixed].sum(axis=0), frontal[fixed].sum(axis=0)
    axis = np.deg2rad(axis_degrees)
    # Across the axis the two parts must cancel: |moving| sin(angle - axis) + still . normal = 0.
    across = still @ np.array([-np.sin(axis), np.cos(axis)])
    wanted = axis - np.arcsin(np.clip(across / np.linalg.norm(moving), -1.0, 1.0))
    turn = wanted - np.arctan2(moving[1], moving[0])
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    turned = dipoles.copy()
    turned[~fixed, :2] = dipoles[~fixed, :2] @ rotation.T
    return turned


def _peaks(waves: Waves) -> tuple[np.ndarray, np.ndarray]:
    """The highest and the lowest value of the summed waves in each lead, at 1 ms: two float [8]."""
    times = np.arange(0.0, waves.centers[-1] + 2 * waves.widths[-1, 1], 0.001)
    bumps = np.exp(-0.5 * ((times[:, np.newaxis] - waves.centers) / waves.widths[:, 0]) ** 2)
    course = bumps @ waves.leads
    return course.max(axis=0), course.min(axis=0)


def qrs_waves(patient: Patient, state: RecordState, vectors: np.ndarray, rng: np.random.Generator) -> Waves:
    """The QRS complex of conducted beats; time runs from QRS onset.

    Parameters
    ----------
    patient, state
        What decides duration, axis, block and hypertrophy.
    vectors : numpy.ndarray
        float [8, 3], from `lead_geometry.lead_vectors`.
    rng : numpy.random.Generator
        For the small differences between records.
    """
    if patient.bundle_branch_block == "left":
        stages = _LEFT_BLOCK
    elif patient.hypertrophy == "left":
        stages = _LEFT_VENTRICULAR_HYPERTROPHY
    elif patient.hypertrophy == "right":
        stages = _RIGHT_VENTRICULAR_HYPERTROPHY
    else:
        stages = _NORMAL_QRS
    centers = np.array([stage[0] for stage in stages])
    widths = np.array([stage[1] for stage in stages])
    dipoles = np.array([stage[2] for stage in stages]) * (1 + rng.uniform(-0.08, 0.08, (len(stages), 1)))
    fixed = np.zeros(len(stages), dtype=bool)
    if patient.bundle_branch_block == "right":
        share = _NORMAL_QRS_SECONDS / patient.qrs_seconds
        center, width, terminal = _RIGHT_BLOCK_TERMINAL
        # The right ventricle's late front no longer hides behind the left one, so what V1 shows before it is smaller.
        dipoles[2:] *= np.array([[0.9, 0.9, 0.65], [0.4, 0.4, 0.4]])
        centers, widths = np.append(centers * share, center), np.append(widths * share, width)
        dipoles = np.vstack([dipoles, np.array(terminal) * (1 + rng.uniform(-0.1, 0.1))])
        fixed = np.append(fixed, True)
    distant = _turn_to_axis(dipoles, widths, fixed, state.axis_degrees)
    if patient.hypertrophy == "right":
        near = distant
    else:
        # The frontal axis is what the distant limb leads see. V1 to V6 lie close to the walls they face, and turn less.
        near = _turn_to_axis(dipoles, widths, fixed, _MIDDLE_AXIS + 0.5 * (state.axis_degrees - _MIDDLE_AXIS))
    leads = np.concatenate([distant @ vectors[:2].T, near @ vectors[2:].T], axis=1) * patient.gain
    seconds = widths * patient.qrs_seconds
    waves = Waves(centers * patient.qrs_seconds, np.stack([seconds, seconds], axis=1), leads)
    return _scale_to_voltage_criteria(waves, patient, rng)


def _scale_to_voltage_criteria(waves: Waves, patient: Patient, rng: np.random.Generator) -> Waves:
    """Hold voltages to the label: Sokolow-Lyon above 3.5 mV in left hypertrophy only, a tall R in V1 in right."""
    highest, lowest = _peaks(waves)
    v1, v5, v6 = (INDEPENDENT_LEADS.index(lead) for lead in ("V1", "V5", "V6"))
    sokolow = max(0.0, -lowest[v1]) + max(highest[v5], highest[v6])
    factor = 1.0
    if patient.hypertrophy == "left":
        factor = rng.uniform(3.9, 5.0) / sokolow
    elif patient.hypertrophy == "right":
        factor = rng.uniform(0.9, 1.4) / highest[v1]
    else:
        factor = min(1.0, 3.1 / sokolow)
    return Waves(waves.centers, waves.widths, waves.leads * factor)


def atrial_waves(patient: Patient, vectors: np.ndarray, rng: np.random.Generator, *, ectopic: bool = False) -> Waves:
    """P: the right atrium, then the left; time runs from P onset.

    An ectopic P begins low or to the left and looks different.
    """
    if ectopic:
        low_origin = rng.random() < 0.6
        right, left = (
            ((0.03, -0.13, 0.06), (0.02, -0.09, -0.02)) if low_origin else ((-0.07, 0.09, 0.06), (-0.03, 0.11, 0.06))
        )
    else:
        right, left = (0.055, 0.105, 0.085), (0.075, 0.060, -0.055)
    seconds = rng.uniform(0.092, 0.108)
    widths = np.array([[0.16, 0.16], [0.16, 0.16]]) * seconds
    leads = np.array([right, left]) @ vectors.T * patient.p_gain * (1 + rng.uniform(-0.08, 0.08))
    return Waves(np.array([0.38, 0.64]) * seconds, widths, leads)


def repolarisation(
    patient: Patient, state: RecordState, qrs: Waves, vectors: np.ndarray, rng: np.random.Generator
) -> tuple[Waves, Plateau]:
    """T wave and ST segment of conducted beats; time runs from QRS onset.

    Returns
    -------
    tuple of Waves and Plateau
        The T wave (one bump, steeper behind than before) and the ST level.
    """
    stretch = (60.0 / state.rate) ** 0.5
    before, after = 0.054 * stretch, 0.038 * stretch
    center = qt_seconds(patient, state.rate) - 2.4 * after
    if patient.bundle_branch_block == "left":
        # Discordant: against the main QRS direction in every lead.
        mean_qrs = qrs.leads[1:].mean(axis=0)
        t_wave, st_level = -0.40 * mean_qrs, -0.16 * mean_qrs
    else:
        t_axis = np.deg2rad(45.0 + 0.15 * (np.clip(state.axis_degrees, -60.0, 110.0) - 45.0))
        magnitude = 0.34 * patient.t_gain * (1 + rng.uniform(-0.1, 0.1))
        t_wave = vectors @ (magnitude * np.array([np.cos(t_axis), np.sin(t_axis), 0.62]))
        st_level = 0.06 * t_wave
        if patient.bundle_branch_block == "right":
            late = qrs.leads[-1]
            t_wave, st_level = t_wave - 0.30 * late, st_level - 0.05 * late
    for territory in state.t_inversion:
        values = _T_INVERSIONS[territory] * rng.uniform(0.9, 1.3)
        t_wave = np.where(np.isnan(values), t_wave, values)
    shifts = dict(state.st_shift)
    for territory, sign in state.st_shift:
        size = rng.uniform(0.21, 0.36) if sign > 0 else -rng.uniform(0.17, 0.27)
        mirrored = territory == "lateral" and "inferior" in shifts
        pattern = _MIRRORED_LATERAL if mirrored else _ST_PATTERNS[territory]
        st_level = st_level + size * pattern
        # At its peak the T wave still rides on half of the ST level, and an inverted one must end below the baseline
        # all the same. Elsewhere elevation goes with a tall T.
        if sign > 0:
            t_wave = t_wave + (-0.5 if territory in state.t_inversion else 0.35) * size * pattern
    st = Plateau(patient.qrs_seconds - 0.004, center, 0.008, 0.03 * stretch, st_level)
    return Waves(np.array([center]), np.array([[before, after]]), t_wave[np.newaxis]), st


def ventricular_ectopic_beat(patient: Patient, vectors: np.ndarray, rng: np.random.Generator) -> tuple[Waves, Plateau]:
    """A premature ventricular beat: no P, wide QRS, ST and T against it. Time runs from QRS onset."""
    origins = sorted(_VENTRICULAR_ORIGINS)
    if patient.bundle_branch_block == "left":
        # One from the right ventricle would look like the patient's conducted beats.
        origins = [origin for origin in origins if origin.startswith("left")]
    direction = (
        np.array(_VENTRICULAR_ORIGINS[str(rng.choice(origins))])
        * rng.uniform(1.1, 1.5)
        * np.clip(patient.gain, 0.9, 1.2)
    )
    later = direction * np.array([0.75, 0.65, 0.9])
    seconds = rng.uniform(0.150, 0.175)
    centers = np.array([0.38, 0.68]) * seconds
    widths = np.array([[0.15, 0.14], [0.12, 0.125]]) * seconds
    leads = np.stack([direction, later]) @ vectors.T
    t_center = seconds + 0.17
    t_wave = Waves(np.array([t_center]), np.array([[0.060, 0.045]]), -0.50 * leads[:1])
    waves = Waves(
        np.append(centers, t_wave.centers), np.vstack([widths, t_wave.widths]), np.vstack([leads, t_wave.leads])
    )
    return waves, Plateau(seconds - 0.01, t_center, 0.012, 0.03, -0.14 * leads[0])
