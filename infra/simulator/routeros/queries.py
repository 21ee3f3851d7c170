"""Query words of `print`: which items are meant. The rules are those of MikroTik's manual, a stack of booleans.

Words are read once, into a condition: a router is asked the same again and again, about each of its items.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

Row = Mapping[str, str]
Condition = Callable[[Row], bool]

_INDEX = re.compile(r"\d+")
_YES, _NO = ("true", "yes"), ("false", "no")


class BadQuery(Exception):
    """A query word that is none."""


@lru_cache(maxsize=1_024)
def condition(words: tuple[str, ...]) -> Condition:
    """Whether a row is among the items that the query `words` (each with its `?`) ask for. BadQuery if one is none."""
    stack: list[Condition] = []
    for word in words:
        query = word.removeprefix("?")
        if query.startswith("#"):
            _operate(stack, query[1:])
        else:
            stack.append(_holds(query))
    if len(stack) == 1:
        return stack[0]
    return lambda row: all(one(row) for one in stack)


def _holds(query: str) -> Condition:
    if query.startswith("-"):
        absent = query[1:]
        return lambda row: absent not in row
    if query.startswith(("<", ">")):
        name, _, value = query[1:].partition("=")
        return lambda row: name in row and _compares(query[0], row[name], value)
    name, equals, value = query.removeprefix("=").partition("=")
    if not name:
        raise BadQuery(f"query word ?{query} names no property")
    if not equals:
        return lambda row: name in row
    same = next((flag for flag in (_YES, _NO) if value in flag), (value,))
    return lambda row: row.get(name) in same


def _compares(how: str, one: str, other: str) -> bool:
    try:
        left, right = float(one), float(other)
    except ValueError:
        return one < other if how == "<" else one > other
    return left < right if how == "<" else left > right


def _operate(stack: list[Condition], operations: str) -> None:
    """Apply `operations`. Below what was pushed the stack holds nothing but true, without an end."""
    position, before = 0, ""
    while position < len(operations):
        if index := _INDEX.match(operations, position):
            value = _at(stack, int(index[0]))
            position = index.end()
            if position == len(operations):
                stack[:] = [value]
            else:
                stack.append(value)
                before = index[0]
            continue
        operation = operations[position]
        if operation == "!":
            stack.append(_not(_pop(stack)))
        elif operation in _BINARY:
            right, left = _pop(stack), _pop(stack)
            stack.append(_BINARY[operation](left, right))
        elif operation == ".":
            if not before.isdigit():
                stack.append(_at(stack, 0))
        else:
            raise BadQuery(f"query operation {operation!r} in ?#{operations} is none of ! & | .")
        before, position = operation, position + 1


def _always(_: Row) -> bool:
    return True


def _not(one: Condition) -> Condition:
    return lambda row: not one(row)


_BINARY: dict[str, Callable[[Condition, Condition], Condition]] = {
    "&": lambda left, right: lambda row: left(row) and right(row),
    "|": lambda left, right: lambda row: left(row) or right(row),
}


def _at(stack: list[Condition], index: int) -> Condition:
    return stack[-1 - index] if index < len(stack) else _always


def _pop(stack: list[Condition]) -> Condition:
    return stack.pop() if stack else _always
