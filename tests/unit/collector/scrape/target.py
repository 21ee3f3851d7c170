"""A target whose scrapes are taken without any network."""

from typing import Any

from services.collector.core.scrape.labelling import LabelLimits, Labelling
from services.collector.core.scrape.relabel import Relabelling, Rule
from services.collector.core.scrape.session import Session, Terms

NOW = 1_790_000_000_000


def session(
    *rules: Rule,
    target: dict[str, str] | None = None,
    honor_labels: bool = False,
    limits: LabelLimits | None = None,
    **terms: Any,
) -> Session:
    """A target without labels of its own, unless told otherwise."""
    labelling = Labelling(target or {}, honor_labels, Relabelling(rules), limits or LabelLimits())
    return Session(Terms(labelling, **terms))
