"""Decisions of the health service: values in, values out."""
