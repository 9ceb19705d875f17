"""Where the electrodes sit, and so what each of the 12 leads sees of the heart's dipole.

Axes of the dipole, in mV: x to the patient's left, y to the feet, z to the front. The limb leads follow Einthoven's
triangle; a chest lead looks along the line from the heart's centre to its electrode, the stronger the nearer. Only I,
II and V1 to V6 are independent: the other four limb leads come from them by the Einthoven and Goldberger identities.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ecgbyte.signals.leads import LEADS

INDEPENDENT_LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
LIMB_ELECTRODES = ("RA", "LA", "LL")
CHEST_ELECTRODES = ("V1", "V2", "V3", "V4", "V5", "V6")
ELECTRODES = LIMB_ELECTRODES + CHEST_ELECTRODES
TERRITORIES = {
    "anterior": ("V1", "V2", "V3", "V4"),
    "inferior": ("II", "III", "aVF"),
    "lateral": ("I", "aVL", "V5", "V6"),
}

# Centimetres from the middle of an adult chest of about 32 by 20 cm: V1 and V2 beside the sternum in the fourth
# intercostal space, V4 in the fifth at the midclavicular line, V5 and V6 round the side at the same level.
_CHEST_POSITIONS = np.array(
    [
        [-2.5, -2.0, 10.0],
        [2.5, -2.0, 10.0],
        [5.5, -0.5, 9.5],
        [8.5, 2.0, 8.5],
        [12.5, 2.0, 5.5],
        [15.5, 2.0, 1.0],
    ]
)
_HEART_CENTRE = np.array([2.5, 0.0, 3.0])
# A dipole in an endless conductor falls with the square of the distance; the chest wall, which no current leaves,
# flattens that to about this.
_DISTANCE_EXPONENT = 1.0
_REFERENCE_DISTANCE_CM = 9.0

# Rows: LEADS, columns: INDEPENDENT_LEADS.
_FROM_INDEPENDENT = np.zeros((12, 8))
_FROM_INDEPENDENT[:6, :2] = np.array([[1, 0], [0, 1], [-1, 1], [-0.5, -0.5], [1, -0.5], [-0.5, 1]])
_FROM_INDEPENDENT[6:, 2:] = np.eye(6)

# Rows: INDEPENDENT_LEADS, columns: ELECTRODES. Chest leads are measured against Wilson's terminal, the mean of the
# limb electrodes.
_FROM_ELECTRODES = np.zeros((8, 9))
_FROM_ELECTRODES[0, :3] = [-1, 1, 0]
_FROM_ELECTRODES[1, :3] = [-1, 0, 1]
_FROM_ELECTRODES[2:, :3] = -1 / 3
_FROM_ELECTRODES[2:, 3:] = np.eye(6)


def lead_vectors(heart_offset_cm: np.ndarray, chest_shift_cm: np.ndarray) -> np.ndarray:
    """The lead vectors of I, II and V1 to V6.

    Parameters
    ----------
    heart_offset_cm : numpy.ndarray
        float [3], how far this patient's heart lies from its usual place.
    chest_shift_cm : numpy.ndarray
        float [6, 3], how far each chest electrode was put from its usual place.

    Returns
    -------
    numpy.ndarray
        float64 [8, 3]: lead potential in mV per mV of dipole along x, y, z.
    """
    sight = _CHEST_POSITIONS + chest_shift_cm - (_HEART_CENTRE + heart_offset_cm)
    distance = np.linalg.norm(sight, axis=1, keepdims=True)
    chest = sight / distance * (_REFERENCE_DISTANCE_CM / distance) ** _DISTANCE_EXPONENT
    limb = np.array([[1.0, 0.0, 0.0], [0.5, np.sqrt(0.75), 0.0]])
    return np.concatenate([limb, chest])


def electrode_weights() -> np.ndarray:
    """How each electrode's potential enters the independent leads: float64 [8 leads, 9 electrodes]."""
    return _FROM_ELECTRODES.copy()


def leads_of_electrodes(electrodes: Iterable[str]) -> tuple[str, ...]:
    """The leads, in canonical order, that change when the potential of any of these electrodes changes.

    A chest electrode touches its own lead. A limb electrode touches eleven leads: five limb leads, and through
    Wilson's terminal all chest leads.
    """
    columns = [ELECTRODES.index(electrode) for electrode in electrodes]
    weights = _FROM_INDEPENDENT @ _FROM_ELECTRODES
    touched = np.abs(weights[:, columns]).max(axis=1) > 1e-9
    return tuple(lead for lead, is_touched in zip(LEADS, touched, strict=True) if is_touched)


def complete_leads(independent: np.ndarray) -> np.ndarray:
    """All 12 leads from the independent ones, as a recorder stores them.

    Chest leads are rounded to 1 microvolt, and I and II to 2, so that III, aVR, aVL and aVF are whole microvolts as
    well and the identities hold exactly.

    Parameters
    ----------
    independent : numpy.ndarray
        float64 [8, samples], in mV, in the order of `INDEPENDENT_LEADS`.

    Returns
    -------
    numpy.ndarray
        float32 [12, samples], in mV, in the order of `LEADS`.
    """
    step = np.array([2.0, 2.0, 1, 1, 1, 1, 1, 1])[:, np.newaxis]
    microvolts = np.rint(independent * (1000.0 / step)) * step
    leads = np.empty((12, independent.shape[1]))
    leads[:6] = _FROM_INDEPENDENT[:6, :2] @ microvolts[:2]
    leads[6:] = microvolts[2:]
    return (leads / 1000.0).astype(np.float32)
