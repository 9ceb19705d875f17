"""The arithmetic that ties the six limb leads together: checking it, and deriving four of them from two.

Four of the six limb leads follow from leads I and II (Einthoven 1913, Goldberger 1942):

    III = II - I        aVR = -(I + II) / 2        aVL = I - II / 2        aVF = II - I / 2

Devices compute those four from I and II, so in a file whose leads carry the right names they hold to a rounding step.
That shows a permutation of lead names, such as the aVL and aVF of MIMIC-IV-ECG read in the order of PTB-XL. Two things
are out of reach: electrodes fixed to the wrong limb (the identities hold for whatever the cables carry) and the
precordial leads V1 to V6, which no identity ties together.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from ecgbyte.signals.leads import LEADS, LIMB_LEADS, lead_order

DEFAULT_TOLERANCE_MV = 0.005
# Each lead as a sum of I and II.
DERIVED_LEADS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"III": (-1.0, 1.0), "aVR": (-0.5, -0.5), "aVL": (1.0, -0.5), "aVF": (-0.5, 1.0)}
)

# Each row gives the weights of LIMB_LEADS in a sum that is zero where the identity holds.
_IDENTITIES: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "III = II - I": (1.0, -1.0, 1.0, 0.0, 0.0, 0.0),
        "aVR = -(I + II) / 2": (0.5, 0.5, 0.0, 1.0, 0.0, 0.0),
        "aVL = I - II / 2": (-1.0, 0.5, 0.0, 0.0, 1.0, 0.0),
        "aVF = II - I / 2": (0.5, -1.0, 0.0, 0.0, 0.0, 1.0),
    }
)


def derive_lead(lead: str, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """III, aVR, aVL or aVF from the leads I and II.

    Parameters
    ----------
    lead : str
        One of `DERIVED_LEADS`.
    first, second : float [samples]
        Leads I and II.

    Returns
    -------
    float [samples]
    """
    weights = DERIVED_LEADS[lead]
    return weights[0] * first + weights[1] * second


def identity_tolerance(resolution_mv: float) -> float:
    """The largest median residual, in mV, that rounding explains in a file whose samples are `resolution_mv` apart.

    One step of the file, or `DEFAULT_TOLERANCE_MV` where that is more: each lead is off by half a step at most and the
    weights of the leads that are added come to 2 or 3, so a median of one step is far beyond what rounding makes.
    """
    return max(DEFAULT_TOLERANCE_MV, resolution_mv)


def _limb_signal(signal: np.ndarray, lead_names: Sequence[str]) -> np.ndarray:
    """The six limb leads in canonical order, as float64 [6, samples]."""
    signal = np.asarray(signal)
    if signal.ndim != 2:
        raise ValueError(f"signal: expected [leads, samples], got shape {signal.shape}")
    if signal.shape[0] != len(lead_names):
        raise ValueError(f"signal: {signal.shape[0]} leads, but lead_names has {len(lead_names)}")
    if signal.shape[1] == 0:
        raise ValueError("signal: has no samples, so the lead identities say nothing")
    limb = signal[lead_order(lead_names, leads=LIMB_LEADS)].astype(np.float64, copy=False)
    if not np.isfinite(limb).all():
        lead, sample = np.argwhere(~np.isfinite(limb))[0]
        raise ValueError(f"signal: {limb[lead, sample]} in lead {LIMB_LEADS[lead]} at sample {sample}")
    return limb


def lead_identity_residuals(signal: np.ndarray, lead_names: Sequence[str] = LEADS) -> dict[str, float]:
    """How far each identity of the limb leads is from holding.

    Parameters
    ----------
    signal : float [leads, samples]
        In mV.
    lead_names : sequence of str
        The leads of `signal`, in its order; the six limb leads must be among them.

    Returns
    -------
    dict of str to float
        For each of the four identities the median absolute residual over the samples, in mV.

    Raises
    ------
    ValueError
        If shape and names disagree, a limb lead is missing, or a limb lead holds NaN or an infinity.
    """
    return _median_residuals(_residuals(_limb_signal(signal, lead_names)))


def _residuals(limb: np.ndarray) -> np.ndarray:
    """How far each identity is from holding at each sample, float64 [4, samples]."""
    return np.abs(np.array(list(_IDENTITIES.values())) @ limb)


def _median_residuals(residuals: np.ndarray) -> dict[str, float]:
    return dict(zip(_IDENTITIES, np.median(residuals, axis=1).tolist(), strict=True))


def _satisfying_orders(limb: np.ndarray, tolerance_mv: float) -> list[tuple[int, ...]]:
    """Every order of the six rows in which all identities hold, the fewest moved rows first, then by position."""
    orders = []
    weights = np.array(list(_IDENTITIES.values()))
    for first, second in itertools.permutations(range(6), 2):
        others = [row for row in range(6) if row not in (first, second)]
        expected = -weights[:, :2] @ limb[[first, second]]
        # holds[identity, position in others]: that row is what the identity makes of the two chosen as I and II.
        holds = np.median(np.abs(expected[:, None] - limb[others][None]), axis=2) <= tolerance_mv
        for places in itertools.permutations(range(4)):
            if holds[np.arange(4), list(places)].all():
                orders.append((first, second, *(others[place] for place in places)))
    return sorted(orders, key=lambda order: (sum(row != place for place, row in enumerate(order)), order))


def check_lead_identities(
    signal: np.ndarray, lead_names: Sequence[str] = LEADS, *, tolerance_mv: float = DEFAULT_TOLERANCE_MV
) -> None:
    """Raise where the limb leads break Einthoven's or Goldberger's identities, and say which look swapped.

    Use it on signals as recorded: filters that are linear keep the identities, wavelet thresholds do not.

    Parameters
    ----------
    signal : float [leads, samples]
        In mV.
    lead_names : sequence of str
        The leads of `signal`, in its order; the six limb leads must be among them.
    tolerance_mv : float
        The largest median absolute residual that counts as agreement, in mV.

    Raises
    ------
    ValueError
        If an identity is off by more than `tolerance_mv`, or for the reasons of `lead_identity_residuals`.

    Notes
    -----
    The default of 0.005 mV lies between what right and wrong names give. In all 21,837 records of PTB-XL at 100 Hz the
    residual of the files as they are is at most 0.0005 mV (a rounding step), and with any two limb leads exchanged at
    least 0.0055 mV in every record (III and aVF, which are alike; 0.01 mV for any other two). The median is used since
    a few dozen records break the identities for some samples, by up to 5.9 mV, while their lead names are right. Leads
    that are equal, or flat, cannot be told apart.
    """
    if not tolerance_mv > 0:
        raise ValueError(f"tolerance_mv: got {tolerance_mv}, expected a positive number of mV")
    limb = _limb_signal(signal, lead_names)
    at_samples = _residuals(limb)
    # More than half of the samples agree, so the median does: much faster than the median, and true of nearly all.
    if (np.count_nonzero(at_samples <= tolerance_mv, axis=1) > limb.shape[1] // 2).all():
        return
    residuals = _median_residuals(at_samples)
    broken = [name for name, residual in residuals.items() if residual > tolerance_mv]
    if not broken:
        return
    measured = "; ".join(f"{name} is off by {residuals[name]:.4g} mV" for name in broken)
    orders = _satisfying_orders(limb, tolerance_mv)
    if orders:
        moved = sorted((row, place) for place, row in enumerate(orders[0]) if row != place)
        named = " and ".join(f"the lead called {LIMB_LEADS[row]} is {LIMB_LEADS[place]}" for row, place in moved)
        also = f" ({len(orders) - 1} other orders would do as well)" if len(orders) > 1 else ""
        cause = f"the leads look swapped: all identities hold if {named}{also}"
    else:
        cause = "no order of the six limb leads makes all identities hold"
    raise ValueError(
        f"signal: the limb leads contradict one another: {measured} (median, expected at most {tolerance_mv:g}); "
        f"{cause}"
    )
