"""Queries on files of GEN and RECO objects, as plain data: see `flashsim.pairs.read_queries`.

A RECO object has at most one GEN partner: its number among the objects of the source is in a branch of indices, such as
NanoAOD's ``Jet_genJetIdx``. A GEN object may have several RECO partners.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Column", "Efficiency", "Match", "Matched", "PerEvent", "Query", "Unmatched"]


@dataclass(frozen=True)
class Column:
    """One variable of a row.

    Attributes
    ----------
    name
        Name in the flow.
    branch
        Branch in the files: one list per event, one number per object. Variables of a context may also have one number
        per event, the same for all of its objects.
    low, high
        Closed range of the values that are used, in the unit of the branch.
    """

    name: str
    branch: str
    low: float
    high: float


@dataclass(frozen=True)
class Match:
    """Pointers from RECO objects to the GEN objects of a source.

    Attributes
    ----------
    index
        Branch with one whole number per RECO object: the number of its GEN partner; below 0: it has none.
    source
        Any branch with one number per GEN object of the source: it gives their number per event.
    """

    index: str
    source: str


@dataclass(frozen=True)
class Matched:
    """Pairs, to train and validate flows: a row for each RECO object with a GEN partner; a result of type `Pairs`.

    Attributes
    ----------
    context, target
        Variables of the GEN and of the RECO object. At least one of the context has one number per GEN object.
    index
        Branch of the RECO objects, as in `Match`: the context of object i is element ``index[i]``.
    tree
        Name of the TTree or RNTuple.
    earlier
        Sources whose RECO objects are left out: a RECO object with partners in several sources belongs to the first.
    """

    context: tuple[Column, ...]
    target: tuple[Column, ...]
    index: str
    tree: str = "Events"
    earlier: tuple[Match, ...] = ()

    @property
    def branches(self) -> list[str]:
        """All branches, each once."""
        return _branches([self.index], (*self.context, *self.target), self.earlier)


@dataclass(frozen=True)
class Efficiency:
    """All GEN objects, with the number of RECO objects of each: a result of type `GenObjects`.

    Attributes
    ----------
    context
        Variables of the GEN object, as in `Matched`.
    index, tree, earlier
        As in `Matched`.
    """

    context: tuple[Column, ...]
    index: str
    tree: str = "Events"
    earlier: tuple[Match, ...] = ()

    @property
    def branches(self) -> list[str]:
        """All branches, each once."""
        return _branches([self.index], self.context, self.earlier)


@dataclass(frozen=True)
class Unmatched:
    """RECO objects without GEN partner, the targets of fakes: a result of type `Pairs`.

    Attributes
    ----------
    context
        Variables of the event, with one number per event each; may be none.
    target
        Variables of the RECO object.
    matches
        Matches to all sources: a RECO object with a partner in one of them is left out.
    tree
        Name of the TTree or RNTuple.
    """

    context: tuple[Column, ...]
    target: tuple[Column, ...]
    matches: tuple[Match, ...]
    tree: str = "Events"

    @property
    def branches(self) -> list[str]:
        """All branches, each once."""
        return _branches([], (*self.context, *self.target), self.matches)


@dataclass(frozen=True)
class PerEvent:
    """A row for each event, with its number of RECO objects without GEN partner: a result of type `CountedRows`.

    Attributes
    ----------
    context
        Variables of the event, with one number per event each.
    matches, tree
        As in `Unmatched`.
    """

    context: tuple[Column, ...]
    matches: tuple[Match, ...]
    tree: str = "Events"

    @property
    def branches(self) -> list[str]:
        """All branches, each once."""
        return _branches([], self.context, self.matches)


Query = Matched | Efficiency | Unmatched | PerEvent


def _branches(indices: list[str], columns: tuple[Column, ...], matches: tuple[Match, ...]) -> list[str]:
    pointers = [branch for match in matches for branch in (match.index, match.source)]
    return list(dict.fromkeys([*indices, *(column.branch for column in columns), *pointers]))
