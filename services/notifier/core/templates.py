"""Templates of notifications, as files define them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.rules.templates.nodes import Body


@dataclass(frozen=True, slots=True)
class Templates:
    """What `{{ define "name" }}` made known, by name."""

    defined: Mapping[str, Body] = field(default_factory=dict)


NO_TEMPLATES = Templates()
