"""The version of the package and of the C++ library, stated once: the build reads it from here."""

__version__ = "0.1.0"
