"""What kind of query an SQL text is, and of which table: the labels of its duration. No parser: in doubt, `none`."""

import re
from functools import lru_cache

NONE = "none"
OTHER = "other"
LONGEST = 4_096
"""Characters that are looked at; bulk inserts are megabytes."""

# fmt: off
TYPES = frozenset({
    "select", "insert", "update", "delete", "merge", "copy", "truncate", "call", "begin",
    "commit", "rollback", "savepoint", "release", "set", "show", "explain", "create", "alter",
    "drop", "analyze", "vacuum", "listen", "notify", "lock", "values", "refresh",
})
# fmt: on
# What holds text that is no SQL: literals, dollar quotes, comments.
_OPAQUE = re.compile(r"'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/", re.DOTALL)
_WORD = re.compile(r'(?:"[^"]+"|`[^`]+`|[A-Za-z_][\w$]*)(?:\.(?:"[^"]+"|`[^`]+`|[\w$]+))*|[(),;]')
_MAIN = frozenset({"select", "insert", "update", "delete", "merge"})
_NO_TABLE = frozenset({"select", "values", "lateral", "(", ")", ",", ";", "set", "unnest"})


@lru_cache(maxsize=1_024)
def _described(text: str) -> tuple[str, str]:
    words = _WORD.findall(_OPAQUE.sub(" ", text))
    lower = [word.lower() for word in words]
    start = next((place for place, word in enumerate(lower) if word != "("), None)
    if start is None:
        return OTHER, NONE
    own: set[str] = set()
    if lower[start] == "with":
        start, own = _after_with(lower, start)
        if start is None:
            return OTHER, NONE
    verb = lower[start]
    kind = verb if verb in TYPES else OTHER
    return kind, _table(verb, lower, start, own)


def described(text: str) -> tuple[str, str]:
    """`(query_type, table)`, e.g. `("select", "customers")`."""
    return _described(text[:LONGEST])


def _after_with(words: list[str], start: int) -> tuple[int | None, set[str]]:
    """Where the statement behind the `WITH` begins, and the names that it gives."""
    depth = 0
    names: set[str] = set()
    for place in range(start + 1, len(words)):
        word = words[place]
        if word == "(":
            depth += 1
        elif word == ")":
            depth -= 1
        elif depth == 0:
            if word in _MAIN:
                return place, names
            if word not in (",", "as", "recursive", "materialized", "not"):
                names.add(_bare(word))
    return None, names


def _table(verb: str, words: list[str], start: int, own: set[str]) -> str:
    if verb in ("select", "delete"):
        return _from(words, start, own)
    if verb in ("insert", "merge", "replace"):
        return _after(words, start, "into")
    if verb in ("update", "copy", "truncate", "analyze", "vacuum", "lock", "call"):
        return _named(words, start + 1)
    return NONE


def _from(words: list[str], start: int, own: set[str]) -> str:
    """The table of the first FROM of the statement itself, else of the first anywhere in it."""
    depth = 0
    elsewhere = NONE
    for place in range(start, len(words)):
        word = words[place]
        if word == "(":
            depth += 1
        elif word == ")":
            depth -= 1
        elif word == ";" and depth == 0:
            break
        elif word == "from" and words[place - 1] != "distinct":
            table = _named(words, place + 1)
            if table == NONE or table in own:
                continue
            if depth == 0:
                return table
            if elsewhere == NONE and _selects(words, place):
                elsewhere = table
    if elsewhere != NONE or not own:
        return elsewhere
    # Only names of the WITH are selected from: what they are made of.
    return _from(words[:start], 0, own)


def _selects(words: list[str], place: int) -> bool:
    """Whether the FROM at `place` is a query's, not that of `extract(epoch FROM t)` and its like."""
    depth = 0
    for before in range(place - 1, -1, -1):
        word = words[before]
        if word == ")":
            depth += 1
        elif word == "(":
            if depth == 0:
                return False
            depth -= 1
        elif depth == 0 and word in ("select", "delete"):
            return True
    return False


def _after(words: list[str], start: int, keyword: str) -> str:
    try:
        return _named(words, words.index(keyword, start) + 1)
    except ValueError:
        return NONE


def _named(words: list[str], place: int) -> str:
    while place < len(words) and words[place] in ("only", "table", "verbose"):
        place += 1
    if place >= len(words) or words[place] in _NO_TABLE:
        return NONE
    if words[place] in ("generate_series", "json_each", "jsonb_each", "jsonb_to_recordset"):
        return NONE
    return _bare(words[place])


def _bare(word: str) -> str:
    return word.replace('"', "").replace("`", "").removeprefix("public.")[:100]
