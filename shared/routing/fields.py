"""Fields of the configuration, read from its tree."""

from collections.abc import Iterable

from shared.routing.errors import BadMatcher
from shared.routing.matcher_text import LABEL_NAME, parse_matchers
from shared.routing.matchers import Matcher, Operator, checked
from shared.rules.fields import FieldReader
from shared.rules.tree import Tree


def without_nulls(item: Tree) -> Tree:
    """The mapping without the keys that have no value: they count as absent."""
    if item.mapping is None:
        return item
    given = {key: tree for key, tree in item.mapping.items() if not tree.is_null}
    return Tree(item.at, mapping=given, doubled=item.doubled)


def texts(tree: Tree | None, what: str, reading: FieldReader) -> list[str]:
    """A list of texts; none if it is absent."""
    return [text for one in reading.items(tree, what) if (text := reading.text(one)) is not None]


def positive(tree: Tree | None, what: str, reading: FieldReader) -> int | None:
    """Milliseconds of a duration that isn't zero; None if it is absent."""
    length = reading.duration(tree, what)
    if length == 0 and tree is not None:
        reading.add(tree, f"{what} can't be zero")
    return length or None


def label_names(tree: Tree | None, what: str, reading: FieldReader) -> list[str]:
    """A list of names of labels, none of them twice; any text in UTF-8 may be one."""
    names: list[str] = []
    for one in reading.items(tree, what):
        name = reading.text(one)
        if not name:
            reading.add(one, f"{what!r} holds names of labels")
        elif name in names:
            reading.add(one, f"{name[:80]!r} is twice in {what!r}")
        else:
            names.append(name)
    return names


def matchers(fields: dict[str, Tree], prefix: str, reading: FieldReader) -> tuple[Matcher, ...]:
    """Those of `…match`, `…match_re` and `…matchers`, whose names begin with `prefix`."""
    return (
        *_pairs(fields.get(f"{prefix}match"), f"{prefix}match", "=", reading),
        *_pairs(fields.get(f"{prefix}match_re"), f"{prefix}match_re", "=~", reading),
        *_lines(fields.get(f"{prefix}matchers"), f"{prefix}matchers", reading),
    )


def _pairs(tree: Tree | None, what: str, operator: Operator, reading: FieldReader) -> Iterable[Matcher]:
    if tree is None or tree.is_null:
        return
    if tree.mapping is None:
        reading.add(tree, f"{what!r} is a mapping of labels to values")
        return
    for name, at in tree.doubled:
        reading.add(at, f"{name[:80]!r} is given twice")
    for name, value in tree.mapping.items():
        text = reading.text(value)
        if not LABEL_NAME.fullmatch(name):
            reading.add(
                value, f"{name[:80]!r} is no name of a label in {what!r}: {_newer(what)} may have it, in quotes"
            )
        elif text is None and operator == "=~":
            reading.add(value, f"a regular expression is missing for {name[:80]!r}")
        else:
            # Anchored in its text, too: the route's key holds it so, as Alertmanager's does.
            yield from _checked(name, operator, f"^(?:{text})$" if operator == "=~" else text or "", value, reading)


def _newer(what: str) -> str:
    """The key that is to be used in place of `…match` or `…match_re`."""
    return repr(what.removesuffix("_re") + "ers")


def _checked(name: str, operator: Operator, value: str, at: Tree, reading: FieldReader) -> Iterable[Matcher]:
    try:
        yield checked(name, operator, value)
    except BadMatcher as error:
        reading.add(at, str(error))


def _lines(tree: Tree | None, what: str, reading: FieldReader) -> Iterable[Matcher]:
    for one in reading.items(tree, what):
        try:
            yield from parse_matchers(reading.text(one) or "")
        except BadMatcher as error:
            reading.add(one, str(error))
