"""The parts of a production: their content, and the check of a file."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ..columns import BRANCHES
from ..gen.processes import Process
from ..writer import TREE

__all__ = ["DamagedPart", "Part", "Settings", "read_part"]


@dataclass(frozen=True)
class Settings:
    """Settings that the content of a production depends on.

    Parameters
    ----------
    process, seed
        As given by the user.
    events, jets
        Requested number; one of them is None.
    block_events
        Events that share a seed.
    part_blocks
        Blocks in a part.
    """

    process: Process
    seed: int
    events: int | None
    jets: int | None
    block_events: int
    part_blocks: int

    @property
    def title(self) -> str:
        """Title of the tree."""
        return f"{self.process.title}; 13 TeV; seed {self.seed}"

    @property
    def part_events(self) -> int:
        """Events in a part, the last excepted."""
        return self.block_events * self.part_blocks

    def most_events(self, part: int) -> int:
        """Events in a part: the largest number if the production ends with a number of jets, else the exact one."""
        if self.events is None:
            return self.part_events
        return max(0, min(self.part_events, self.events - part * self.part_events))

    def blocks(self, part: int) -> int:
        """Blocks in a part, or their largest number."""
        return -(-self.most_events(part) // self.block_events)

    def record(self) -> dict[str, Any]:
        """All that the bytes of a part depend on, for JSON."""
        import ROOT

        from ..._version import __version__

        return {
            "process": self.process.name,
            "seed": self.seed,
            "events": self.events,
            "jets": self.jets,
            "block_events": self.block_events,
            "part_blocks": self.part_blocks,
            "flashsim": __version__,
            "ROOT": str(ROOT.gROOT.GetVersion()),
            **{package: version(package) for package in ("pythia8mc", "fastjet", "numpy")},
        }


@dataclass(frozen=True)
class Part:
    """Content of a finished part.

    Parameters
    ----------
    events
        Number of events.
    jets
        Number of generated jets of each block.
    sum_of_weights
        Sum of ``genWeight``.
    """

    events: int
    jets: tuple[int, ...]
    sum_of_weights: float


class DamagedPart(ValueError):
    """A file that is not the expected part."""


def read_part(path: Path, settings: Settings, number: int) -> Part:
    """Read all of a part, and count its jets.

    Parameters
    ----------
    path
        The file.
    settings
        Settings of the production.
    number
        Number of the part.

    Raises
    ------
    DamagedPart
        If the file cannot be read completely, or holds other events.
    """
    import awkward
    import uproot  # not ROOT, which crashes on some damaged files

    try:
        with uproot.open(path) as file:
            if file.file.fEND != path.stat().st_size:
                raise DamagedPart("its size has changed")
            tree = file[TREE]
            title, columns = tree.title, tree.arrays()
            # The description of the branches is compressed with a checksum too.
            _ = file.file.streamers
    except DamagedPart:
        raise
    except Exception as error:  # a damaged file can fail in any way
        raise DamagedPart(f"it cannot be read ({type(error).__name__})") from error
    if title != settings.title or columns.fields != [branch.name for branch in BRANCHES]:
        raise DamagedPart(f"it is not of a production {settings.title!r}")
    events = len(columns)
    first = number * settings.part_events + 1
    if not 0 < events <= settings.part_events:
        raise DamagedPart(f"{events} events, expected at most {settings.part_events}")
    if not np.array_equal(awkward.to_numpy(columns["event"]), np.arange(first, first + events)):
        raise DamagedPart(f"its events are not those from {first} on")
    jets = awkward.to_numpy(columns["nGenJet"])
    blocks = np.add.reduceat(jets, np.arange(0, events, settings.block_events), dtype=np.int64)
    weights = awkward.to_numpy(columns["genWeight"])
    return Part(events, tuple(blocks.tolist()), float(weights.sum(dtype=np.float64)))
