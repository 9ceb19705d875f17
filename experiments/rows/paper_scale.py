"""Operations of training at the paper's scale, and how much longer two stages take than one, by calculation.

The operations of one sample are counted by `ecgbyte.training.paper_scale` and kept in ``paper_scale.csv`` beside this
module, so that tables and verdicts need no model: ``python -m experiments.rows.paper_scale`` counts them again.
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import NamedTuple

from ecgbyte.files import write_atomically

OPERATIONS_FILE = Path(__file__).resolve().parent / "paper_scale.csv"
ENCODERS = ("merl", "clip", "vit", "clip-vit")
CLAIMED_RATIO, FIRST_CLAIMED_RATIO, CLAIMED_SHARE = 3.0, 2.0, 48.0
_COLUMNS = ("part", "positions", "operations")
# Positions of a sample of 2 s without padding: as ECG tokens, as frames of 0.1 s of these, and as one feature vector,
# with question and answer.
PADDED, TOKENS, FRAMES, FEATURES = 1024, 464, 60, 41
# Tokens of the published vocabulary: 256 bytes and 3,500 merges, and the two that enclose the ECG; or one for a vector.
_ECG_TOKENS, _SIGNAL_TOKEN = 256 + 3500 + 2, 1


class Setting(NamedTuple):
    """How much two-stage methods are shown in stage 1.

    Attributes
    ----------
    name : str
        In words.
    ecgs_per_sample : float
        ECGs of stage 1 for each sample of the language model, which is shown its samples once.
    epochs : int
        How often stage 1 is shown each of its ECGs.
    """

    name: str
    ecgs_per_sample: float
    epochs: int

    @property
    def share(self) -> float:
        """What one stage is shown, in percent of what two stages are shown: different ECGs, each counted once."""
        return 100 / (1 + self.ecgs_per_sample)


# 20 epochs of stage 1 as published. All of MIMIC-IV-ECG before 100,000 samples of the language model; and as many ECGs
# as make one stage see 48 % of what two see.
SETTINGS = (
    Setting("800,000 ECGs for 100,000 samples", 8.0, 20),
    Setting("48 % of the data", 100 / CLAIMED_SHARE - 1, 20),
)


class Layout(NamedTuple):
    """How a sample lies in the language model's input.

    Its name, its positions end to end and in stage 2, and the ECG tokens that are added up in frames before the
    language model; 0 where each has a position.
    """

    name: str
    end_to_end: int
    stage_two: int
    framed_tokens: int = 0


LAYOUTS = (
    Layout("padded to 1,024", PADDED, PADDED),
    Layout("without padding", TOKENS, FEATURES),
    # What ECG tokens take of the positions without padding: all but what a sample with one feature vector has as well.
    Layout("token frames, without padding", FRAMES, FEATURES, framed_tokens=TOKENS - FEATURES + 1),
)


class Operations(NamedTuple):
    """Operations of one sample, forward and backward, at one layout and with one encoder."""

    layout: str
    encoder: str
    end_to_end: float
    stage_two: float
    stage_one: float

    def presentations(self, ratio: float) -> float:
        """How often stage 1 must be shown an ECG for each sample of the language model for two stages to take so much.

        Parameters
        ----------
        ratio : float
            Of the operations of two stages to those of one, such as 3.
        """
        return (ratio * self.end_to_end - self.stage_two) / self.stage_one

    def ratio(self, setting: Setting) -> float:
        """How many times as many operations two stages take as one."""
        shown = setting.ecgs_per_sample * setting.epochs
        return (shown * self.stage_one + self.stage_two) / self.end_to_end


def read_operations() -> list[Operations]:
    """The counted operations, one entry a layout and encoder.

    Raises
    ------
    ValueError
        If ``paper_scale.csv`` holds something else.
    """
    with OPERATIONS_FILE.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        if tuple(reader.fieldnames or ()) != _COLUMNS:
            raise ValueError(f"{OPERATIONS_FILE}: got the columns {reader.fieldnames}, expected {', '.join(_COLUMNS)}")
        counted = {(line["part"], line["positions"]): float(line["operations"]) for line in reader}
    try:
        return [
            Operations(
                layout.name,
                encoder,
                counted["end-to-end", str(layout.end_to_end)],
                counted["stage-2", str(layout.stage_two)],
                counted[f"stage-1 {encoder}", ""],
            )
            for layout in LAYOUTS
            for encoder in ENCODERS
        ]
    except KeyError as error:
        raise ValueError(f"{OPERATIONS_FILE}: there is no line for {error}") from error


def count_operations() -> dict[tuple[str, str], int]:
    """Count what ``paper_scale.csv`` holds: operations by part of the training and positions. Takes about 20 s."""
    # Loaded here, so that reading the numbers needs no torch.
    from ecgbyte.training.paper_scale import language_model_flops, stage_one_flops, token_frame_flops

    counted = {}
    for layout in LAYOUTS:
        framed = layout.framed_tokens
        added = _SIGNAL_TOKEN if framed else _ECG_TOKENS
        one_stage = language_model_flops(layout.end_to_end, added_tokens=added)
        counted["end-to-end", str(layout.end_to_end)] = one_stage + (token_frame_flops(tokens=framed) if framed else 0)
        counted["stage-2", str(layout.stage_two)] = language_model_flops(layout.stage_two, added_tokens=_SIGNAL_TOKEN)
    return counted | {(f"stage-1 {encoder}", ""): stage_one_flops(encoder) for encoder in ENCODERS}


def main() -> int:
    """Count the operations again and write them."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows((*key, value) for key, value in count_operations().items())
    write_atomically(OPERATIONS_FILE, stream.getvalue())
    return 0


if __name__ == "__main__":
    sys.exit(main())
