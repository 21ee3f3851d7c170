"""Remarks that go with an answer: warnings (it may be wrong) and infos (the query may not mean what it says)."""

from dataclasses import dataclass, field

MOST_REMARKS = 100


@dataclass
class Annotations:
    """The remarks of one query, each text once."""

    warnings: dict[str, None] = field(default_factory=dict)
    infos: dict[str, None] = field(default_factory=dict)

    def warn(self, text: str) -> None:
        """Note a warning; more than `MOST_REMARKS` are not kept."""
        if len(self.warnings) < MOST_REMARKS:
            self.warnings.setdefault(text)

    def inform(self, text: str) -> None:
        """Note an info; more than `MOST_REMARKS` are not kept."""
        if len(self.infos) < MOST_REMARKS:
            self.infos.setdefault(text)
