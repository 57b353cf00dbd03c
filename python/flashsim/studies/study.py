"""A table of numbers with a title, as text for the terminal, Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.table import Table

__all__ = ["Cell", "Study"]

Cell = str | float | int


@dataclass(frozen=True)
class Study:
    """Result of a study.

    Attributes
    ----------
    name
        Of the files: ``<name>.json``, ``<name>.md`` and ``<name>.png``.
    title
        One line.
    columns
        Headings.
    rows
        One cell per column.
    notes
        Sentences below the table: sizes of the samples, seeds, exceptions.

    Examples
    --------
    >>> study = Study("toys", "Toys", ("flow", "ks"), [("jets", 0.00312)])
    >>> print(study.markdown().splitlines()[-1])
    | jets | 0.00312 |
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    notes: list[str] = field(default_factory=list)

    def table(self) -> Table:
        """For the terminal."""
        table = Table(title=self.title, caption="\n".join(self.notes) or None, caption_justify="left")
        for column in self.columns:
            table.add_column(column)
        for row in self.rows:
            table.add_row(*map(_text, row))
        return table

    def markdown(self) -> str:
        """For a document."""
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        table = "\n".join("| " + " | ".join(map(_text, line)) + " |" for line in lines)
        return "\n\n".join([f"### {self.title}", *self.notes, table]) + "\n"

    def write(self, folder: str | Path) -> Path:
        """Writes ``<name>.json`` and ``<name>.md``; returns where the picture belongs.

        Raises
        ------
        OSError
            If the folder cannot be made or written to.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        (folder / f"{self.name}.json").write_text(text + "\n", encoding="utf-8")
        (folder / f"{self.name}.md").write_text(self.markdown(), encoding="utf-8")
        return folder / f"{self.name}.png"


def _text(cell: Cell) -> str:
    return f"{cell:.3g}" if isinstance(cell, float) else str(cell)
