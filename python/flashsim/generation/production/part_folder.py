"""The folder of finished parts, from which a killed production continues."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from ..writer import TEMPORARY_PREFIX, EventWriter, merge
from .parts import DamagedPart, Part, Settings, read_part

__all__ = ["RECORD", "PartFolder"]

RECORD = "production.json"
"""File in the folder with the settings of the production."""


class PartFolder:
    """The folder ``<output>.parts`` with the files ``00000.root``, ``00001.root``, ... and a record; a context manager.

    Within the context the folder belongs to this process alone. If the context ends with an exception, the parts stay,
    and a note on the exception says so. Otherwise, or if there are no parts, the folder is removed.

    Parameters
    ----------
    output
        The file that the parts will make.
    settings
        Settings of the production.
    resume
        Whether to keep existing parts.

    Attributes
    ----------
    path : Path
        The folder.
    parts : dict[int, Part]
        The checked parts.

    Raises
    ------
    ValueError
        If the folder holds something else, or parts of a production with other settings.
    OSError
        If it cannot be made, or another process produces into it.
    """

    def __init__(self, output: Path, settings: Settings, resume: bool = True) -> None:
        self.path = output.with_name(f"{output.name}.parts")
        self.settings = settings
        self.parts: dict[int, Part] = {}
        self._output = output
        self._resume = resume

    def __enter__(self) -> PartFolder:
        if self.path.exists() and not self.path.is_dir():
            raise FileExistsError(f"{self.path} is not a folder; remove it or choose another output")
        self.path.mkdir(exist_ok=True)
        record = self.path / RECORD
        if not record.exists() and any(self.path.iterdir()):
            raise ValueError(
                f"{self.path} has no {RECORD}, which identifies its files; remove the folder or choose another output"
            )
        self._record = record.open("a+", encoding="utf-8")
        try:
            self._lock()
            if not self._resume:
                self._record.truncate(0)
                for _, file in self._files():
                    file.unlink()
            self._check_record()
            for leftover in self.path.glob(f"{TEMPORARY_PREFIX}*"):
                leftover.unlink()
        except BaseException:
            self._record.close()
            raise
        return self

    def _lock(self) -> None:
        try:
            fcntl.flock(self._record, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BlockingIOError(f"another process is producing into {self.path}") from None
        except OSError:
            # Some network file systems have no locks. Two processes would only do the same work twice.
            return

    def _check_record(self) -> None:
        self._record.seek(0)
        text = self._record.read()
        wanted = self.settings.record()
        if not text and not any(self._files()):
            json.dump(wanted, self._record, indent=2)
            self._record.flush()
            return
        try:
            found = dict(json.loads(text))
        except (TypeError, ValueError):
            raise ValueError(
                f"{self.path / RECORD} cannot be read; remove the folder or choose another output"
            ) from None
        changes = [
            f"{key} was {found.get(key)}, now {wanted.get(key)}"
            for key in wanted | found
            if found.get(key) != wanted.get(key)
        ]
        if changes:
            raise ValueError(
                f"{self.path} holds parts of another production ({'; '.join(changes)});"
                " complete it with its settings, remove the folder, or choose another output"
            )

    def _files(self) -> Iterator[tuple[int, Path]]:
        for file in sorted(self.path.glob("*.root")):
            if file.stem.isdecimal() and file == self.file(int(file.stem)):
                yield int(file.stem), file

    def file(self, part: int) -> Path:
        """File of a part."""
        return self.path / f"{part:05d}.root"

    def find(self) -> Iterator[str]:
        """Read the existing parts completely, and remove those that fail the check.

        Yields
        ------
        str
            Name of each removed file, and the reason.
        """
        for number, file in self._files():
            most = self.settings.most_events(number)
            try:
                part = read_part(file, self.settings, number)
                if part.events != most and (self.settings.jets is None or part.events % self.settings.block_events):
                    raise DamagedPart(f"{part.events} events, expected {most}")
            except DamagedPart as error:
                file.unlink()
                yield f"{file}: {error}"
            else:
                self.parts[number] = part

    @property
    def events(self) -> int:
        """Number of events in the parts."""
        return sum(part.events for part in self.parts.values())

    @property
    def jets(self) -> int:
        """Number of generated jets in the parts."""
        return sum(sum(part.jets) for part in self.parts.values())

    @property
    def sum_of_weights(self) -> float:
        """Sum of ``genWeight`` over the parts."""
        return sum(self.parts[number].sum_of_weights for number in sorted(self.parts))

    def writer(self, part: int) -> EventWriter:
        """The writer of a part."""
        return EventWriter(self.file(part), self.settings.title)

    def make_output(self) -> None:
        """Join all parts into the output."""
        merge([self.file(number) for number in sorted(self.parts)], self._output, self.path)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        files = [file for _, file in self._files()]
        if error is not None and files:
            error.add_note(
                f"{len(files)} finished part{'s' * (len(files) > 1)} of up to {self.settings.part_events} events"
                f" kept in {self.path}: start the same production again to continue from them"
            )
        else:
            for file in files:  # before the record, which identifies them
                file.unlink()
            shutil.rmtree(self.path)
        self._record.close()
