"""The variables of a jet: input (`CONTEXT`) and output (`TARGETS`) of the response."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["CONTEXT", "MANTISSA_BITS", "TARGETS", "Variable", "reduce_angle", "reduce_mantissa"]

MANTISSA_BITS = 13
"""Explicit mantissa bits kept of every stored kinematic variable, fraction and score (relative step 2⁻¹³)."""


@dataclass(frozen=True)
class Variable:
    """One column of the context or of the target.

    Parameters
    ----------
    name
        Column name without its collection, as in ``Jet_<name>``.
    unit
        Unit of the stored number, empty for a pure number.
    dtype
        NumPy name of the stored type.
    low, high
        Closed range of the values.
    title
        One line; it becomes the branch's title.
    """

    name: str
    unit: str
    dtype: str
    low: float
    high: float
    title: str

    @property
    def integral(self) -> bool:
        """Whether the stored type is an integer."""
        return bool(np.issubdtype(np.dtype(self.dtype), np.integer))


_PI = math.pi

CONTEXT: tuple[Variable, ...] = (
    Variable("pt", "GeV", "float32", 15.0, 6500.0, "transverse momentum"),
    Variable("eta", "", "float32", -5.0, 5.0, "pseudorapidity"),
    Variable("phi", "rad", "float32", -_PI, _PI, "azimuth"),
    Variable("mass", "GeV", "float32", 0.0, 3000.0, "invariant mass"),
    Variable("partonFlavour", "", "int16", -5.0, 21.0, "signed PDG id of the matched parton, 0 if there is none"),
    Variable("nMuon", "", "uint8", 0.0, 255.0, "muons among the constituents"),
)

TARGETS: tuple[Variable, ...] = (
    Variable("pt", "GeV", "float32", 0.25, 14000.0, "reconstructed transverse momentum"),
    Variable("eta", "", "float32", -6.0, 6.0, "reconstructed pseudorapidity"),
    Variable("phi", "rad", "float32", -_PI, _PI, "reconstructed azimuth"),
    Variable("mass", "GeV", "float32", 0.0, 7000.0, "reconstructed invariant mass"),
    Variable("btag", "", "float32", 0.0, 1.0, "b-jet score"),
    Variable("ctag", "", "float32", 0.0, 1.0, "c-jet score"),
    Variable("qgl", "", "float32", 0.0, 1.0, "quark (1) against gluon (0) score"),
    Variable("jetId", "", "uint8", 0.0, 6.0, "identification bits: 2 tight, 4 tight with lepton veto"),
    Variable("nConstituents", "", "uint8", 1.0, 255.0, "reconstructed constituents"),
    Variable("chHEF", "", "float32", 0.0, 1.0, "charged hadron energy fraction"),
    Variable("neHEF", "", "float32", 0.0, 1.0, "neutral hadron energy fraction"),
    Variable("chEmEF", "", "float32", 0.0, 1.0, "charged electromagnetic energy fraction"),
    Variable("neEmEF", "", "float32", 0.0, 1.0, "neutral electromagnetic energy fraction"),
    Variable("muEF", "", "float32", 0.0, 1.0, "muon energy fraction, exactly 0 without a muon"),
    Variable("nMuons", "", "uint8", 0.0, 20.0, "reconstructed muons"),
    Variable("nSVs", "", "uint8", 0.0, 8.0, "secondary vertices"),
)


def reduce_mantissa(values: NDArray[np.floating], bits: int = MANTISSA_BITS) -> NDArray[np.float32]:
    """Round to the nearest float32 with a shorter mantissa: files compress better.

    Parameters
    ----------
    values
        Numbers of any shape, taken as float32 first.
    bits
        Explicit mantissa bits to keep, 1 to 23; the largest relative error is 2^-(bits+1).

    Returns
    -------
    numpy.ndarray
        float32, same shape; the dropped bits are zero. Ties round to even. NaN and infinities pass unchanged.

    Examples
    --------
    >>> float(reduce_mantissa(np.array([1.0 + 2.0**-20]), bits=10)[0])
    1.0
    """
    if not 1 <= bits <= 23:
        raise ValueError(f"reduce_mantissa: bits is {bits}, a float32 keeps 1 to 23")
    single = np.ascontiguousarray(values, dtype=np.float32)
    drop = 23 - bits
    if drop == 0:
        return single.copy()
    raw = single.view(np.uint32)
    half = np.uint32((1 << (drop - 1)) - 1)
    odd = (raw >> np.uint32(drop)) & np.uint32(1)
    rounded = (raw + half + odd) & np.uint32(0xFFFFFFFF ^ ((1 << drop) - 1))
    return np.where(np.isfinite(single), rounded.view(np.float32), single)


def reduce_angle(values: NDArray[np.floating], bits: int = MANTISSA_BITS) -> NDArray[np.float32]:
    """Like `reduce_mantissa` for an azimuth: values that would round beyond ±π go to the nearest number inside."""
    largest = math.pi - math.pi % 2.0 ** (1 - bits)
    return np.clip(reduce_mantissa(values, bits), np.float32(-largest), np.float32(largest))
