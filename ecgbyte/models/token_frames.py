"""ECG tokens by time: those that begin in the same frame share a position of the language model, whatever their lead.

ECG-Byte writes one lead after another. What happens at one moment then lies hundreds of positions apart, and nothing
says which lead a token is in. Here every token keeps its row, a matrix of its lead turns it, and the turned rows of all
tokens that begin in a frame are added up, as models of audio add up the rows of parallel codebooks (Copet et al. 2023,
"Simple and Controllable Music Generation", https://arxiv.org/abs/2306.05284, section 2.2). The matrices are this
project's: a plain sum would not tell which lead said what. An ECG takes as many positions as it has frames, and all is
trained together with the language model, in one stage.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ecgbyte.models.linear_patches import check_windows


def place_tokens(
    ids: np.ndarray, leads: np.ndarray, starts: np.ndarray, *, num_leads: int, num_samples: int
) -> np.ndarray:
    """Put the tokens of one ECG where they begin.

    Parameters
    ----------
    ids : int [tokens]
        Of the ECG tokenizer.
    leads : int [tokens]
        The index of the lead of each token (`ecgbyte.tokenizer.encoding.Encoding.leads`).
    starts : int [tokens]
        The first sample of each token in its lead (``Encoding.offsets[:, 0]``).
    num_leads, num_samples : int
        Of the ECG.

    Returns
    -------
    float32 [leads, samples]
        Where a token begins, its id plus 1; elsewhere 0. `ecgbyte.training.examples.Example.ecg` takes it.

    Raises
    ------
    ValueError
        If there is not one lead and one start for each token, one of them lies outside the ECG, two tokens begin at one
        sample, or an id is negative or too large for float32 to tell apart from the next.

    Examples
    --------
    >>> place_tokens(np.array([7, 4, 9]), np.array([0, 0, 1]), np.array([0, 2, 0]), num_leads=2, num_samples=4).tolist()
    [[8.0, 0.0, 5.0, 0.0], [10.0, 0.0, 0.0, 0.0]]
    """
    ids, leads, starts = np.asarray(ids), np.asarray(leads), np.asarray(starts)
    if ids.ndim != 1 or leads.shape != ids.shape or starts.shape != ids.shape:
        raise ValueError(f"leads, starts: expected one for each token {ids.shape}, got {leads.shape}, {starts.shape}")
    for name, values, end in (("ids", ids, 2**24 - 1), ("leads", leads, num_leads), ("starts", starts, num_samples)):
        if len(values) and (values.min() < 0 or values.max() >= end):
            raise ValueError(f"{name}: expected 0 to {end - 1}, got {values.min()} to {values.max()}")
    placed = np.zeros((num_leads, num_samples), np.float32)
    placed[leads, starts] = ids + 1
    if np.count_nonzero(placed) < len(ids):
        raise ValueError("starts: two tokens of a lead begin at the same sample")
    return placed


class TokenFrames(nn.Module):
    """ECG tokens at the places where they begin, to one row of a language model for each frame.

    A frame's row is the sum of the rows of its tokens, each turned by the matrix of its lead, and a learnt row for the
    frame's place in time. At the start of training both have equal shares, and a frame's row has about the norm of a
    text token's.

    Parameters
    ----------
    num_leads, num_samples : int
        Of every ECG.
    vocabulary_size : int
        Of the ECG tokenizer.
    hidden_size : int
        Length of a row.
    frame_samples : int
        Samples of a frame; a divisor of `num_samples`.
    row_deviation : float
        Root mean square of the entries of text rows.
    waveforms : numpy.ndarray or None
        Float [vocabulary, description], what each token looks like
        (`ecgbyte.models.language.ecg_tokens.describe_waveforms`): rows start as a random projection of it, so that
        tokens which look alike start alike. None draws each by itself.
    seed : int
        Of the initial weights.

    Raises
    ------
    ValueError
        If a number is not positive, `frame_samples` is no divisor of `num_samples`, or `waveforms` has not one row for
        each token.

    Examples
    --------
    >>> frames = TokenFrames(num_leads=2, num_samples=4, vocabulary_size=10, hidden_size=8, frame_samples=2)
    >>> frames(torch.tensor([[[8.0, 0.0, 5.0, 0.0], [10.0, 0.0, 0.0, 0.0]]])).shape
    torch.Size([1, 2, 8])
    """

    def __init__(
        self,
        num_leads: int,
        num_samples: int,
        vocabulary_size: int,
        hidden_size: int,
        *,
        frame_samples: int = 25,
        row_deviation: float = 0.02,
        waveforms: np.ndarray | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        sizes = {"num_leads": num_leads, "vocabulary_size": vocabulary_size, "hidden_size": hidden_size}
        check_windows("frame_samples", frame_samples, num_samples=num_samples, **sizes)
        if waveforms is not None and (waveforms.ndim != 2 or len(waveforms) != vocabulary_size):
            raise ValueError(f"waveforms: expected [{vocabulary_size}, description], got {list(waveforms.shape)}")
        self.num_leads, self.num_samples, self.frame_samples = num_leads, num_samples, frame_samples
        self.vocabulary_size = vocabulary_size
        self.num_positions = num_samples // frame_samples
        generator = torch.Generator().manual_seed(seed)
        if waveforms is None:
            rows = torch.randn(vocabulary_size, hidden_size, generator=generator)
        else:
            described = torch.from_numpy(waveforms).float()
            rows = described @ torch.randn(described.shape[1], hidden_size, generator=generator)
            rows = rows / rows.square().mean().sqrt()
        share = 2**-0.5
        # In the units of the language model's rows, and so learnt at the pace of these.
        self.token_rows = nn.Parameter(rows * row_deviation)
        turns = torch.randn(num_leads, hidden_size, hidden_size, generator=generator)
        self.lead_turns = nn.Parameter(turns * share * hidden_size**-0.5)
        places = torch.randn(self.num_positions, hidden_size, generator=generator)
        self.frame_rows = nn.Parameter(places * share * row_deviation)

    def settings(self) -> dict[str, Any]:
        """Return what rebuilds the layer without its weights, ready for JSON."""
        return {
            "num_leads": self.num_leads,
            "num_samples": self.num_samples,
            "vocabulary_size": self.vocabulary_size,
            "frame_samples": self.frame_samples,
        }

    def fit_scale(self, placed: Iterable[np.ndarray]) -> None:
        """Divide the matrices of the leads by the root of the tokens that a frame has, over training ECGs.

        Parameters
        ----------
        placed : iterable of numpy.ndarray
            What `place_tokens` gave for each.

        Raises
        ------
        ValueError
            If there is none.
        """
        counts = [np.count_nonzero(ecg) for ecg in placed]
        if not counts:
            raise ValueError("placed: expected the tokens of one ECG at least, got none")
        with torch.no_grad():
            self.lead_turns /= max(1.0, float(np.mean(counts)) / self.num_positions) ** 0.5

    def forward(self, placed: Tensor) -> Tensor:
        """Float [batch, leads, samples] of `place_tokens` to float [batch, num_positions, hidden_size].

        Raises
        ------
        ValueError
            If leads or samples are others, or a token is none of the vocabulary.
        """
        if placed.ndim != 3 or tuple(placed.shape[1:]) != (self.num_leads, self.num_samples):
            expected = f"[batch, {self.num_leads} leads, {self.num_samples} samples]"
            raise ValueError(f"placed: expected shape {expected}, got {list(placed.shape)}")
        by_lead = placed.transpose(0, 1)
        leads, signals, starts = by_lead.nonzero(as_tuple=True)
        ids = by_lead[leads, signals, starts].long() - 1
        if len(ids) and (int(ids.min()) < 0 or int(ids.max()) >= self.vocabulary_size):
            raise ValueError(
                f"placed: expected tokens 0 to {self.vocabulary_size - 1}, got {int(ids.min())} to {int(ids.max())}"
            )
        parts = self.token_rows[ids].split(torch.bincount(leads, minlength=self.num_leads).tolist())
        turned = torch.cat([rows @ turn for rows, turn in zip(parts, self.lead_turns, strict=True)])
        sums = turned.new_zeros(len(placed) * self.num_positions, turned.shape[1])
        sums = sums.index_add(0, signals * self.num_positions + starts // self.frame_samples, turned)
        return sums.unflatten(0, (len(placed), self.num_positions)) + self.frame_rows
