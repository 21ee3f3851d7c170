"""JSON Pointers (RFC 6901): where a value stands in a JSON document."""

from typing import Any

MISSING = object()
"""What `look_up` gives where there is nothing; null is a value."""


def check_pointer(text: str) -> str:
    """`text`, if it is a pointer. ValueError otherwise."""
    if text and not text.startswith("/"):
        raise ValueError(f"{text[:80]!r} is no JSON Pointer: it begins with /, e.g. /queue/size")
    return text


def look_up(document: Any, pointer: str) -> Any:
    """The value at `pointer`, the whole document for the empty one; MISSING if there is none."""
    found = document
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(name, MISSING)
        elif isinstance(found, list) and name.isascii() and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            return MISSING
    return found
