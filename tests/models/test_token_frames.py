"""Tokens by time: where each is placed, which frame it reaches, and the sums against a slow, obvious version."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgbyte.models.token_frames import TokenFrames, place_tokens
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer

LEADS, SAMPLES, VOCABULARY, HIDDEN = 3, 12, 20, 8


def placed_at_random(seed: int, share: float = 0.4) -> np.ndarray:
    """Tokens of one ECG at random places, float32 [leads, samples]."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(1, VOCABULARY + 1, (LEADS, SAMPLES))
    return np.where(rng.random((LEADS, SAMPLES)) < share, ids, 0).astype(np.float32)


def frames_one_by_one(layer: TokenFrames, placed: np.ndarray) -> np.ndarray:
    """The rows of one ECG, a token at a time."""
    rows = layer.frame_rows.detach().numpy().copy()
    for lead in range(placed.shape[0]):
        for sample in range(placed.shape[1]):
            if placed[lead, sample]:
                token = layer.token_rows[int(placed[lead, sample]) - 1].detach().numpy()
                rows[sample // layer.frame_samples] += token @ layer.lead_turns[lead].detach().numpy()
    return rows


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    signals=st.integers(1, 4),
    frame_samples=st.sampled_from([1, 2, 3, 4, 6, 12]),
    share=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
)
def test_rows_are_those_of_tokens_added_one_by_one(seed: int, signals: int, frame_samples: int, share: float) -> None:
    layer = TokenFrames(LEADS, SAMPLES, VOCABULARY, HIDDEN, frame_samples=frame_samples, seed=seed)
    placed = np.stack([placed_at_random(seed + i, share) for i in range(signals)])
    rows = layer(torch.from_numpy(placed)).detach().numpy()
    assert rows.shape == (signals, SAMPLES // frame_samples, HIDDEN)
    for row, ecg in zip(rows, placed, strict=True):
        np.testing.assert_allclose(row, frames_one_by_one(layer, ecg), rtol=1e-4, atol=1e-6)


def test_a_token_says_another_thing_in_another_lead() -> None:
    layer = TokenFrames(LEADS, SAMPLES, VOCABULARY, HIDDEN, frame_samples=6)
    placed = torch.zeros(2, LEADS, SAMPLES)
    placed[0, 0, 7] = placed[1, 1, 7] = 5
    rows = layer(placed)
    assert torch.equal(rows[0, 0], rows[1, 0]) and not torch.allclose(rows[0, 1], rows[1, 1])


def test_tokens_of_an_encoding_are_placed_where_they_begin() -> None:
    rng = np.random.default_rng(0)
    records = [np.cumsum(rng.normal(size=(12, 100)), axis=1).astype(np.float32) * 0.05 for _ in range(4)]
    tokenizer = ECGTokenizer.train(records, 40, sampling_rate=100, progress=False)
    encoding = tokenizer.encode(records[0])
    placed = place_tokens(encoding.ids, encoding.leads, encoding.offsets[:, 0], num_leads=12, num_samples=100)
    assert [int(value) - 1 for value in placed[placed > 0]] == encoding.ids.tolist()
    assert encoding.num_tokens < 1200
    for lead, row in enumerate(placed):
        # Each token reaches to where the next one of its lead begins.
        starts = [*np.flatnonzero(row), 100]
        lengths = tokenizer.vocabulary.lengths[encoding.ids[encoding.leads == lead]]
        np.testing.assert_array_equal(np.diff(starts), lengths)


def test_frames_and_places_have_equal_shares_of_a_text_tokens_norm() -> None:
    layer = TokenFrames(12, 500, 200, 64, frame_samples=25, row_deviation=0.05, seed=1)
    rng = np.random.default_rng(0)
    placed = np.where(rng.random((50, 12, 500)) < 0.06, rng.integers(1, 201, (50, 12, 500)), 0).astype(np.float32)
    layer.fit_scale(placed)
    rows = layer(torch.from_numpy(placed)).detach()
    assert float((rows - layer.frame_rows).square().mean().sqrt()) == pytest.approx(0.05 * 2**-0.5, rel=0.1)
    assert float(rows.square().mean().sqrt()) == pytest.approx(0.05, rel=0.1)


def test_rows_that_start_as_waveforms_are_alike_where_these_are() -> None:
    described = np.random.default_rng(0).normal(size=(VOCABULARY, 14))
    described[3] = described[4]
    layer = TokenFrames(LEADS, SAMPLES, VOCABULARY, HIDDEN, frame_samples=6, waveforms=described, row_deviation=0.1)
    assert torch.equal(layer.token_rows[3], layer.token_rows[4])
    assert float(layer.token_rows.detach().square().mean().sqrt()) == pytest.approx(0.1)


def test_only_tokens_that_occur_and_their_leads_get_gradients() -> None:
    layer = TokenFrames(LEADS, SAMPLES, VOCABULARY, HIDDEN, frame_samples=6)
    placed = torch.zeros(1, LEADS, SAMPLES)
    placed[0, 2, 3] = 8
    layer(placed).square().sum().backward()
    rows, turns = layer.token_rows.grad, layer.lead_turns.grad
    assert rows is not None and turns is not None
    assert rows.abs().sum(1).nonzero().flatten().tolist() == [7]
    assert turns.abs().sum((1, 2)).nonzero().flatten().tolist() == [2]


def test_bad_input_is_refused_with_its_name() -> None:
    good = np.array([1, 2]), np.array([0, 1]), np.array([0, 3])
    for arrays, message in (
        ((good[0], good[1][:1], good[2]), r"leads, starts: expected one for each token \(2,\), got \(1,\)"),
        ((good[0], np.array([0, 3]), good[2]), "leads: expected 0 to 2, got 0 to 3"),
        ((good[0], good[1], np.array([0, 12])), "starts: expected 0 to 11, got 0 to 12"),
        ((np.array([-1, 2]), good[1], good[2]), "ids: expected 0 to .*, got -1 to 2"),
        ((good[0], np.array([1, 1]), np.array([3, 3])), "starts: two tokens of a lead begin at the same sample"),
    ):
        with pytest.raises(ValueError, match=message):
            place_tokens(*arrays, num_leads=LEADS, num_samples=SAMPLES)
    with pytest.raises(ValueError, match="frame_samples: expected a divisor of the 12 samples, got 5"):
        TokenFrames(LEADS, SAMPLES, VOCABULARY, HIDDEN, frame_samples=5)
    with pytest.raises(ValueError, match="vocabulary_size: expected a positive number, got 0"):
        TokenFrames(LEADS, SAMPLES, 0, HIDDEN, frame_samples=6)
    with pytest.raises(ValueError, match=r"waveforms: expected \[20, description\], got \[3, 14\]"):
        TokenFrames(LEADS, SAMPLES, VOCABULARY, HIDDEN, frame_samples=6, waveforms=np.zeros((3, 14)))
    layer = TokenFrames(LEADS, SAMPLES, VOCABULARY, HIDDEN, frame_samples=6)
    with pytest.raises(ValueError, match=r"placed: expected shape \[batch, 3 leads, 12 samples\], got \[1, 3, 6\]"):
        layer(torch.zeros(1, 3, 6))
    with pytest.raises(ValueError, match="placed: expected tokens 0 to 19, got 20 to 20"):
        layer(torch.full((1, LEADS, SAMPLES), 21.0))
    with pytest.raises(ValueError, match="placed: expected the tokens of one ECG at least, got none"):
        layer.fit_scale([])
