"""A rule's texts with their templates expanded on one element of its result."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.promql.query import DEFAULT_OPTIONS, Options, Scalar, Vector, compile_query
from shared.promql.source import Source
from shared.rules.templates import BadTemplate, TemplateFailed, execute, parse_template
from shared.rules.templates.functions import Surroundings
from shared.rules.templates.values import Data, Sample

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
