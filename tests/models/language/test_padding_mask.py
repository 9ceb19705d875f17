"""What the last positions of a row see, against a slow, obvious version."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from ecgbyte.models.language.padding_mask import padding_sees_itself


@given(st.integers(1, 4), st.integers(1, 9), st.data())
def test_positions_see_what_came_before_and_themselves(samples: int, positions: int, data: st.DataObject) -> None:
    queries = data.draw(st.integers(1, positions))
    rows = st.lists(st.integers(0, 1), min_size=positions, max_size=positions)
    mask = torch.tensor(data.draw(st.lists(rows, min_size=samples, max_size=samples)))
    seen = padding_sees_itself(mask, queries)
    assert seen.shape == (samples, 1, queries, positions)
    for sample in range(samples):
        for query in range(queries):
            place = positions - queries + query
            expected = [key == place or (key < place and bool(mask[sample, key])) for key in range(positions)]
            assert seen[sample, 0, query].tolist() == expected
