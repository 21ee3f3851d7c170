"""A rule's texts with their templates expanded on one element of its result."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from shared.promql.query import DEFAULT_OPTIONS, Options, Scalar, Vector, compile_query
from shared.promql.source import Source
from shared.rules.templates import BadTemplate, TemplateFailed, execute, parse_template
from shared.rules.templates.functions import Surroundings
from shared.rules.templates.nodes import Function, Literal, Pipe, operands_in
from shared.rules.templates.values import Data, Sample

_QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")
VARIABLES = ("$labels", "$externalLabels", "$externalURL", "$value")


@dataclass(frozen=True)
class Outside:
    """What rules are told of the installation."""

    external_labels: tuple[tuple[str, str], ...] = ()
    external_url: str = ""
    options: Options = DEFAULT_OPTIONS


def is_template(text: str) -> bool:
    """Whether there is anything to expand."""
    return "{{" in text


def check_text(text: str) -> None:
    """BadTemplate, with place and reason, if the text is none."""
    if is_template(text):
        parse_template(text, VARIABLES)


def known_queries(text: str) -> tuple[str | None, ...]:
    """The texts of the queries that the template makes, with the verbs (`%q`) of what is filled into label values; None
    for one that is not known before the template is expanded. BadTemplate if the text is none."""
    pipes = [one for one in operands_in(parse_template(text, VARIABLES)) if isinstance(one, Pipe)]
    return tuple(
        _known_query(pipe, place) for pipe in pipes for place in range(len(pipe.commands)) if _asks(pipe, place)
    )


def queries_may_see(text: str, metric: str) -> bool:
    """Whether a query in the template may select series of the metric: it is named, or the query is not known yet."""
    return any(query is None or metric in query or "__name__" in query for query in known_queries(text))


def _asks(pipe: Pipe, place: int) -> bool:
    return any(one in (Function("query"), Function("tmpl")) for one in pipe.commands[place].operands)


def _known_query(pipe: Pipe, place: int) -> str | None:
    """The text of a query as far as it is certain: what is filled into label values does not matter."""
    operands = pipe.commands[place].operands
    if len(operands) == 1 and place:
        before = pipe.commands[place - 1].operands
        if before[0] == Function("printf") and len(before) > 1:
            operands = before
        elif len(before) == 1 and place == 1:
            operands = (operands[0], before[0])
    if len(operands) < 2 or not isinstance(operands[1], Literal) or not isinstance(operands[1].value, str):
        return None
    text = operands[1].value
    filled_in = operands[0] == Function("printf") and "%" in _QUOTED.sub("", text.replace("%q", "''"))
    return None if filled_in else text


@dataclass(frozen=True)
class Expansion:
    """Expands texts for one element at one instant."""

    labels: Mapping[str, str]
    value: float
    source: Source
    instant_ms: int
    outside: Outside

    def expand(self, text: str) -> str:
        """The expanded text; where that fails, `<error expanding template: …>` as in Prometheus."""
        if not is_template(text):
            return text
        external = dict(self.outside.external_labels)
        data = Data(self.labels, external, self.outside.external_url, self.value)
        values = (self.labels, external, self.outside.external_url, self.value)
        around = Surroundings(self._query, self.instant_ms, self.outside.external_url)
        try:
            return execute(parse_template(text, VARIABLES), data, dict(zip(VARIABLES, values, strict=True)), around)
        except (BadTemplate, TemplateFailed) as error:
            return f"<error expanding template: {error}>"

    def _query(self, text: str) -> list[Sample]:
        value = compile_query(text).instant(self.source, self.instant_ms, self.outside.options).value
        if isinstance(value, Scalar):
            return [Sample({}, float(value.values[0]))]
        if not isinstance(value, Vector):
            raise ValueError("query result is not a vector or scalar")
        return [
            Sample(dict(labels), number)
            for labels, number in zip(value.series.labels, value.values[:, 0].tolist(), strict=True)
        ]
