"""The families of flows by name."""

from __future__ import annotations

from ..recipe.sections import AffineConfig, FlowMatchingConfig, ModelConfig
from .coupling import AffineCoupling, SplineCoupling
from .flow_matching import FlowMatching
from .model import FlowModel

__all__ = ["make_model"]


def make_model(config: ModelConfig, dimension: int, context_features: int) -> FlowModel:
    """An untrained flow of the recipe's family and size, with random weights of torch's generator.

    Args:
        config: the section ``[model]`` of the recipe.
        dimension: columns of the prepared target.
        context_features: columns of the prepared context.
    """
    if isinstance(config, FlowMatchingConfig):
        return FlowMatching(config, dimension, context_features)
    if isinstance(config, AffineConfig):
        return AffineCoupling(config, dimension, context_features)
    return SplineCoupling(config, dimension, context_features)
