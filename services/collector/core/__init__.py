"""Decisions of the collector: values in, values out."""
