"""Durations and sizes as Prometheus' configuration writes them."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from shared.promql.durations import parse_duration
from shared.promql.errors import BadQuery

_SIZE = re.compile(r"(\d+)\s*(B|[KMGT]i?B)?")
_UNITS = {"B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}


def _milliseconds(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        value = f"{value}s"
    try:
        return parse_duration(value if isinstance(value, str) else str(value))
    except BadQuery as error:
        raise ValueError(str(error)) from error


def read_size(value: Any) -> int:
    found = _SIZE.fullmatch(str(value).strip())
    if found is None:
        raise ValueError(f"{str(value)[:40]!r} is not a size: write for instance 10MB")
    return int(found[1]) * _UNITS[(found[2] or "B").replace("i", "")]


Duration = Annotated[int, BeforeValidator(_milliseconds), Field(ge=1_000, le=86_400_000)]
"""Milliseconds, from `15s` or `1m30s`; a plain number is one of seconds."""
Size = Annotated[int, BeforeValidator(read_size), Field(ge=0)]
Count = Annotated[int, Field(ge=0, le=100_000_000)]
