"""What a router answers to a command: replies for a sentence, given the time. Pure: no connection, no clock."""

from collections.abc import Mapping
from typing import NamedTuple

from infra.simulator.routeros.menus import SINGLE, Row, rows
from infra.simulator.routeros.queries import BadQuery, condition
from infra.simulator.routeros.router import Router

Reply = list[str]

DONE = "!done"
# Categories of the manual's list.
NO_COMMAND, BAD_VALUE, INTERRUPTED = "0", "1", "2"
READ_VERBS = ("print", "getall", "listen")


class Command(NamedTuple):
    """A sentence, taken apart."""

    path: str
    """e.g. `/interface/print`"""
    arguments: Mapping[str, str]
    queries: tuple[str, ...]
    tag: str | None

    @property
    def menu(self) -> str:
        """e.g. `/interface`"""
        return self.path.rpartition("/")[0]

    @property
    def verb(self) -> str:
        """e.g. `print`"""
        return self.path.rpartition("/")[2]


def parse(sentence: list[str]) -> Command:
    """The command that a sentence of at least one word is."""
    arguments: dict[str, str] = {}
    queries: list[str] = []
    tag = None
    for word in sentence[1:]:
        if word.startswith("="):
            name, _, value = word[1:].partition("=")
            arguments[name] = value
        elif word.startswith("?"):
            queries.append(word)
        elif word.startswith(".tag="):
            tag = word.removeprefix(".tag=")
    return Command(sentence[0], arguments, tuple(queries), tag)


def trap(message: str, category: str | None = None) -> Reply:
    """The reply that says what is wrong; `!done` follows it."""
    return ["!trap", *([f"=category={category}"] if category else []), f"=message={message}"]


def answer(router: Router, command: Command, at_ms: int) -> list[Reply]:
    """The replies to a command of somebody who may only read, the last one `!done`."""
    selected = select(router, command, at_ms)
    if isinstance(selected, str):
        return [trap(selected, NO_COMMAND if selected.startswith("no such") else None), [DONE]]
    if "count-only" in command.arguments:
        return [[DONE, f"=ret={len(selected)}"]]
    return [*(row_reply(row) for row in selected), [DONE]]


def select(router: Router, command: Command, at_ms: int) -> list[Row] | str:
    """The rows that a reading command is about, each with the properties asked for; or what is wrong with it."""
    found = rows(router, command.menu, at_ms)
    if found is None:
        return "no such command prefix"
    if command.verb not in READ_VERBS:
        return "not enough permissions (9)" if command.verb in ("set", "add", "remove") else "no such command"
    try:
        found = list(filter(condition(command.queries), found))
    except BadQuery as error:
        return str(error)
    if ".proplist" not in command.arguments:
        return found
    wanted = command.arguments[".proplist"].split(",")
    # An item keeps its reply, also if it has none of the properties.
    return [{name: row[name] for name in wanted if name in row} for row in found]


def changes(before: Mapping[str, Row], after: Mapping[str, Row]) -> list[Row]:
    """What `listen` tells when items (by `.id`) change: the new and the changed ones, and the ids of those gone."""
    told = [row for item, row in after.items() if before.get(item) != row]
    return told + [{".id": item, ".dead": "true"} for item in before if item not in after]


def items(router: Router, command: Command, at_ms: int) -> dict[str, Row] | str:
    """The rows that a `listen` is about, by their `.id`; or what is wrong with it."""
    if command.menu in SINGLE:
        return "no such command"
    proplist = command.arguments.get(".proplist")
    with_id = dict(command.arguments) | ({".proplist": f".id,{proplist}"} if proplist else {})
    selected = select(router, command._replace(arguments=with_id), at_ms)
    return selected if isinstance(selected, str) else {row[".id"]: row for row in selected}


def row_reply(row: Row) -> Reply:
    """`!re` with the row's properties."""
    return ["!re", *(f"={name}={value}" for name, value in row.items())]
