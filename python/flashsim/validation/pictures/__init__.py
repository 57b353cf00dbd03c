"""The pictures of a report, each with a caption on how to read it."""

from __future__ import annotations

from ..result import Validation
from .correlations import draw_contours, draw_correlations
from .marginals import draw_marginals
from .profiles import draw_means, draw_profiles
from .pulls import draw_pulls
from .roc import draw_roc
from .style import Picture

__all__ = ["Picture", "draw_pictures"]


def draw_pictures(validation: Validation) -> list[Picture]:
    """All pictures that the variables of the flow allow.

    Raises
    ------
    ValueError
        If the validation was read from a file, which has no rows.
    """
    samples = validation.samples
    if samples is None:
        raise ValueError("a validation read from a file holds no rows to draw.")
    return [
        *draw_marginals(samples, validation.seed),
        *draw_pulls(samples, validation.seed),
        *draw_profiles(samples),
        *draw_means(samples),
        *draw_correlations(samples),
        *draw_contours(samples),
        *draw_roc(samples, [tagger for tagger, _ in validation.taggers], [limits for _, limits in validation.taggers]),
    ]
