"""Runs Prometheus' PromQL test scripts (`python -m tests.promqltest PATH...`) against this project's engine."""
