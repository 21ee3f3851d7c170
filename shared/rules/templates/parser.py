"""From template text to nodes."""

from functools import lru_cache

from shared.promql.errors import BadQuery
from shared.promql.quoting import unquote
from shared.rules.templates.errors import BadTemplate
from shared.rules.templates.lexer import Action, Place, Plain, Token, pieces_of
from shared.rules.templates.names import FUNCTIONS
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

LONGEST_TEMPLATE = 65_536
DEEPEST_NESTING = 50
_CONSTANTS: dict[str, object] = {"true": True, "false": False, "nil": None}
_BLOCKS: dict[str, type[If] | type[With] | type[Range]] = {"if": If, "with": With, "range": Range}


@lru_cache(maxsize=16_384)
def parse_template(source: str, variables: tuple[str, ...] = (), functions: frozenset[str] = frozenset()) -> Template:
    """The template in the text; `variables` are there from the beginning, `functions` beside those of rules.
    BadTemplate with place and reason."""
    if len(source) > LONGEST_TEMPLATE:
        raise BadTemplate(f"1:1: the template has {len(source)} characters: at most {LONGEST_TEMPLATE}")
    return _Bodies(source, variables, FUNCTIONS | functions).template()


class _Bodies:
    """Pieces made into nested nodes."""

    def __init__(self, source: str, variables: tuple[str, ...], functions: frozenset[str]) -> None:
        self._functions = functions
        self._pieces = pieces_of(source)
        self._at = 0
        self._depth = 0
        self._loops = 0
        self._variables = ["$", *variables]
        self._defined: dict[str, Body] = {}

    def template(self) -> Template:
        body, ended = self._body()
        if ended is not None:
            raise BadTemplate(f"{ended.place}: unexpected {{{{{ended.tokens[0].text}}}}}")
        return Template(body, self._defined)

    def _body(self) -> tuple[Body, Action | None]:
        """Nodes up to `else` or `end`, and that action; None at the end of the text."""
        nodes: list[Node] = []
        while self._at < len(self._pieces):
            piece = self._pieces[self._at]
            self._at += 1
            if isinstance(piece, Plain):
                nodes.append(Text(piece.text))
                continue
            if not piece.tokens:
                raise BadTemplate(f"{piece.place}: missing value for command")
            word = piece.tokens[0].text if piece.tokens[0].kind == "word" else ""
            if word in ("else", "end"):
                return tuple(nodes), piece
            node = self._node(piece, word)
            if node is not None:
                nodes.append(node)
        return tuple(nodes), None

    def _node(self, action: Action, word: str) -> Node | None:
        rest = action.tokens[1:]
        if word in _BLOCKS:
            return self._block(action, word, rest)
        if word in ("define", "block"):
            return self._definition(action, rest, shown=word == "block")
        if word == "template":
            name, pipe = self._named(action, rest)
            return Include(name, pipe, action.place)
        if word in ("break", "continue"):
            if rest or not self._loops:
                raise BadTemplate(f"{action.place}: {word} stands outside of range, or with arguments")
            return Leave(word == "continue")
        return Output(self._pipe(action.tokens, action.place))

    def _block(self, action: Action, word: str, tokens: tuple[Token, ...]) -> Node:
        """if, with or range, up to its end."""
        self._enter(action)
        known = len(self._variables)
        pipe = self._pipe(tokens, action.place, in_range=word == "range")
        self._loops += word == "range"
        then, ended = self._body()
        self._loops -= word == "range"
        otherwise: Body = ()
        if ended is not None and ended.tokens[0].text == "else":
            del self._variables[known + len(pipe.variables) :]
            after = ended.tokens[1:]
            if after and after[0].text == word and word != "range":
                otherwise = (self._block(ended, word, after[1:]),)
                ended = None
            elif after:
                raise BadTemplate(f"{ended.place}: unexpected {after[0].text!r} after else")
            else:
                opened, (otherwise, ended) = ended, self._body()
                if ended is not None and ended.tokens[0].text == "else":
                    raise BadTemplate(f"{ended.place}: a second else (the first: {opened.place})")
                if ended is None:
                    raise BadTemplate(f"{action.place}: {word} without end")
                _closed(ended)
        elif ended is None:
            raise BadTemplate(f"{action.place}: {word} without end")
        else:
            _closed(ended)
        del self._variables[known:]
        self._depth -= 1
        return _BLOCKS[word](pipe, then, otherwise)

    def _definition(self, action: Action, tokens: tuple[Token, ...], shown: bool) -> Node | None:
        self._enter(action)
        name, pipe = self._named(action, tokens)
        if pipe is not None and not shown:
            raise BadTemplate(f"{action.place}: define takes a name alone")
        outer, self._variables = self._variables, ["$"]
        loops, self._loops = self._loops, 0
        body, ended = self._body()
        self._variables, self._loops = outer, loops
        if ended is None or ended.tokens[0].text != "end":
            raise BadTemplate(f"{action.place}: define without end")
        _closed(ended)
        self._defined[name] = body
        self._depth -= 1
        return Include(name, pipe, action.place) if shown else None

    def _named(self, action: Action, tokens: tuple[Token, ...]) -> tuple[str, Pipe | None]:
        if not tokens or tokens[0].kind != "string":
            raise BadTemplate(f"{action.place}: {action.tokens[0].text} needs a name in quotes")
        pipe = self._pipe(tokens[1:], action.place) if tokens[1:] else None
        return _text(tokens[0]), pipe

    def _enter(self, action: Action) -> None:
        self._depth += 1
        if self._depth > DEEPEST_NESTING:
            raise BadTemplate(f"{action.place}: nested more than {DEEPEST_NESTING} deep")

    def _pipe(self, tokens: tuple[Token, ...], place: Place, in_range: bool = False) -> Pipe:
        return _Pipes(tokens, place, self._variables, self._functions).whole(in_range)


