"""A mask of attention under which padding sees itself.

Padding before a sequence sees nothing, as nothing comes before it but padding. What attention makes of that is thrown
away, and on a CPU it is harmless. On a GPU its gradient may be NaN, and then that of every weight is: torch 2.11's
fused attention gave NaN for rows of 576 positions, and none for rows of 547 or 640.
"""

from __future__ import annotations

import torch
from torch import Tensor


def padding_sees_itself(attention_mask: Tensor, queries: int) -> Tensor:
    """Return what the last positions of each row see: what came before them and is no padding, and themselves.

    Parameters
    ----------
    attention_mask : int64 [samples, positions]
        0 where there is padding.
    queries : int
        How many of the last positions are computed; those before them have keys and values only.

    Returns
    -------
    bool [samples, 1, queries, positions]

    Examples
    --------
    >>> padding_sees_itself(torch.tensor([[0, 1, 1]]), 2)[0, 0].int().tolist()
    [[0, 1, 0], [0, 1, 1]]
    >>> padding_sees_itself(torch.tensor([[0, 1, 1]]), 3)[0, 0, 0].int().tolist()
    [1, 0, 0]
    """
    positions = torch.arange(attention_mask.shape[1], device=attention_mask.device)
    own = positions[-queries:, None]
    seen = (positions <= own) & attention_mask.bool()[:, None, :]
    return (seen | (positions == own))[:, None]
