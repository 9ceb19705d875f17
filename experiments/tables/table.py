"""A table of results: named columns of cells, with the notes below it."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

from experiments.rows.estimates import Cell
from experiments.tables.published import PublishedNumber

# Columns that say where a line belongs. Where all lines agree in one, people read it once.
_CONTEXT = ("dataset", "split", "subset", "seed", "seeds", "scale", "n", "input", "trained on", "against")


@dataclass(frozen=True)
class Table:
    """One table; make it with `Table.of`.

    Attributes
    ----------
    name : str
        The file's stem.
    title : str
        One line above it.
    columns : tuple of str
        In order. Of a table without rows these are all that it might have.
    rows : sequence of mappings
        From column to cell; every row has every column, in order. None is an empty cell.
    notes : tuple of str
        Lines below it.
    parts : str
        A column by which a long table is divided on the page, the first part open; empty for a table in one piece.
    quoted : tuple of PublishedNumber
        Printed in a block of their own below the notes, and in a CSV file of their own; see
        `experiments.tables.catalogue`.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: Sequence[Mapping[str, Cell]]
    notes: tuple[str, ...] = ()
    parts: str = ""
    quoted: tuple[PublishedNumber, ...] = ()

    @classmethod
    def of(
        cls,
        name: str,
        title: str,
        columns: Sequence[str],
        lines: Sequence[Mapping[str, Cell]],
        notes: Sequence[str] = (),
        *,
        parts: str = "",
    ) -> Table:
        """A table of those columns that some line fills.

        Parameters
        ----------
        name, title, notes, parts
            As the attributes.
        columns : sequence of str
            Every column that a line may have, in the order of the table.
        lines : sequence of mappings
            From column to cell; a column that a line does not have is empty there.

        Raises
        ------
        ValueError
            If a line has a column that `columns` does not name.
        """
        unknown = {column for line in lines for column in line} - set(columns)
        if unknown:
            raise ValueError(f"lines: got the columns {sorted(unknown)} in table {name!r}, expected those of `columns`")
        filled = [name for name in columns if not lines or any(line.get(name) is not None for line in lines)]
        rows = [{name: line.get(name) for name in filled} for line in lines]
        return cls(name, title, tuple(filled), rows, tuple(notes), parts)

    def divided(self) -> list[tuple[str, Table]]:
        """The parts, each by its value of the dividing column and without that column."""
        if not self.parts or not self.rows:
            return [("", self)]
        values = dict.fromkeys(str(row[self.parts]) for row in self.rows)
        whole = self.without({self.parts})
        return [
            (
                value,
                replace(
                    whole,
                    rows=[
                        kept for row, kept in zip(self.rows, whole.rows, strict=True) if str(row[self.parts]) == value
                    ],
                    parts="",
                ),
            )
            for value in values
        ]

    def shared_cells(self) -> dict[str, Cell]:
        """The columns of `_CONTEXT` that hold one value in all rows, which people need to read once only."""
        same = {name: {row[name] for row in self.rows} for name in self.columns if name in _CONTEXT}
        return {name: values.pop() for name, values in same.items() if len(values) == 1}

    def without(self, names: Container[str]) -> Table:
        """The table without the columns called `names`."""
        columns = tuple(name for name in self.columns if name not in names)
        return replace(self, columns=columns, rows=[{name: row[name] for name in columns} for row in self.rows])

    def folded(self) -> tuple[dict[str, Cell], Table]:
        """What people need to read once, and the rest of the table, which begins with the method.

        Of a single row nothing is taken away.
        """
        shared = self.shared_cells() if len(self.rows) > 1 else {}
        kept = [name for name in self.columns if name not in shared]
        columns = tuple(sorted(kept, key=lambda name: name != "method"))
        return shared, replace(self, columns=columns, rows=[{name: row[name] for name in columns} for row in self.rows])
