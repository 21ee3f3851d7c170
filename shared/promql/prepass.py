"""The pre-pass: what the parser package lacks is read here, and replaced by what it knows.

Every range, offset, `@` and matcher value is lifted out of the text and leaves its number in a table behind
(`x[5m + 1m] @ -5 anchored` becomes `x[1s] offset 2s`); parsing puts them back. So durations may be computed, `@` may
be negative, `anchored` and `smoothed` exist, and regular expressions are judged by RE2 alone.
"""

import re
from dataclasses import dataclass, field

from shared.promql.duration_expressions import Context, Duration, Operation, Operator, Seconds, settle
from shared.promql.durations import parse_duration
from shared.promql.errors import BadQuery, NativeHistogramsOnly
from shared.promql.expressions import Modifiers
from shared.promql.quoting import quote, unquote

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+|\#[^\n]*)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    |(?P<number>0[xX][0-9a-fA-F_]+|(?:[0-9][0-9_]*(?:y|w|d|h|ms|m|s))+(?![a-zA-Z0-9_])
        |(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?)
    |(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
    |(?P<sign></|>/|==|!=|>=|<=|=~|!~|[^\s\w])""",
    re.VERBOSE,
)
_INFIX_WORDS = frozenset({"and", "or", "unless", "atan2", "bool", "by", "without", "on", "ignoring"})
_MATCH_SIGNS = frozenset({"=", "!=", "=~", "!~"})
_DEEPEST_DURATION = 50
LIFTED = "\ue000"
"""Marks a matcher's value as a number in the table: a character for private use, which no text elsewhere may hold."""
FILLER = "__lifted__"
"""A matcher on this label is put into every pair of braces, and taken out again."""


@dataclass(frozen=True)
class Token:
    """A piece of the text."""

    kind: str
    text: str

    @property
    def word(self) -> str:
        """The keyword that it may be."""
        return self.text.lower() if self.kind == "name" else ""


@dataclass
class Lifted:
    """The rewritten text, and what was lifted out of it; a number in the text is an index + 1."""

    text: str = ""
    durations: list[Duration] = field(default_factory=list)
    modifiers: list[Modifiers] = field(default_factory=list)
    values: list[str] = field(default_factory=list)


def lift(expr: str) -> Lifted:
    """Rewrite the expression. BadQuery where a token, duration or modifier is malformed."""
    return _Rewriting(_tokens_of(expr)).result()


def _tokens_of(expr: str) -> list[Token]:
    """The pieces of a text, without space and comments. BadQuery for what is none."""
    tokens: list[Token] = []
    position, in_brackets = 0, False
    while position < len(expr):
        if in_brackets and expr[position] == ":":  # elsewhere a colon may begin a name
            tokens.append(Token("sign", ":"))
            position += 1
            continue
        match = _TOKEN.match(expr, position)
        if match is None:
            raise BadQuery(f"{expr[:200]!r} is not PromQL: unexpected {expr[position : position + 12]!r}")
        kind = str(match.lastgroup)
        if kind != "space":
            tokens.append(Token(kind, match[0]))
            in_brackets = (in_brackets or match[0] == "[") and match[0] != "]"
        position = match.end()
    return tokens


class _Rewriting:
    """A walk over the tokens."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._found = Lifted()
        self._out: list[str] = []

    def result(self) -> Lifted:
        before: Token | None = None
        in_braces = False
        while (token := self._peek()) is not None:
            if not in_braces and token.text == "[":
                self._bracket()
                before = Token("sign", "]")
                continue
            if not in_braces and _ends_operand(before) and self._is_modifier(token):
                self._modifiers()
                continue
            if token.text in ("</", ">/"):
                raise NativeHistogramsOnly(f"{token.text!r} trims native histograms, which are not supported")
            self._at += 1
            if not in_braces and token.text == "{":
                # Whether a selector selects anything at all is judged when the values are back in it.
                self._out.append(f'{{ {FILLER}="{LIFTED}0" ,')
                in_braces, before = True, token
                continue
            in_braces = in_braces and token.text != "}"
            self._out.append(self._plain(token, before if in_braces else None))
            before = token
        self._found.text = " ".join(self._out)
        return self._found

    def _plain(self, token: Token, before_in_braces: Token | None) -> str:
        if token.kind == "string":
            value = unquote(token.text)
            if before_in_braces is not None and before_in_braces.text in _MATCH_SIGNS:
                self._found.values.append(value)
                return f'"{LIFTED}{len(self._found.values)}"'
            if LIFTED in value:
                raise BadQuery(f"the character U+{ord(LIFTED):04X} can't stand in a name or string")
            return quote(value)
        if token.kind == "number":
            return token.text.replace("_", "")
        return token.text

    def _is_modifier(self, token: Token) -> bool:
        return token.text == "@" or token.word in ("offset", "anchored", "smoothed")

    def _bracket(self) -> None:
        self._take("[")
        span = self._positive(self._sum())
        text = f"[{span}s"
        if self._accept(":"):
            text += ":"
            if self._text() != "]":
                text += f"{self._positive(self._sum())}s"
        self._take("]")
        self._out.append(text + "]")

    def _positive(self, tree: Seconds) -> int:
        duration = settle(tree)
        if isinstance(duration, int) and duration <= 0:
            raise BadQuery("a range or a step of a subquery must be greater than 0")
        self._found.durations.append(duration)
        return len(self._found.durations)

    def _modifiers(self) -> None:
        """All modifiers that stand in a row, in whatever order."""
        offset: Duration | None = None
        at: int | str | None = None
        anchored = smoothed = False
        while (token := self._peek()) is not None and self._is_modifier(token):
            self._at += 1
            if token.text == "@":
                if at is not None:
                    raise BadQuery("'@' stands twice behind one selector")
                at = self._instant()
            elif token.word == "offset":
                if offset is not None:
                    raise BadQuery("'offset' stands twice behind one selector")
                offset = settle(self._signed())
            else:
                anchored, smoothed = anchored or token.word == "anchored", smoothed or token.word == "smoothed"
        if anchored and smoothed:
            raise BadQuery("a selector can't be both 'anchored' and 'smoothed'")
        self._found.modifiers.append(Modifiers(offset or 0, at, anchored, smoothed))  # type: ignore[arg-type]
        self._out.append(f"offset {len(self._found.modifiers)}s")

    def _instant(self) -> int | str:
        token = self._peek()
        if token is not None and token.word in ("start", "end"):
            self._at += 1
            self._take("(")
            self._take(")")
            return token.word
        sign = -1.0
        if not self._accept("-"):
            sign = 1.0
            self._accept("+")
        seconds = sign * self._number()
        if not abs(seconds) <= 2**53:
            raise BadQuery(f"'@ {seconds}' is not an instant")
        return round(seconds * 1000)

    def _sum(self) -> Seconds:
        return self._binary(0)

    def _binary(self, level: int) -> Seconds:
        levels: tuple[tuple[Operator, ...], ...] = (("+", "-"), ("*", "/", "%"))
        if level == len(levels):
            return self._signed(power=True)
        left = self._binary(level + 1)
        while (op := self._text()) in levels[level]:
            self._at += 1
            left = Operation(op, left, self._binary(level + 1))
        return left

    def _signed(self, power: bool = False) -> Seconds:
        for sign in ("-", "+"):
            if self._accept(sign):
                return Operation(sign, None, self._deeper(power))
        left = self._primary()
        if power and self._accept("^"):
            return Operation("^", left, self._deeper(power))
        return left

    def _deeper(self, power: bool) -> Seconds:
        self._depth += 1
        if self._depth > _DEEPEST_DURATION:
            raise BadQuery("a duration is nested too deep")
        found = self._signed(power)
        self._depth -= 1
        return found

    def _primary(self) -> Seconds:
        token = self._peek()
        if token is None:
            raise BadQuery("the expression ends where a duration should stand")
        if token.text == "(":
            self._at += 1
            self._depth += 1
            if self._depth > _DEEPEST_DURATION:
                raise BadQuery("a duration is nested too deep")
            inner = self._sum()
            self._take(")")
            self._depth -= 1
            return inner
        if token.word in ("step", "range"):
            self._at += 1
            self._take("(")
            self._take(")")
            return Context(token.word)  # type: ignore[arg-type]
        if token.word in ("min_of", "max_of", "min", "max"):
            self._at += 1
            self._take("(")
            left = self._sum()
            self._take(",")
            right = self._sum()
            self._take(")")
            return Operation("min_of" if token.word.startswith("min") else "max_of", left, right)
        return self._number()

    def _number(self) -> float:
        token = self._peek()
        if token is None or token.kind != "number":
            raise BadQuery(f"{'the end' if token is None else token.text!r} stands where a duration should")
        self._at += 1
        text = token.text.replace("_", "")
        if text[-1] in "ywdhms" and not text.lower().startswith("0x"):
            return parse_duration(text) / 1000
        return float(int(text, 16)) if text.lower().startswith("0x") else float(text)

    def _peek(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _text(self) -> str:
        token = self._peek()
        return "" if token is None else token.text

    def _accept(self, text: str) -> bool:
        if self._text() != text:
            return False
        self._at += 1
        return True

    def _take(self, text: str) -> None:
        if not self._accept(text):
            raise BadQuery(f"{self._text()!r} stands where {text!r} should")


def _ends_operand(token: Token | None) -> bool:
    if token is None:
        return False
    if token.kind == "name":
        return token.word not in _INFIX_WORDS
    return token.kind in ("number", "string") or token.text in (")", "]", "}")
