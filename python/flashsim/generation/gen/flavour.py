"""Heavy-quark content of hadrons, read from their PDG id."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["heavy_flavour"]


def heavy_flavour(pdg_id: NDArray[np.int64]) -> NDArray[np.int64]:
    """Heaviest b or c quark that a hadron contains, as a signed PDG id; 0 for any other particle.

    Hidden flavour (J/ψ, Υ) counts as 0: it holds a quark and its antiquark.

    Examples
    --------
    >>> heavy_flavour(np.array([511, -421, 5122, 443, 211, 5])).tolist()
    [-5, -4, 5, 0, 0, 0]
    """
    absolute = np.abs(pdg_id)
    hadron = (absolute > 100) & (absolute < 1_000_000) & ((absolute // 10) % 10 != 0)
    meson_quark, baryon_quark = (absolute // 100) % 10, (absolute // 1000) % 10
    baryon = baryon_quark != 0
    hidden = ~baryon & (meson_quark == (absolute // 10) % 10)
    quark = np.where(baryon, baryon_quark, meson_quark)
    quark = np.where(hadron & ~hidden & ((quark == 4) | (quark == 5)), quark, 0)
    # The leading quark of a b meson of positive id is an anti-b (B⁺ = u b̄), of all others it is the quark itself.
    sign = np.where(~baryon & (quark == 5), -np.sign(pdg_id), np.sign(pdg_id))
    return quark * sign
