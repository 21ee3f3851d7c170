"""Figures of the business, by SQL from its own database."""
