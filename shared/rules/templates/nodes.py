"""The parts of a template, as values."""

from dataclasses import dataclass

from shared.rules.templates.lexer import Place


@dataclass(frozen=True)
class Literal:
    """A constant: text, integer, float, truth value, or nil as None."""

    value: object


@dataclass(frozen=True)
class Dot:
    """The cursor."""


@dataclass(frozen=True)
class Variable:
    """`$name`; `$` alone is the data that the template was given."""

    name: str


@dataclass(frozen=True)
class Function:
    """A function by name."""

    name: str


@dataclass(frozen=True)
class Chain:
    """Fields of a value: `.a.b`, `$x.a`, `(…).a`."""

    of: "Operand"
    fields: tuple[str, ...]
    place: Place


@dataclass(frozen=True)
class Pipe:
    """Commands, each given the result of the one before it; then stored in variables, where there are any."""

    commands: tuple["Command", ...]
    variables: tuple[str, ...]
    declares: bool
    place: Place


Operand = Literal | Dot | Variable | Function | Chain | Pipe


@dataclass(frozen=True)
class Command:
    """A value, or a function and its arguments."""

    operands: tuple[Operand, ...]
    place: Place


@dataclass(frozen=True)
class Text:
    """Written as it is."""

    text: str


@dataclass(frozen=True)
class Output:
    """`{{ pipe }}`: written, unless it goes into variables."""

    pipe: Pipe


@dataclass(frozen=True)
class If:
    """`if` … `else` … `end`."""

    pipe: Pipe
    then: "Body"
    otherwise: "Body"


@dataclass(frozen=True)
class With:
    """`with` … `else` … `end`: like `if`, with the cursor on the value."""

    pipe: Pipe
    then: "Body"
    otherwise: "Body"


@dataclass(frozen=True)
class Range:
    """`range` … `else` … `end`."""

    pipe: Pipe
    then: "Body"
    otherwise: "Body"


@dataclass(frozen=True)
class Leave:
    """`break`, or `continue` where `goes_on`."""

    goes_on: bool


@dataclass(frozen=True)
class Include:
    """`template "name" pipe`."""

    name: str
    pipe: Pipe | None
    place: Place


Node = Text | Output | If | With | Range | Leave | Include
Body = tuple[Node, ...]


@dataclass(frozen=True)
class Template:
    """A parsed template and those that it defines, by name."""

    body: Body
    defined: dict[str, Body]


def operands_in(template: Template) -> list[Operand]:
    """All operands, those inside of others too."""
    found: list[Operand] = []
    bodies = [template.body, *template.defined.values()]
    while bodies:
        for node in bodies.pop():
            match node:
                case Output() | Include():
                    if node.pipe is not None:
                        _collect(node.pipe, found)
                case If() | With() | Range():
                    _collect(node.pipe, found)
                    bodies += [node.then, node.otherwise]
    return found


def _collect(operand: Operand, found: list[Operand]) -> None:
    found.append(operand)
    if isinstance(operand, Chain):
        _collect(operand.of, found)
    elif isinstance(operand, Pipe):
        for command in operand.commands:
            for one in command.operands:
                _collect(one, found)
