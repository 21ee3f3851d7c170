"""Milliseconds since the epoch as the datetime that the database driver wants."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def at(instant_ms: int) -> datetime:
    """The instant in UTC. OverflowError outside of the years 1 to 9999."""
    return _EPOCH + timedelta(milliseconds=instant_ms)
