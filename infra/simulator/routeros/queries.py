"""Query words of `print`: which items are meant. The rules are those of MikroTik's manual, a stack of booleans."""

import re
from collections.abc import Callable, Iterable, Mapping

Row = Mapping[str, str]

_INDEX = re.compile(r"\d+")
_YES, _NO = ("true", "yes"), ("false", "no")


class BadQuery(Exception):
    """A query word that is none."""


def matches(row: Row, words: Iterable[str]) -> bool:
    """Whether `row` is among the items that the query `words` (each with its `?`) ask for. BadQuery if one is none."""
    stack: list[bool] = []
    for word in words:
        query = word.removeprefix("?")
        if query.startswith("#"):
            _operate(stack, query[1:])
        else:
            stack.append(_holds(row, query))
    return all(stack)


def _holds(row: Row, query: str) -> bool:
    if query[:1].isalpha():  # as nearly all are
        name, equals, value = query.partition("=")
        return name in row and (not equals or _same(row[name], value))
    if query.startswith("-"):
        return query[1:] not in row
    if query.startswith(("<", ">")):
        name, _, value = query[1:].partition("=")
        return name in row and _compares(query[0], row[name], value)
    name, equals, value = query.removeprefix("=").partition("=")
    if not name:
        raise BadQuery(f"query word ?{query} names no property")
    return name in row and (not equals or _same(row[name], value))


def _same(one: str, other: str) -> bool:
    return one == other or (one in _YES and other in _YES) or (one in _NO and other in _NO)


def _compares(how: str, one: str, other: str) -> bool:
    try:
        left, right = float(one), float(other)
    except ValueError:
        return one < other if how == "<" else one > other
    return left < right if how == "<" else left > right


def _operate(stack: list[bool], operations: str) -> None:
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
            stack.append(not _pop(stack))
        elif operation in _BINARY:
            right, left = _pop(stack), _pop(stack)
            stack.append(_BINARY[operation](left, right))
        elif operation == ".":
            if not before.isdigit():
                stack.append(_at(stack, 0))
        else:
            raise BadQuery(f"query operation {operation!r} in ?#{operations} is none of ! & | .")
        before, position = operation, position + 1


_BINARY: dict[str, Callable[[bool, bool], bool]] = {
    "&": lambda left, right: left and right,
    "|": lambda left, right: left or right,
}


def _at(stack: list[bool], index: int) -> bool:
    return stack[-1 - index] if index < len(stack) else True


def _pop(stack: list[bool]) -> bool:
    return stack.pop() if stack else True
