"""``ecgbyte decode``: token ids back to a signal."""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from ecgbyte.checks import check_option
from ecgbyte.cli.record_files import TOKENIZER_HELP
from ecgbyte.files import write_atomically
from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer
from ecgbyte.tokenizer.encoding_file import EncodedRecord, read_encoded

_ENDINGS = (".npy", ".csv", ".npz")


def add_parser(commands: Any, **format_options: Any) -> None:
    """Add ``decode`` to the commands."""
    parser = commands.add_parser(
        "decode",
        help="turn token ids back into a signal",
        description="Turn what encode wrote back into a signal in mV, within half a bin of the clipped original.",
        **format_options,
    )
    parser.add_argument("encoded", metavar="FILE", help="an .npz file or JSON lines that encode wrote")
    parser.add_argument("-t", "--tokenizer", required=True, metavar="FILE", help=TOKENIZER_HELP)
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="FILE",
        help="the signal: .npy (float32 [leads, samples]), .csv (a column a lead, a row a sample), or .npz (signal, "
        "lead_names, sampling_rate, record, units)",
    )
    parser.add_argument("--record", metavar="ID", help="the record to decode, where FILE holds several")
    parser.add_argument(
        "--as-published", action="store_true", help="symbol k becomes k/25 of the range, not the middle of its bin"
    )
    parser.add_argument("--json", action="store_true", help="print what was written as one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Decode one record; returns the exit code."""
    output = Path(arguments.output)
    check_option("--output: ending of the file", output.suffix, _ENDINGS)
    if not output.parent.is_dir():
        raise FileNotFoundError(f"--output: the folder {output.parent} does not exist")
    if output.is_dir():
        raise IsADirectoryError(f"--output: {output} is a folder, expected a file")
    tokenizer = ECGTokenizer.from_pretrained(arguments.tokenizer)
    encoded = _choose(read_encoded(arguments.encoded, tokenizer), arguments.record, arguments.encoded)
    signal = tokenizer.decode(encoded.encoding, as_published=arguments.as_published)
    write_atomically(output, _content(signal, encoded, output.suffix))
    leads, samples = signal.shape
    if arguments.json:
        summary = {
            "record": encoded.record_id,
            "file": str(output),
            "shape": [leads, samples],
            "units": "mV",
            "sampling_rate": encoded.sampling_rate,
        }
        print(json.dumps(summary))
    else:
        print(f"{output}: record {encoded.record_id}, {leads} leads of {samples} samples, in mV")
    return 0


def _choose(records: list[EncodedRecord], record_id: str | None, path: str) -> EncodedRecord:
    if record_id is None:
        if len(records) > 1:
            raise ValueError(f"--record: missing; {path} holds {len(records)} records")
        return records[0]
    chosen = [record for record in records if record.record_id == record_id]
    if len(chosen) != 1:
        raise ValueError(f"--record: {path} holds {len(chosen)} records with the id {record_id!r}, expected one")
    return chosen[0]


def _content(signal: np.ndarray, encoded: EncodedRecord, ending: str) -> bytes:
    names = encoded.encoding.lead_names or tuple(f"lead{index}" for index in range(len(signal)))
    if ending == ".csv":
        rows = (",".join(str(value) for value in sample) for sample in signal.T)
        return ("\n".join([",".join(names), *rows]) + "\n").encode("ascii")
    stream = io.BytesIO()
    if ending == ".npy":
        np.save(stream, signal, allow_pickle=False)
    else:
        rate = np.nan if encoded.sampling_rate is None else encoded.sampling_rate
        np.savez(
            stream,
            signal=signal,
            lead_names=np.array(names),
            sampling_rate=np.float64(rate),
            record=np.array(encoded.record_id),
            units=np.array("mV"),
        )
    return stream.getvalue()
