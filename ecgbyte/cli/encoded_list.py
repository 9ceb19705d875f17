"""What ``ecgbyte encode`` has encoded: counts for its summary, and a list of the records beside their files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecgbyte.cli.record_files import RecordFiles
from ecgbyte.cli.record_search import RecordFile
from ecgbyte.files import write_atomically
from ecgbyte.tokenizer.clipping import LARGEST_SHARE
from ecgbyte.tokenizer.encoding import Encoding

LIST_NAME = "encoded.csv"
COLUMNS = ("record", "file", "reader", "tokens", "clipped", "doubts", "remarks")


class EncodedList:
    """The records (or segments) that have been encoded, one after another.

    Parameters
    ----------
    records : RecordFiles
        Knows how each was read.
    """

    def __init__(self, records: RecordFiles) -> None:
        self._records = records
        self._rows: list[tuple[RecordFile, str, int, float]] = []
        self._symbols = 0
        self._clipped = 0.0

    def add(self, file: RecordFile, name: str, encoding: Encoding) -> None:
        """Note an encoded record, or a segment of it, under the name of its file without ending."""
        self._rows.append((file, name, encoding.num_tokens, encoding.clipped))
        self._symbols += encoding.num_symbols
        self._clipped += encoding.clipped * encoding.num_symbols

    def summary(self) -> str:
        """How many were encoded, their tokens, and the share of their samples that was clipped to the range."""
        tokens = sum(count for _, _, count, _ in self._rows)
        compression = f", {self._symbols / tokens:.2f} symbols a token" if tokens else ""
        clipped = f", {self._clipped / self._symbols:.2%} of the samples clipped" if self._symbols else ""
        encoded, files = len({file for file, _, _, _ in self._rows}), len(self._records.files)
        return f"{len(self._rows)} encoded from {encoded} of {files} records, {tokens} tokens{compression}{clipped}"

    def report_clipped(self) -> None:
        """Say on standard error how many lie outside the range for the most part."""
        mostly = [name for _, name, _, clipped in self._rows if clipped > LARGEST_SHARE]
        if mostly:
            self._records.warn(
                f"{len(mostly)} of {len(self._rows)} have most of their samples outside the tokenizer's range, the "
                f"first is {mostly[0]}"
            )

    @contextmanager
    def written(self, folder: Path | None) -> Iterator[None]:
        """Write the list into the folder at the end of a block, also where an error or Ctrl-C ends it.

        After an early end with nothing encoded so far an older list stays.
        """
        finished = False
        try:
            yield
            finished = True
        finally:
            if folder is not None and (finished or self._rows):
                self._write(folder / LIST_NAME)

    def _write(self, path: Path) -> None:
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for file, name, tokens, clipped in self._rows:
            how = self._records.read_as(file)
            doubts = "; ".join(remark.reason for remark in how.remarks if remark.doubt)
            remarks = "; ".join(remark.text for remark in how.remarks)
            writer.writerow([name, file.where, how.reader, tokens, f"{clipped:.6g}", doubts, remarks])
        write_atomically(path, stream.getvalue())
