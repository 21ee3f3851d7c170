"""Scrapes: what an exposition endpoint says -> samples, as Prometheus has it. Values in, values out."""
