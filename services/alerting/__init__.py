"""Alerting: samples and rules in, alert events out. The Faust program."""
