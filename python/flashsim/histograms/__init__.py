"""Histograms of any oversampled dataset: booking, operations, formats of other packages, fold sizes."""
