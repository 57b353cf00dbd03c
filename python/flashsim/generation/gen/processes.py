"""The physics processes that can be generated, as settings of Pythia 8."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["COMMON_SETTINGS", "PROCESSES", "Process", "find_process"]


@dataclass(frozen=True)
class Process:
    """A hard process in proton-proton collisions.

    Parameters
    ----------
    name
        The name in commands.
    number
        Fixed number in the seeds: processes never share random numbers.
    title
        One line.
    settings
        Lines of Pythia settings that switch the process on.
    """

    name: str
    number: int
    title: str
    settings: tuple[str, ...]


COMMON_SETTINGS: tuple[str, ...] = (
    "Print:quiet = on",
    "Beams:idA = 2212",
    "Beams:idB = 2212",
    "Beams:eCM = 13000.",
    # Particles with c·tau above 10 mm reach the detector: K_S, Λ and the like stay stable, as experiments do.
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10.",
)
"""Settings of every process. All else is Pythia's default: Monash tune, multiparton interactions, showers on."""

PROCESSES: dict[str, Process] = {
    process.name: process
    for process in (
        Process(
            "ttbar",
            1,
            "top-quark pairs, all decays",
            ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on"),
        ),
        Process(
            "qcd",
            2,
            "jets from the strong interaction, pT-hat above 30 GeV, sampled flatter and weighted back",
            (
                "HardQCD:all = on",
                "PhaseSpace:pTHatMin = 30.",
                "PhaseSpace:bias2Selection = on",
                "PhaseSpace:bias2SelectionPow = 4.",
                "PhaseSpace:bias2SelectionRef = 30.",
            ),
        ),
        Process(
            "zjets",
            3,
            "Z/γ* in 60-120 GeV with a jet of pT-hat above 15 GeV, Z to electrons or muons",
            (
                "WeakBosonAndParton:qqbar2gmZg = on",
                "WeakBosonAndParton:qg2gmZq = on",
                "PhaseSpace:pTHatMin = 15.",
                "23:mMin = 60.",
                "23:mMax = 120.",
                "23:onMode = off",
                "23:onIfAny = 11 13",
            ),
        ),
        Process(
            "diboson",
            4,
            "WW, WZ and ZZ, all decays, Z/γ* above 40 GeV",
            (
                "WeakDoubleBoson:ffbar2gmZgmZ = on",
                "WeakDoubleBoson:ffbar2ZW = on",
                "WeakDoubleBoson:ffbar2WW = on",
                "23:mMin = 40.",
            ),
        ),
    )
}
"""Known processes by name."""


def find_process(name: str) -> Process:
    """Return the process of that name.

    Raises
    ------
    ValueError
        If the name is unknown; the message lists the known ones.

    Examples
    --------
    >>> find_process("ttbar").title
    'top-quark pairs, all decays'
    """
    try:
        return PROCESSES[name]
    except KeyError:
        known = ", ".join(PROCESSES)
        raise ValueError(f"unknown process {name!r}; known processes: {known}") from None
