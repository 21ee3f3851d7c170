"""PromQL: parsing by the `promql-parser` package, evaluation by our own engine on numpy arrays.

This version evaluates `selector comparison number`; everything else is refused by name. Pure: no I/O, no clock.
"""
