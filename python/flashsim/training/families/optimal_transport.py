"""Optimal-transport pairing of noise with data inside a training batch, for straighter paths of a conditional flow.

Pairs of noise and data with the least sum of squared distances make the paths of flow matching straighter, with fewer
crossings (Tong et al., arXiv:2302.00482; Pooladian et al., arXiv:2304.14772). In a conditional flow that
alone is biased: the noise of a row would depend on its context, while at sampling it does not (Cheng and Schwing,
arXiv:2503.10636). So noise gets a context too, and the distance of the contexts is added to the cost: noise is
exchanged between rows of similar contexts only, the more similar the larger its weight (also Kerrigan et al.,
arXiv:2404.04240; Chemseddine et al., arXiv:2403.18705).
"""

from __future__ import annotations

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

__all__ = ["optimal_transport_pairs"]

BLOCK = 512
"""Rows that exchange noise among themselves: the time an assignment takes grows with the cube of their number."""


@torch.no_grad()
def optimal_transport_pairs(noise: Tensor, x: Tensor, context: Tensor, context_weight: float) -> Tensor:
    """The noise row of each data row: the permutation of least Σ |noise - x|² + context_weight |c' - c|².

    The context c' of a noise row is the one of the data row in the same place. Contexts are compared in units of their
    spread in the batch: the weight is a pure number, and a rare category is far from all others. Weight 0 ignores the
    contexts, a huge one leaves every row its own noise. Batches above 512 rows are paired in blocks.

    Args:
        noise: standard normal [n, D].
        x: prepared target rows [n, D].
        context: prepared context rows [n, F].
        context_weight: 0 or more.

    Returns:
        Whole numbers [n]: data row i is paired with ``noise[result[i]]``.

    Example:
        >>> noise, x = torch.tensor([[1.0], [-1.0]]), torch.tensor([[-2.0], [2.0]])
        >>> context = torch.tensor([[0.0], [1.0]])
        >>> optimal_transport_pairs(noise, x, context, context_weight=0.0)
        tensor([1, 0])
        >>> optimal_transport_pairs(noise, x, context, context_weight=100.0)
        tensor([0, 1])
    """
    spread = context.std(dim=0, correction=0)
    scaled = context / torch.where(spread > 0, spread, 1)
    pairs = []
    for start in range(0, len(x), BLOCK):
        rows = slice(start, start + BLOCK)
        pairs.append(start + _assignment(noise[rows].double(), x[rows].double(), scaled[rows].double(), context_weight))
    return torch.cat(pairs).to(noise.device)


def _assignment(noise: Tensor, x: Tensor, context: Tensor, context_weight: float) -> Tensor:
    # The squares of single rows are the same for every permutation: only the products of pairs matter.
    gain = x @ noise.T + context_weight * (context @ context.T)
    return torch.from_numpy(linear_sum_assignment(gain.cpu().numpy(), maximize=True)[1])
