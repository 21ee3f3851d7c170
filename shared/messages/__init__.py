"""The contracts: one module per topic's message, and the catalogue of topics. Pure values, no I/O.

Schemas only grow: a consumer ignores fields it does not know, and a breaking change is a new topic `….v2`.
"""
