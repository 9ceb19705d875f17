"""The preprocessing that a tokenizer names, to be applied again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecgbyte.signals.preprocess import CHAIN_VERSION, Preprocessor


def preprocessor_from_settings(settings: Mapping[str, Any] | None) -> Preprocessor | None:
    """The preprocessing that a tokenizer file names, or None where it names none.

    Parameters
    ----------
    settings : dict or None
        As `ecgbyte.ECGTokenizer.preprocessing` gives them.

    Raises
    ------
    ValueError
        If this version of ecgbyte does not know these settings, or they ask for too much work.

    Examples
    --------
    >>> preprocessor_from_settings(Preprocessor(target_rate=100).settings()).target_rate
    100.0
    """
    if settings is None:
        return None
    known = dict(settings)
    version = known.pop("chain_version", None)
    if version == 1 and "leave_out_padding" not in known:
        known["leave_out_padding"] = False
    elif version != CHAIN_VERSION:
        raise ValueError(
            f"preprocessing: the tokenizer was trained with version {version!r} of the chain, this ecgbyte has "
            f"{CHAIN_VERSION}; preprocess the records yourself"
        )
    try:
        return Preprocessor(**known)
    except TypeError as error:
        raise ValueError(f"preprocessing: the tokenizer's settings {known} are not understood: {error}") from error
