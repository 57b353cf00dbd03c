"""A pseudo-analysis: the mass of the hadronic W boson in top-quark pairs, from any collection of jets.

It is written once, in stock RDataFrame expressions. It runs unchanged on a NanoAOD-like file (`prefix` "") and on the
events of ``FlashSim`` (`prefix` as given to it).
"""

from __future__ import annotations

from typing import Any

__all__ = ["B_TAG", "PEAK", "SELECTION", "w_candidate", "w_mass_model"]

B_TAG = 0.7
"""Jets with a larger ``Jet_btag`` count as b jets: in the shipped sample, 87 % of b jets and 2 % of light ones."""

PEAK = (60.0, 100.0)
"""Range of the W peak, GeV."""

SELECTION = "two b-tagged and two other jets"
"""Name of the filter in RDataFrame's reports."""

_N_BINS, _LOW, _HIGH = 34, 30.0, 200.0


def w_candidate(node: Any, prefix: str = "") -> Any:
    """Selects events with a hadronic W boson and defines its mass.

    Good jets have pt > 30 GeV, |eta| < 2.5 and jetId 6. Events have at least two good jets that are b-tagged and
    two that are not. The W candidate is the pair of untagged good jets with the highest pt: a choice without bias in
    mass.

    Parameters
    ----------
    node
        RDataFrame node with the columns ``<prefix>Jet_{pt,eta,phi,mass,btag,jetId}``.
    prefix
        Of the jets' columns, as in ``FlashSim(..., prefix=...)``.

    Returns
    -------
    RDataFrame
        The selected events, with ``<prefix>W_mass`` [GeV] and ``<prefix>W_pt`` [GeV].

    Examples
    --------
    >>> import ROOT, flashsim
    >>> from flashsim.demo.w_mass import w_candidate
    >>> target = w_candidate(ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root")))
    >>> 60 < target.Filter("abs(W_mass - 80) < 20").Mean("W_mass").GetValue() < 100
    True
    """
    jet, w = f"{prefix}Jet", f"{prefix}W"
    good, tagged, light = f"{w}_goodJets", f"{w}_bJets", f"{w}_lightJets"
    kinematics = ", ".join(f"{jet}_{variable}[{light}]" for variable in ("pt", "eta", "phi", "mass"))
    return (
        node.Define(good, f"{jet}_pt > 30 && abs({jet}_eta) < 2.5 && {jet}_jetId == 6")
        .Define(tagged, f"{good} && {jet}_btag > {B_TAG}")
        .Define(light, f"{good} && !{tagged}")
        .Filter(f"Sum({tagged}) >= 2 && Sum({light}) >= 2", SELECTION)
        .Define(f"{w}_p4s", f"ROOT::VecOps::Construct<ROOT::Math::PtEtaPhiMVector>({kinematics})")
        .Define(f"{w}_pairs", f"Combinations({w}_p4s, 2)")
        .Define(f"{w}_candidates", f"Take({w}_p4s, {w}_pairs[0]) + Take({w}_p4s, {w}_pairs[1])")
        .Define(f"{w}_pts", f"return Map({w}_candidates, [](const auto &candidate) {{ return candidate.Pt(); }})")
        .Define(f"{w}_best", f"ArgMax({w}_pts)")
        .Define(f"{w}_pt", f"{w}_pts[{w}_best]")
        .Define(f"{w}_mass", f"{w}_candidates[{w}_best].M()")
    )


def w_mass_model(name: str) -> tuple[str, str, int, float, float]:
    """Name, title and binning of a histogram of the W candidate's mass, for ``Histo1D`` and ``OversampledTH1D``.

    >>> w_mass_model("target")[2:]
    (34, 30.0, 200.0)
    """
    width = (_HIGH - _LOW) / _N_BINS
    return name, f";W candidate mass [GeV];Events / {width:g} GeV", _N_BINS, _LOW, _HIGH
