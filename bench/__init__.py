"""Benchmarks: `./pantau bench NAME` runs bench/NAME.py. Each says what it does, prints a table, and ends with JSON."""
