"""Regular expressions from the settings: RE2, which can't be made to hang."""

from functools import lru_cache
from typing import Protocol

import re2  # type: ignore[import-untyped]


class Pattern(Protocol):
    """A compiled regular expression."""

    def search(self, text: str) -> object | None:
        """Something if it matches anywhere in `text`, else None."""
        ...


@lru_cache(maxsize=1_024)
def pattern_of(text: str) -> Pattern:
    """The regular expression `text`; the dot matches a line feed too. ValueError with the reason if it is none."""
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    try:
        compiled: Pattern = re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"is not a regular expression (RE2): {reason}") from error
    return compiled