class _Pipes:
    """The tokens of one action made into a pipeline."""

    def __init__(
        self, tokens: tuple[Token, ...], place: Place, variables: list[str], functions: frozenset[str]
    ) -> None:
        self._tokens, self._place, self._variables, self._functions = tokens, place, variables, functions
        self._at = 0
        self._depth = 0

    def whole(self, in_range: bool) -> Pipe:
        names, declares = self._stored(in_range)
        pipe = self._pipe(names, declares)
        if (token := self._next) is not None:
            raise BadTemplate(f"{token.place}: unexpected {token.text!r}")
        if declares:
            self._variables.extend(names)
        return pipe

    @property
    def _next(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _stored(self, in_range: bool) -> tuple[tuple[str, ...], bool]:
        """The variables that the pipeline goes into, if any, and whether they are new."""
        texts = [token.text for token in self._tokens[:4]]
        kinds = [token.kind for token in self._tokens[:4]]
        count = 0
        if kinds[:1] == ["variable"] and texts[1:2] in ([":="], ["="]):
            count = 1
        elif in_range and kinds[:1] + kinds[2:3] == ["variable"] * 2 and texts[1:2] == [","]:
            if texts[3:4] not in ([":="], ["="]):
                raise BadTemplate(f"{self._place}: range needs := after its variables")
            count = 2
        if not count:
            return (), False
        self._at = 2 * count
        names, declares = tuple(texts[0 : 2 * count : 2]), texts[2 * count - 1] == ":="
        for name in names:
            if not declares and name not in self._variables:
                raise BadTemplate(f"{self._place}: undefined variable {name!r}")
        return names, declares

    def _pipe(self, names: tuple[str, ...], declares: bool) -> Pipe:
        place = self._next.place if self._next else self._place
        commands = [self._command()]
        while (token := self._next) is not None and token.text == "|" and token.kind == "punctuation":
            self._at += 1
            commands.append(self._command())
        for command in commands[1:]:
            if isinstance(command.operands[0], Literal | Dot):
                raise BadTemplate(f"{command.place}: a value can't stand after '|': a function is needed")
        return Pipe(tuple(commands), names, declares, place)

    def _command(self) -> Command:
        place = self._next.place if self._next else self._place
        operands: list[Operand] = []
        while (token := self._next) is not None:
            if token.kind == "punctuation" and token.text != "(":
                break
            if operands and not token.spaced and token.text != "(":
                raise BadTemplate(f"{token.place}: a space is missing before {token.text!r}")
            operands.append(self._operand())
        if not operands:
            raise BadTemplate(f"{place}: missing value for command")
        if len(operands) > 1 and isinstance(operands[0], Literal | Dot):
            raise BadTemplate(f"{place}: a value can't be given arguments: a function is needed")
        return Command(tuple(operands), place)

    def _operand(self) -> Operand:
        token = self._tokens[self._at]
        self._at += 1
        operand: Operand
        match token.kind:
            case "field":
                operand = Chain(Dot(), (token.text[1:],), token.place)
            case "dot":
                operand = Dot()
            case "variable":
                if token.text not in self._variables:
                    raise BadTemplate(f"{token.place}: undefined variable {token.text!r}")
                operand = Variable(token.text)
            case "word":
                if token.text in _CONSTANTS:
                    operand = Literal(_CONSTANTS[token.text])
                elif token.text in self._functions:
                    operand = Function(token.text)
                else:
                    raise BadTemplate(f"{token.place}: function {token.text!r} not defined")
            case "punctuation":
                operand = self._bracketed(token)
            case _:
                operand = Literal(_constant(token))
        return self._with_fields(operand, token)

    def _bracketed(self, opened: Token) -> Pipe:
        self._depth += 1
        if self._depth > DEEPEST_NESTING:
            raise BadTemplate(f"{opened.place}: nested more than {DEEPEST_NESTING} deep")
        pipe = self._pipe((), False)
        if (token := self._next) is None or token.text != ")":
            raise BadTemplate(f"{opened.place}: unclosed left paren")
        self._at += 1
        self._depth -= 1
        return pipe

    def _with_fields(self, operand: Operand, token: Token) -> Operand:
        fields: list[str] = []
        while (after := self._next) is not None and after.kind == "field" and not after.spaced:
            fields.append(after.text[1:])
            self._at += 1
        if not fields:
            return operand
        if isinstance(operand, Literal):
            raise BadTemplate(f"{token.place}: a constant has no field {fields[0]!r}")
        if isinstance(operand, Chain):
            return Chain(operand.of, (*operand.fields, *fields), token.place)
        return Chain(operand, tuple(fields), token.place)


def _closed(ended: Action) -> None:
    if len(ended.tokens) > 1:
        raise BadTemplate(f"{ended.place}: unexpected {ended.tokens[1].text!r} in end")


def _text(token: Token) -> str:
    try:
        return unquote(token.text)
    except BadQuery as error:
        raise BadTemplate(f"{token.place}: {error}") from error


def _constant(token: Token) -> object:
    if token.kind == "string":
        return _text(token)
    if token.kind == "char":
        text = _text(token)
        if len(text) != 1:
            raise BadTemplate(f"{token.place}: {token.text} is not one character")
        return ord(text)
    digits = token.text.replace("_", "")
    try:
        return (
            int(digits, 0) if digits.lstrip("+-") == "0" or not digits.lstrip("+-").startswith("0") else _based(digits)
        )
    except ValueError:
        try:
            return float(digits)
        except ValueError:
            raise BadTemplate(f"{token.place}: bad number {token.text!r}") from None


def _based(digits: str) -> int:
    """An integer that begins with 0: octal unless a letter says else."""
    plain = digits.lstrip("+-")
    if plain.isdecimal():
        return int(digits, 8)
    return int(digits, 0)
