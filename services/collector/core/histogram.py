"""Histograms as the bus carries them; api keeps some too, so they are shared."""

from shared.histogram import Histogram

__all__ = ["Histogram"]
