"""Lead names, their order, and the identities that catch swapped limb leads."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgbyte.signals.lead_identities import check_lead_identities, lead_identity_residuals
from ecgbyte.signals.leads import (
    LEADS,
    LIMB_LEADS,
    canonical_lead_name,
    canonical_lead_names,
    lead_order,
)

MIMIC_ORDER = ("I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6")


def limb_leads(seed: int = 0, samples: int = 200) -> np.ndarray:
    """Six limb leads that hold all identities: I and II drawn, the others computed."""
    first, second = np.random.default_rng(seed).normal(size=(2, samples))
    return np.array([first, second, second - first, -(first + second) / 2, first - second / 2, second - first / 2])


def test_twelve_leads_in_the_canonical_order() -> None:
    assert LEADS == ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


@pytest.mark.parametrize("given_name", ["AVR", "avr", "aVR", " Avr "])
def test_names_are_found_in_any_case(given_name: str) -> None:
    assert canonical_lead_name(given_name) == "aVR"


@pytest.mark.parametrize("name", ["", "V7", "aV", "IV", "MLII"])
def test_unknown_name_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=r"expected one of I, II, III, aVR") as error:
        canonical_lead_name(name)
    assert repr(name) in str(error.value)


def test_name_of_another_type() -> None:
    with pytest.raises(TypeError, match="int 3"):
        canonical_lead_name(3)  # type: ignore[arg-type]


def test_one_string_is_no_list_of_leads() -> None:
    with pytest.raises(TypeError, match="single string 'II'"):
        canonical_lead_names("II")


def test_mimic_order_is_brought_into_the_canonical_one() -> None:
    assert lead_order(MIMIC_ORDER).tolist() == [0, 1, 2, 3, 5, 4, 6, 7, 8, 9, 10, 11]


@given(st.permutations(LEADS), st.data())
def test_lead_order_finds_every_lead(names: list[str], data: st.DataObject) -> None:
    spelled = [data.draw(st.sampled_from([name, name.lower(), name.upper()])) for name in names]
    order = lead_order(spelled)
    assert [canonical_lead_name(spelled[position]) for position in order] == list(LEADS)


def test_missing_leads_are_named() -> None:
    with pytest.raises(ValueError, match="aVF, V6 missing"):
        lead_order([lead for lead in LEADS if lead not in ("V6", "aVF")])


def test_repeated_leads_are_named() -> None:
    with pytest.raises(ValueError, match="II, V1 given more than once"):
        lead_order([*LEADS, "v1", "ii"])


def test_other_leads_are_left_out_where_some_are_asked_for() -> None:
    assert lead_order(LEADS, leads=("V2", "I")).tolist() == [7, 0]


def test_residuals_by_hand() -> None:
    # I = 1, II = 3: III 2, aVR -2, aVL -0.5, aVF 2.5. III is off by 0.25, aVL by 1.
    signal = np.array([[1.0], [3.0], [2.25], [-2.0], [0.5], [2.5]])
    assert lead_identity_residuals(signal, LIMB_LEADS) == {
        "III = II - I": 0.25,
        "aVR = -(I + II) / 2": 0.0,
        "aVL = I - II / 2": 1.0,
        "aVF = II - I / 2": 0.0,
    }


@given(st.permutations(range(6)))
def test_right_names_pass_in_any_order(order: list[int]) -> None:
    signal = limb_leads()[order] + 0.0005 * np.random.default_rng(1).choice([-1, 1], size=(6, 200))
    check_lead_identities(signal, [LIMB_LEADS[row] for row in order])


def test_every_wrong_order_is_caught_and_undone_by_name() -> None:
    signal = limb_leads(seed=3)
    for order in itertools.permutations(range(6)):
        if order == tuple(range(6)):
            continue
        with pytest.raises(ValueError, match="the leads look swapped") as error:
            check_lead_identities(signal[list(order)], LIMB_LEADS)
        for place, row in enumerate(order):
            claim = f"the lead called {LIMB_LEADS[place]} is {LIMB_LEADS[row]}"
            assert (claim in str(error.value)) == (place != row)


def test_message_gives_the_broken_identities_and_their_size() -> None:
    signal = limb_leads(seed=4)[[0, 1, 2, 3, 5, 4]]
    with pytest.raises(ValueError) as error:
        check_lead_identities(signal, LIMB_LEADS)
    message = str(error.value)
    assert "aVL = I - II / 2 is off by" in message and "aVF = II - I / 2 is off by" in message
    assert "III = II - I" not in message and "aVR = " not in message
    assert "if the lead called aVL is aVF and the lead called aVF is aVL" in message


def test_sum_of_augmented_leads_would_not_have_seen_it() -> None:
    swapped = limb_leads(seed=4)[[0, 1, 2, 4, 3, 5]]
    assert np.abs(swapped[3:].sum(axis=0)).max() < 1e-12
    with pytest.raises(ValueError, match="look swapped"):
        check_lead_identities(swapped, LIMB_LEADS)


def test_similar_leads_are_told_apart() -> None:
    # With lead I small, III and aVF differ by I / 2 only: the smallest difference in PTB-XL is a median of 0.0055 mV.
    signal = limb_leads(seed=8)
    signal[0] = 0.011 * np.sign(signal[0])
    first, second = signal[0], signal[1]
    signal[2:] = [second - first, -(first + second) / 2, first - second / 2, second - first / 2]
    check_lead_identities(signal, LIMB_LEADS)
    with pytest.raises(ValueError, match="the lead called III is aVF and the lead called aVF is III"):
        check_lead_identities(signal[[0, 1, 5, 3, 4, 2]], LIMB_LEADS)


def test_a_foreign_lead_is_no_swap() -> None:
    signal = limb_leads(seed=5)
    signal[4] = np.random.default_rng(6).normal(size=200)
    with pytest.raises(ValueError, match="no order of the six limb leads"):
        check_lead_identities(signal, LIMB_LEADS)


def test_artefacts_in_less_than_half_of_the_samples_do_not_count() -> None:
    signal = limb_leads(seed=7)
    signal[2, :90] += 5.0
    check_lead_identities(signal, LIMB_LEADS)


@pytest.mark.parametrize(
    ("signal", "names", "message"),
    [
        (np.zeros(6), LIMB_LEADS, r"expected \[leads, samples\]"),
        (np.zeros((5, 9)), LIMB_LEADS, "5 leads, but lead_names has 6"),
        (np.zeros((6, 0)), LIMB_LEADS, "no samples"),
        (np.zeros((5, 9)), LIMB_LEADS[:5], "aVF missing"),
        (np.full((6, 9), np.nan), LIMB_LEADS, "nan in lead I at sample 0"),
    ],
)
def test_bad_input(signal: np.ndarray, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_lead_identities(signal, names)


def test_tolerance_must_be_positive() -> None:
    with pytest.raises(ValueError, match="tolerance_mv"):
        check_lead_identities(limb_leads(), LIMB_LEADS, tolerance_mv=0)
