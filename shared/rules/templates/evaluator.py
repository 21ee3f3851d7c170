"""Carrying out a template: nodes and data in, text out; bounded in output, loops and depth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.promql.errors import BadQuery, QueryFailed, QueryRefused
from shared.rules.templates.builtins import BUILTIN_FUNCTIONS
from shared.rules.templates.errors import TemplateFailed
from shared.rules.templates.functions import Surroundings, functions_of
from shared.rules.templates.lexer import Place
from shared.rules.templates.nodes import (
    Body,
    Chain,
    Command,
    Dot,
    Function,
    If,
    Include,
    Leave,
    Literal,
    Node,
    Operand,
    Output,
    Pipe,
    Range,
    Template,
    Text,
    Variable,
    With,
)
from shared.rules.templates.values import Data, Sample, Struct, is_true, kind_of, text_of

LONGEST_OUTPUT = 65_536
MOST_STEPS = 100_000
"""Nodes carried out, those in loops each time, and turns of loops."""
DEEPEST_INCLUSION = 100
_MISSING = object()


class _Leaving(Exception):
    """`break` or `continue` on its way out to the loop."""

    def __init__(self, goes_on: bool) -> None:
        self.goes_on = goes_on


@dataclass(frozen=True, slots=True)
class More:
    """What a template may use beside what rules have."""

    functions: Mapping[str, Callable[..., object]] = field(default_factory=dict)
    defined: Mapping[str, Body] = field(default_factory=dict)
    escape: Callable[[object], str] = text_of
    """What is written of a value."""


_NO_MORE = More()


def execute(
    template: Template, data: object, variables: Mapping[str, object], around: Surroundings, more: More = _NO_MORE
) -> str:
    """The text that the template gives. TemplateFailed with place and reason."""
    functions = {**BUILTIN_FUNCTIONS, **functions_of(around), **more.functions}
    defined = {**more.defined, **template.defined}
    execution = _Execution(defined, functions, more.escape, [("$", data), *variables.items()])
    execution.body(template.body, data)
    return "".join(execution.written)


@dataclass
class _Execution:
    defined: Mapping[str, Body]
    functions: Mapping[str, Callable[..., object]]
    escape: Callable[[object], str]
    variables: list[tuple[str, object]]
    written: list[str] = field(default_factory=list)
    size: int = 0
    steps: int = 0
    depth: int = 0

    def body(self, body: Body, dot: object) -> None:
        known = len(self.variables)
        for node in body:
            self.node(node, dot)
        del self.variables[known:]

    def count(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise TemplateFailed(f"the template takes more than {MOST_STEPS} steps")

    def node(self, node: Node, dot: object) -> None:
        self.count()
        match node:
            case Text():
                self.write(node.text)
            case Output():
                value = self.pipe(node.pipe, dot)
                if not node.pipe.variables:
                    self.write(self.escape(value))
            case If() | With():
                self.conditional(node, dot)
            case Range():
                self.loop(node, dot)
            case Leave():
                raise _Leaving(node.goes_on)
            case Include():
                self.include(node, dot)

    def write(self, text: str) -> None:
        self.size += len(text)
        if self.size > LONGEST_OUTPUT:
            raise TemplateFailed(f"the template writes more than {LONGEST_OUTPUT} characters")
        self.written.append(text)

    def conditional(self, node: If | With, dot: object) -> None:
        known = len(self.variables)
        value = self.pipe(node.pipe, dot)
        if is_true(value):
            self.body(node.then, value if isinstance(node, With) else dot)
        else:
            self.body(node.otherwise, dot)
        del self.variables[known:]

    def loop(self, node: Range, dot: object) -> None:
        known = len(self.variables)
        names, declares = node.pipe.variables, node.pipe.declares
        value = self.commands(node.pipe, dot)
        items = _items(value, node.pipe.place)
        for key, item in items:
            self.count()
            if declares:
                del self.variables[known:]
            for name, one in zip(names, (item,) if len(names) == 1 else (key, item), strict=False):
                self.store(name, one, declares)
            inside = len(self.variables)
            try:
                self.body(node.then, item)
            except _Leaving as leaving:
                del self.variables[inside:]
                if not leaving.goes_on:
                    break
        del self.variables[known:]
        if not items:
            self.body(node.otherwise, dot)

    def include(self, node: Include, dot: object) -> None:
        value = None if node.pipe is None else self.pipe(node.pipe, dot)
        self.included(node.name, value, node.place)

    def included(self, name: str, value: object, place: Place) -> None:
        body = self.defined.get(name)
        if body is None:
            raise TemplateFailed(f"{place}: template {name!r} not defined")
        self.depth += 1
        if self.depth > DEEPEST_INCLUSION:
            raise TemplateFailed(f"{place}: templates include each other more than {DEEPEST_INCLUSION} deep")
        outer, self.variables = self.variables, [("$", value)]
        self.body(body, value)
        self.variables = outer
        self.depth -= 1

    def pipe(self, pipe: Pipe, dot: object) -> object:
        value = self.commands(pipe, dot)
        for name in pipe.variables:
            self.store(name, value, pipe.declares)
        return value

    def store(self, name: str, value: object, declares: bool) -> None:
        if declares:
            self.variables.append((name, value))
            return
        for place in range(len(self.variables) - 1, -1, -1):
            if self.variables[place][0] == name:
                self.variables[place] = (name, value)
                return

    def commands(self, pipe: Pipe, dot: object) -> object:
        value: object = _MISSING
        for command in pipe.commands:
            value = self.command(command, dot, value)
        return value

    def command(self, command: Command, dot: object, final: object) -> object:
        head, *rest = command.operands
        if isinstance(head, Function):
            return self.call(head.name, rest, dot, final, command.place)
        if isinstance(head, Chain):
            found = self.chained(head, dot, command.place)
            if callable(found):
                arguments = [self.operand(one, dot, command.place) for one in rest]
                return _called(found, [*arguments, *([] if final is _MISSING else [final])], command.place)
            if not rest and final is _MISSING:
                return found
        if rest or final is not _MISSING:
            raise TemplateFailed(f"{command.place}: can't give argument to non-function")
        return self.operand(head, dot, command.place)

    def call(self, name: str, operands: Sequence[Operand], dot: object, final: object, place: Place) -> object:
        last = [] if final is _MISSING else [final]
        if name in ("and", "or"):
            return self.until(name == "or", operands, dot, last, place)
        arguments = [*(self.operand(one, dot, place) for one in operands), *last]
        if name == "tmpl":
            return self.captured(arguments, place)
        try:
            return self.functions[name](*arguments)
        except (ValueError, BadQuery, QueryFailed, QueryRefused) as error:
            raise TemplateFailed(f"{place}: error calling {name}: {error}") from error
        except TypeError as error:
            raise TemplateFailed(f"{place}: wrong number of args for {name}: got {len(arguments)}") from error

    def until(self, wanted: bool, operands: Sequence[Operand], dot: object, last: list[object], place: Place) -> object:
        """The first value that is as wanted, else the last one: `or` and `and`."""
        value: object = _MISSING
        for one in operands:
            value = self.operand(one, dot, place)
            if is_true(value) == wanted:
                return value
        if last:
            return last[0]
        if value is _MISSING:
            raise TemplateFailed(
                f"{place}: wrong number of args for {'or' if wanted else 'and'}: want at least 1 got 0"
            )
        return value

    def captured(self, arguments: Sequence[object], place: Place) -> str:
        """What `template` would write, as a value."""
        if len(arguments) != 2 or not isinstance(arguments[0], str):
            raise TemplateFailed(f"{place}: tmpl takes the name of a template and its data")
        outer, self.written = self.written, []
        self.included(arguments[0], arguments[1], place)
        text, self.written = "".join(self.written), outer
        return text

    def operand(self, operand: Operand, dot: object, place: Place) -> object:
        match operand:
            case Literal():
                return operand.value
            case Dot():
                return dot
            case Variable():
                return next(value for name, value in reversed(self.variables) if name == operand.name)
            case Function():
                return self.call(operand.name, (), dot, _MISSING, place)
            case Pipe():
                return self.commands(operand, dot)
        value = self.chained(operand, dot, place)
        return _called(value, (), place) if callable(value) else value

    def chained(self, chain: Chain, dot: object, place: Place) -> object:
        """The value at the end of the chain; a method there is not called yet."""
        value = self.operand(chain.of, dot, place)
        for name in chain.fields:
            value = _field(_called(value, (), place) if callable(value) else value, name, chain.place)
        return value


def _called(method: Callable[..., object], arguments: Sequence[object], place: Place) -> object:
    try:
        return method(*arguments)
    except ValueError as error:
        raise TemplateFailed(f"{place}: error calling {_name_of(method)}: {error}") from error
    except TypeError as error:
        raise TemplateFailed(f"{place}: wrong number of args for {_name_of(method)}: got {len(arguments)}") from error


def _name_of(method: object) -> str:
    return getattr(method, "__name__", "method")


def _field(value: object, name: str, place: Place) -> object:
    if isinstance(value, Struct) and (name in value.seen or name in value.called):
        return getattr(value, name)
    if isinstance(value, Mapping):
        return value.get(name, "")
    if isinstance(value, Sample | Data) and name in type(value).__dataclass_fields__:
        return getattr(value, name)
    if value is None:
        raise TemplateFailed(f"{place}: nil data; no entry for key {name!r}")
    raise TemplateFailed(f"{place}: can't evaluate field {name} in type {kind_of(value)}")


def _items(value: object, place: Place) -> list[tuple[object, object]]:
    """What `range` goes over, as keys and values; a number counts up to it."""
    if isinstance(value, Mapping):
        return [(key, value[key]) for key in sorted(value)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(enumerate(value))
    if isinstance(value, int) and not isinstance(value, bool):
        if value > MOST_STEPS:
            raise TemplateFailed(f"{place}: a range over {value} is longer than {MOST_STEPS} steps")
        return [(number, number) for number in range(max(value, 0))]
    if value is None:
        return []
    raise TemplateFailed(f"{place}: range can't iterate over {text_of(value)}")
