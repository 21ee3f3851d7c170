"""Which alert an element of a rule's result stands for: worked out once per element, not at each instant.

What is remembered follows from what is asked alone, so that it makes no difference what happens to be remembered.
"""

from collections.abc import Mapping
from typing import NamedTuple

from shared.messages.alerts import alert_id
from shared.messages.series import NAME
from shared.promql.series_sets import Labels, labels_from, with_label

ALERTS = "ALERTS"
ALERTS_FOR_STATE = "ALERTS_FOR_STATE"
ALERTNAME = "alertname"
LEAST_REMEMBERED = 1_024


class Identity(NamedTuple):
    """An element's alert. The mappings are shared: they must not be changed."""

    id: str
    labels: dict[str, str]
    element: dict[str, str]
    """The labels of the element itself."""


class Identities:
    """Those of one rule. What is not in use any more is forgotten."""

    def __init__(self, rule: str, labels: Mapping[str, str]) -> None:
        """`labels` are those that the rule adds; where they hold templates they must be given with each element."""
        self._rule, self._labels = rule, labels
        self._identities: dict[tuple[str, Labels], Identity] = {}
        self._series: dict[tuple[str, str], tuple[Labels, Labels]] = {}

    @property
    def remembered(self) -> int:
        """How many elements are remembered."""
        return len(self._identities)

    def of(self, group: str, element: Labels, in_use: int) -> Identity:
        """The alert of the element with these labels; `in_use`: how many elements there are now."""
        key = group, element
        found = self._identities.get(key)
        if found is None:
            if len(self._identities) > LEAST_REMEMBERED + 4 * in_use:
                self._identities.clear()
            found = self._identities[key] = identity(group, self._rule, element, self._labels)
        return found

    def series(self, alert: str, state: str, labels: Mapping[str, str], in_use: int) -> tuple[Labels, Labels]:
        """The labels of the alert's `ALERTS` in this state, and of its `ALERTS_FOR_STATE`."""
        key = alert, state
        found = self._series.get(key)
        if found is None:
            if len(self._series) > LEAST_REMEMBERED + 4 * in_use:
                self._series.clear()
            named = with_label(labels_from(labels), NAME, ALERTS)
            found = with_label(named, "alertstate", state), with_label(named, NAME, ALERTS_FOR_STATE)
            self._series[key] = found
        return found


def identity(group: str, rule: str, element: Labels, added: Mapping[str, str]) -> Identity:
    """The alert of an element to which the rule adds labels."""
    own = dict(element)
    whole = dict(labels_from({**own, **added, ALERTNAME: rule, NAME: ""}))
    return Identity(alert_id(group, rule, whole), whole, own)
