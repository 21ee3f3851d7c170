"""What `GET /api/v1/rules` may be asked for: Prometheus' parameters, and its words for what is wrong with them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.messages.rules import AlertingRule, RecordingRule
from shared.messages.series import NAME
from shared.promql.errors import BadQuery
from shared.promql.expressions import PLAIN, VectorSelector
from shared.promql.matching import Matcher
from shared.promql.parsing import parse_expression

TRUE = frozenset({"1", "t", "true"})
FALSE = frozenset({"0", "f", "false"})
NUMBER = re.compile(r"[+-]?[0-9]{1,10}")
MOST_GROUPS = 2**31 - 1


class BadParameter(ValueError):
    """A query parameter that Prometheus refuses, too."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f'invalid parameter "{name}": {reason}')


@dataclass(frozen=True)
class RulesQuery:
    """Which groups and rules are wanted; an empty set wants all."""

    kinds: frozenset[str] = frozenset({"alert", "record"})
    names: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    selectors: tuple[VectorSelector, ...] = ()
    exclude_alerts: bool = False
    group_limit: int | None = None
    next_token: str = ""

    @classmethod
    def read(
        cls,
        kind: str,
        names: Sequence[str],
        groups: Sequence[str],
        files: Sequence[str],
        matches: Sequence[str],
        exclude_alerts: str,
        group_limit: str,
        next_token: str,
    ) -> "RulesQuery":
        """The query in the texts of the parameters; an empty text is none. BadParameter names what is wrong."""
        if kind.lower() not in ("", "alert", "record"):
            raise BadParameter("type", f'not supported value "{kind.lower()}"')
        return cls(
            kinds=frozenset({kind.lower()} if kind else {"alert", "record"}),
            names=frozenset(names),
            groups=frozenset(groups),
            files=frozenset(files),
            selectors=tuple(_selector(text) for text in matches),
            exclude_alerts=_truth("exclude_alerts", exclude_alerts),
            group_limit=_group_limit(group_limit, next_token),
            next_token=next_token,
        )

    def wants(self, rule: AlertingRule | RecordingRule) -> bool:
        """Whether the rule is wanted. Selectors look at the labels as the rule has them, templates and all."""
        if rule.kind not in self.kinds or (self.names and rule.name not in self.names):
            return False
        return not self.selectors or any(_selects(selector, rule.labels) for selector in self.selectors)


def _group_limit(text: str, next_token: str) -> int | None:
    if not text:
        if next_token:
            reason = "group_limit needs to be present in order to paginate over the groups"
            raise BadParameter("group_next_token", reason)
        return None
    if not NUMBER.fullmatch(text) or int(text) > MOST_GROUPS:
        raise BadParameter("group_limit", f'group_limit needs to be a valid number: "{text[:80]}"')
    if int(text) <= 0:
        raise BadParameter("group_limit", "group_limit needs to be greater than 0")
    return int(text)


def _truth(name: str, text: str) -> bool:
    if text and text.lower() not in TRUE | FALSE:
        raise BadParameter(name, f'error converting {name}: "{text[:80]}" is neither true nor false')
    return text.lower() in TRUE


def _selector(text: str) -> VectorSelector:
    # A selector of series needs a matcher that refuses the empty text; one of rules, by labels, doesn't.
    given_a_name = text.lstrip().startswith("{") and NAME not in text
    try:
        found = parse_expression(f"x{text}" if given_a_name else text)
    except BadQuery as error:
        raise BadParameter("match[]", str(error)) from error
    if not isinstance(found, VectorSelector) or found.modifiers != PLAIN:
        raise BadParameter("match[]", f"{text[:200]!r} is not a selector of labels")
    if not given_a_name:
        return found
    return VectorSelector(tuple(one for one in found.matchers if one.label != NAME), found.alternatives)


def _selects(selector: VectorSelector, labels: Mapping[str, str]) -> bool:
    def fit(matchers: tuple[Matcher, ...]) -> bool:
        return all(one.matches(labels.get(one.label, "")) for one in matchers)

    return fit(selector.matchers) and (not selector.alternatives or any(map(fit, selector.alternatives)))
