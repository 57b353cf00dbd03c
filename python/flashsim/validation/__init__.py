"""How well a flow reproduces its target: metrics beside their noise floors, and a report with pictures.

Needs the optional extra: ``pip install "flashsim[validate]"``; neither PyTorch nor the onnx package.

Examples
--------
>>> from flashsim.validation import validate, write_report
>>> validation = validate("jets", ["ttbar.root"])  # doctest: +SKIP
>>> validation.metrics["ks/pt"].verdict  # doctest: +SKIP
'at the noise floor'
>>> write_report(validation, "report.html")  # doctest: +SKIP
"""

from __future__ import annotations

from . import _dependencies  # noqa: F401
from .classifier import ClassifierTest, classifier_test
from .distances import covariance_distance, frechet_distance, kolmogorov_smirnov, wasserstein
from .halves import halves
from .measure import validate
from .metric import FAMILIES, Family, Metric
from .report import write_report
from .requirements import Requirement, broken
from .result import Validation, read_json, write_json
from .samples import Samples, simulate
from .tagging import RocCurve, Tagger, area_between_curves, default_taggers, efficiency_range

__all__ = [
    "FAMILIES",
    "ClassifierTest",
    "Family",
    "Metric",
    "Requirement",
    "RocCurve",
    "Samples",
    "Tagger",
    "Validation",
    "area_between_curves",
    "broken",
    "classifier_test",
    "covariance_distance",
    "default_taggers",
    "efficiency_range",
    "frechet_distance",
    "halves",
    "kolmogorov_smirnov",
    "read_json",
    "simulate",
    "validate",
    "wasserstein",
    "write_json",
    "write_report",
]
