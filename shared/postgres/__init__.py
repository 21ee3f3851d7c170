"""Databases that are watched: how they are reached, and what can go wrong on the way."""
