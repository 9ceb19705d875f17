"""A short report in words from a record's findings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecgbyte.data.catalogue import Finding

_NORMAL = ("Normal ECG.", "ECG within normal limits.", "Normal tracing.")
_OPENINGS = ("{}.", "Rhythm: {}.", "The ECG shows {}.")
_ECTOPY_LINKS = (" with {}s", " and occasional {}s", " interrupted by {}s")
_BODY_OPENINGS = ("There is {}.", "Findings: {}.", "{}.")
_NOISE_OPENINGS = ("{}.", "The recording is disturbed by {}.", "Technical quality is limited by {}.")
_WORDS = {"st": "ST", "t": "T", "av": "AV", "ecg": "ECG"}


def _spelled(name: str) -> str:
    return " ".join(_WORDS.get(word, word) for word in name.split())


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _sentence(opening: str, words: str) -> str:
    sentence = opening.format(words)
    return sentence[0].upper() + sentence[1:]


def _choose(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def write_report(findings: Sequence[Finding], rng: np.random.Generator) -> str:
    """One to three English sentences: rhythm and premature beats, what else the heart shows, noise.

    Parameters
    ----------
    findings : sequence of Finding
        A record's findings.
    rng : numpy.random.Generator
        Chooses between wordings.
    """
    by_type: dict[str, list[Finding]] = {}
    for finding in findings:
        by_type.setdefault(finding.finding_type, []).append(finding)
    rhythm_opening, link = _choose(_OPENINGS, rng), _choose(_ECTOPY_LINKS, rng)
    body_opening, noise_opening, normal = (
        _choose(_BODY_OPENINGS, rng),
        _choose(_NOISE_OPENINGS, rng),
        _choose(_NORMAL, rng),
    )

    rhythm = _joined([_spelled(finding.name) for finding in by_type["rhythm"]])
    for finding in by_type.get("ectopy", []):
        rhythm += link.format(_spelled(finding.name))
    sentences = [_sentence(rhythm_opening, rhythm)]

    body = [_spelled(f.name) for kind in ("conduction", "hypertrophy", "st-t", "axis") for f in by_type.get(kind, [])]
    if "normal" in by_type:
        sentences.append(normal)
    elif body:
        sentences.append(_sentence(body_opening, _joined(body)))
    noise = [f"{f.name} in {'all leads' if len(f.leads) == 12 else _joined(f.leads)}" for f in by_type.get("noise", [])]
    if noise:
        sentences.append(_sentence(noise_opening, _joined(noise)))
    return " ".join(sentences)
