"""Pictures of tokens: what is drawn where, the same bytes each time, and clear errors."""

from __future__ import annotations

import io

import matplotlib.image
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from ecgbyte import ECGTokenizer, Record
from ecgbyte.viz import plot_tokens
from ecgbyte.viz.shapes import CLIPPED_COLOUR, SHAPES, token_shapes
from tests.viz.shown_records import beat_tokenizer, beating_record


@pytest.fixture(scope="module")
def tokenizer() -> ECGTokenizer:
    return beat_tokenizer(60)


def occurrences(figure) -> list[Rectangle]:
    return [patch for patch in figure.axes[0].patches if patch.get_gid() == "occurrence"]


def test_each_token_is_a_piece_in_the_colour_of_its_shape(tokenizer):
    record = beating_record(7)
    encoding = tokenizer.encode(record)
    shapes = token_shapes(tokenizer.vocabulary)
    figure = plot_tokens(record, tokenizer, layout="12x1")
    traces = [c for c in figure.axes[0].collections if isinstance(c, LineCollection) and c.get_zorder() == 3]
    assert len(traces) == 12
    for lead, trace in enumerate(traces):
        places = np.flatnonzero(encoding.leads == lead)
        # A lead's last token is drawn where it has more than one sample: no line leaves its last sample.
        lengths = encoding.offsets[places, 1] - encoding.offsets[places, 0]
        drawn = [place for place in places if place != places[-1] or lengths[-1] > 1]
        pieces = trace.get_segments()
        assert len(pieces) == len(drawn)
        for place, piece, colour in zip(drawn, pieces, trace.get_colors(), strict=True):
            start, stop = encoding.offsets[place]
            samples = np.arange(start, min(stop + 1, 1000))
            assert np.allclose(piece[:, 0], 15 + samples / 100 * 25)
            assert np.allclose(
                np.diff(piece[:, 1]), -10 * np.diff(record.signal[lead, samples].astype(float)), atol=1e-5
            )
            shape = SHAPES[shapes[encoding.ids[place]]]
            assert to_hex(colour) == (shape.light if place % 2 else shape.dark)


@pytest.mark.parametrize("boundary", ["lead", "record"])
def test_every_place_of_a_token_is_marked(boundary):
    tokenizer = beat_tokenizer(60, boundary=boundary)
    record = beating_record(7)
    encoding = tokenizer.encode(record)
    token = int(np.bincount(encoding.ids).argmax())
    expected = sum(len(encoding.spans(place)) for place in np.flatnonzero(encoding.ids == token))
    figure = plot_tokens(record, tokenizer, layout="12x1", token=token)
    assert len(occurrences(figure)) == expected > 10
    times = int((encoding.ids == token).sum())
    assert any(text.get_text().endswith(f", {times:,} of them token {token}") for text in figure.axes[0].texts)
    # On three by four, each lead is there for a quarter, and lead II twice.
    on_paper = 0
    quarter = {
        name: k for k, names in enumerate(("I II III", "aVR aVL aVF", "V1 V2 V3", "V4 V5 V6")) for name in names.split()
    }
    for place in np.flatnonzero(encoding.ids == token):
        for lead, start, stop in encoding.spans(place):
            left = 250 * quarter[lead]
            on_paper += (start < left + 250 and stop > left) + (lead == "II")
    assert len(occurrences(plot_tokens(record, tokenizer, token=token))) == on_paper


def test_fewer_merges(tokenizer):
    record = beating_record(7)
    figure = plot_tokens(record, tokenizer, num_merges=0)
    assert "beats-7: 12,000 tokens for 12,000 samples" in {text.get_text() for text in figure.axes[0].texts}


def test_clipped_samples_are_red_and_the_decoded_signal_stays_in_the_range(tokenizer):
    record = beating_record(7)
    lines = plot_tokens(record, tokenizer, layout="12x1", decoded=True).axes[0].lines
    red = sum(
        np.isfinite(line.get_ydata()).sum()
        for line in lines
        if line.get_color() == CLIPPED_COLOUR and len(line.get_xdata()) > 2
    )
    outside = int(((record.signal < -1.0) | (record.signal.astype(float) > 1.2)).sum())
    assert red == outside > 0
    decoded = [line for line in lines if line.get_color() == "#111111"]
    assert len(decoded) == 12
    for lead, line in enumerate(decoded):
        heights = -np.diff(line.get_ydata()) / 10
        expected = np.diff(tokenizer.decode(tokenizer.encode(record))[lead].astype(float))
        assert np.allclose(heights, expected, atol=1e-5)


def test_the_paper_has_its_true_size(tokenizer):
    figure = plot_tokens(beating_record(7), tokenizer)
    width, height = figure.get_size_inches() * 25.4
    axes = figure.axes[0]
    assert width == pytest.approx(15 + 250 + 5)
    assert height == pytest.approx(abs(np.diff(axes.get_ylim())[0]))
    assert np.diff(axes.get_xlim())[0] == pytest.approx(width)


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_saved_pictures_are_whole_and_the_same_each_time(tokenizer, tmp_path, ending):
    for name in ("one", "two"):
        plot_tokens(beating_record(7), tokenizer, tmp_path / f"{name}.{ending}", token=5, filter_line="notch 50 Hz")
    content = (tmp_path / f"one.{ending}").read_bytes()
    assert content == (tmp_path / f"two.{ending}").read_bytes()
    if ending == "svg":
        assert b"notch 50 Hz" in content and b"beats-7" in content
    else:
        assert matplotlib.image.imread(io.BytesIO(content)).shape[1] == int(270 / 25.4 * 160)
    assert {path.name for path in tmp_path.iterdir()} == {f"one.{ending}", f"two.{ending}"}


def test_errors(tokenizer, tmp_path):
    record = beating_record(1)
    with pytest.raises(TypeError, match="record: got ndarray, expected an ecgbyte Record"):
        plot_tokens(record.signal, tokenizer)
    with pytest.raises(ValueError, match=r"path: ending of the file: got '.pdf', expected one of '.png', '.svg'"):
        plot_tokens(record, tokenizer, tmp_path / "x.pdf")
    with pytest.raises(ValueError, match="num_merges: got 61"):
        plot_tokens(record, tokenizer, num_merges=61)
    with pytest.raises(ValueError, match="token: got 86, expected 0 to 85"):
        plot_tokens(record, tokenizer, token=86)
    with pytest.raises(ValueError, match="layout: got '2x2'"):
        plot_tokens(record, tokenizer, layout="2x2")
    with pytest.raises(ValueError, match="first: got 1000, expected a sample"):
        plot_tokens(record, tokenizer, first_second=10)
    with pytest.raises(FileNotFoundError, match="the folder"):
        plot_tokens(record, tokenizer, tmp_path / "absent" / "x.png")
    with pytest.raises(ValueError, match="90"):
        plot_tokens(Record(record.signal, 90), tokenizer)
