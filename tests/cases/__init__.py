"""Timelines as data: rules, samples at offsets, and the transitions that must come of them."""
