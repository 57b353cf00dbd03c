"""Oversampled histograms of any oversampled dataset: booking, operations, other packages' formats, fold sizes."""
