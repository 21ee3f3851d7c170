"""What a rule reads: the series that its query, and queries in its templates, select, and how far back they look."""

from shared.messages.rules import AlertingRule, RecordingRule
from shared.promql.errors import BadQuery
from shared.promql.matching import Selector
from shared.promql.query import compile_query
from shared.promql.reach import looks, reach_ms
from shared.rules.dependencies import template_selectors
from shared.rules.expansion import is_template, known_queries
from shared.rules.templates import BadTemplate


def reaches_of(rule: AlertingRule | RecordingRule, lookback_ms: int) -> dict[Selector, int]:
    """The selectors, and how far before an instant (ms) each looks. Nothing for a rule that can't be evaluated."""
    found: dict[Selector, int] = {}
    try:
        query = compile_query(rule.expr)
    except BadQuery:
        return found
    for look in looks(query, 0, lookback_ms):
        for selector in look.selectors:
            found[selector] = max(-look.start_ms, 0, found.get(selector, 0))
    if isinstance(rule, AlertingRule):
        for text in (*rule.labels.values(), *rule.annotations.values(), rule.message):
            if is_template(text):
                reach = _template_reach(text, lookback_ms)
                for selector in template_selectors(text):
                    found[selector] = max(reach, found.get(selector, 0))
    return found


def _template_reach(text: str, lookback_ms: int) -> int:
    reach = lookback_ms
    try:
        for query in known_queries(text):
            if query is not None:
                reach = max(reach, reach_ms(compile_query(query), lookback_ms))
    except (BadTemplate, BadQuery):
        return reach  # it is expanded to its error
    return reach
