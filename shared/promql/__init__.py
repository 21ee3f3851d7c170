"""PromQL: parsing by the `promql-parser` package, evaluation by our own engine on numpy arrays.

`query.py` is the way in, `source.py` says where series come from; docs/promql.md says what is supported. Pure: no I/O,
no clock.
"""
