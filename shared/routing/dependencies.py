"""What lies behind what: rules by which alerts are held back while something that they depend on is down."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.routing.matchers import Matcher

Labels = Mapping[str, str]
CHECK_LABELS: Mapping[str, str] = {"service": "", "router": "mikrotik:", "gateway": "whatsapp:", "host": "icmp:"}


@dataclass(frozen=True, slots=True)
class DependencyRule:
    """What all child matchers match lies behind what all parent matchers match and has the same values of the labels
    `equal` (absent is empty). What is a parent itself is no child."""

    parent: tuple[Matcher, ...]
    child: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()

    def values(self, labels: Labels) -> tuple[str, ...]:
        """By which parent and child find each other."""
        return tuple(labels.get(name, "") for name in self.equal)


@dataclass(frozen=True)
class Dependencies:
    """By what alerts depend on others, and how long they are held for it. Durations in ms."""

    wait_ms: int = 150_000
    """The longest that an alert waits for what is known of its parents."""
    grace_ms: int = 60_000
    """For how long after a parent has come back its children may take to do so."""
    check_labels: Mapping[str, str] = field(default_factory=lambda: CHECK_LABELS)
    """Labels that say which health check an alert is about: by label what stands before its value in the name."""
    rules: tuple[DependencyRule, ...] = ()


def is_confirmed(reason: str) -> bool:
    """Whether an alert is muted because its parent is down, rather than because that may be."""
    return reason.startswith("dependency:")
