"""Measures an application from the inside and pushes what it finds to Pantau, in the background."""

from pantau.client import Pantau
from pantau.settings import Settings

__all__ = ["Pantau", "Settings"]
