"""Instants written as people read them."""

from datetime import datetime


def at_ms(text: str) -> int:
    """Of an RFC 3339 text with its offset."""
    moment = datetime.fromisoformat(text)
    assert moment.tzinfo is not None
    return round(moment.timestamp() * 1000)


def local(text: str) -> datetime:
    """What clocks show, without a zone."""
    return datetime.fromisoformat(text)
