"""What a model is shown instead of the ECG, to learn whether it uses the ECG at all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ecgbyte.checks import check_option
from ecgbyte.data.splits import is_missing_id
from ecgbyte.signals.records import Record

INPUTS = ("ecg", "other-patient", "flat-line", "noise", "text-only", "shuffled-leads")
NOISE_SPECTRA = ("white", "own")


def other_patient_records(record_ids: Sequence[str], patients: Mapping[str, str], *, seed: int) -> dict[str, str]:
    """Pair every record with a record of another patient.

    The records are laid out patient by patient, patients and their records in a drawn order, and rotated by the
    largest number of records that one patient has. Each record then stands in for exactly one other, unless one
    patient has more than half of all records: then the others' records are repeated as evenly as possible. The result
    does not depend on the order of `record_ids`.

    Parameters
    ----------
    record_ids : sequence of str
        Records of one split; those that occur twice count once.
    patients : mapping of str to str
        The patient of each record.
    seed : int
        Seed of the draw.

    Returns
    -------
    dict of str to str
        From each record to the one shown in its place, sorted by record.

    Raises
    ------
    ValueError
        If there is no record, a record's patient is missing, or all records are of one patient.
    """
    records_of: dict[str, list[str]] = {}
    for record_id in sorted(set(record_ids)):
        patient = patients.get(record_id)
        if patient is None or is_missing_id(patient):
            raise ValueError(f"patients: no patient is given for record {record_id!r}")
        records_of.setdefault(patient, []).append(record_id)
    if len(records_of) < 2:
        raise ValueError(
            f"record_ids: {sum(map(len, records_of.values()))} record(s) of {len(records_of)} patient(s); the ECG of "
            "another patient needs records of at least 2 patients"
        )
    rng = np.random.default_rng(seed)
    names = sorted(records_of)
    groups = []
    for index in rng.permutation(len(names)):
        own = records_of[names[index]]
        groups.append([own[place] for place in rng.permutation(len(own))])
    # The largest group first: the sort is stable, so the drawn order decides among equals.
    groups.sort(key=len, reverse=True)
    layout = [record_id for group in groups for record_id in group]
    largest = len(groups[0])
    if 2 * largest <= len(layout):
        pairs = {own: layout[(place + largest) % len(layout)] for place, own in enumerate(layout)}
    else:
        big, others = layout[:largest], layout[largest:]
        pairs = {own: others[place % len(others)] for place, own in enumerate(big)}
        pairs |= {own: big[place] for place, own in enumerate(others)}
    return dict(sorted(pairs.items()))


def flat_line(record: Record) -> Record:
    """The same record with every sample at 0 mV.

    Parameters
    ----------
    record : Record
        Any record.

    Returns
    -------
    Record
        Signal float32 [leads, samples] of zeros; rate, leads and id as given.
    """
    return replace(record, signal=np.zeros_like(record.signal))


def noise_like(signal: NDArray[np.float32], *, key: str, seed: int, spectrum: str = "white") -> NDArray[np.float32]:
    """Noise with the mean and the standard deviation of each lead.

    Parameters
    ----------
    signal : numpy.ndarray
        float32 [leads, samples], mV, finite.
    key : str
        What the noise is drawn for, such as ``"<record id>|<segment>"``. It and `seed` decide the draw, so the noise
        does not depend on which records were drawn before; leads are drawn independently.
    seed : int
        Seed of the draw.
    spectrum : {"white", "own"}
        ``"white"``: independent normal samples, equally strong at all frequencies, far beyond the band of a filtered
        ECG. ``"own"``: the amplitude spectrum of the lead with random phases (surrogate data: Theiler et al.,
        Physica D 58, 1992), which keeps how strong each frequency is and nothing of when it occurs.

    Returns
    -------
    numpy.ndarray
        float32 [leads, samples], mV. A lead that is constant stays constant.

    Raises
    ------
    ValueError
        If the signal has another shape, no samples, or holds NaN or infinity, or `spectrum` is unknown.
    """
    check_option("spectrum", spectrum, NOISE_SPECTRA)
    leads = _check_signal(signal)
    rng = _generator("noise", key, seed)
    means = leads.mean(axis=1, keepdims=True)
    drawn = rng.standard_normal(leads.shape)
    if spectrum == "own":
        amplitudes, phases = np.abs(np.fft.rfft(leads - means, axis=1)), np.angle(np.fft.rfft(drawn, axis=1))
        drawn = np.fft.irfft(amplitudes * np.exp(1j * phases), n=leads.shape[1], axis=1)
    drawn -= drawn.mean(axis=1, keepdims=True)
    spread = drawn.std(axis=1, keepdims=True)
    # One sample a lead, or a constant lead with its own spectrum, leaves nothing to scale.
    scaled = np.divide(drawn, spread, out=np.zeros_like(drawn), where=spread > 0)
    return (means + leads.std(axis=1, keepdims=True) * scaled).astype(np.float32)


def shuffled_leads(signal: NDArray[np.float32], *, key: str, seed: int) -> NDArray[np.float32]:
    """The same leads in places of which none is its own.

    Parameters
    ----------
    signal : numpy.ndarray
        float32 [leads, samples], mV.
    key : str
        What the order is drawn for: the record id, so that all segments of a record are shuffled alike. It and `seed`
        decide the order, which is drawn evenly from all derangements.
    seed : int
        Seed of the draw.

    Returns
    -------
    numpy.ndarray
        float32 [leads, samples], mV, a copy.

    Raises
    ------
    ValueError
        If the signal has another shape, holds NaN or infinity, or has fewer than two leads.
    """
    num_leads = len(_check_signal(signal))
    if num_leads < 2:
        raise ValueError(f"signal: got {num_leads} lead, expected at least 2 to shuffle")
    rng = _generator("shuffled-leads", key, seed)
    order = rng.permutation(num_leads)
    # About one permutation in e has no lead in its place; drawing again keeps all of those equally likely.
    while (order == np.arange(num_leads)).any():
        order = rng.permutation(num_leads)
    return np.asarray(signal, dtype=np.float32)[order]


def _generator(purpose: str, key: str, seed: int) -> np.random.Generator:
    digest = hashlib.sha256(f"{purpose}|{seed}|{key}".encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype="<u4"))


def _check_signal(signal: NDArray[np.float32]) -> NDArray[np.float64]:
    values = np.asarray(signal, dtype=np.float64)
    if values.ndim != 2 or not values.size:
        raise ValueError(f"signal: got shape {values.shape}, expected [leads, samples], not empty")
    if not np.isfinite(values).all():
        lead, sample = np.argwhere(~np.isfinite(values))[0].tolist()
        raise ValueError(f"signal: got NaN or infinity in lead {lead}, sample {sample}")
    return values
