"""Simulated MikroTik routers that speak the RouterOS API: `python -m infra.simulator.routeros`.

What a router says follows from its seed, the time and what was done to it, so that the truth can be computed beside it.
"""
