"""Rules: files, conditions and the alert state machine. Pure: no I/O, no clock."""
