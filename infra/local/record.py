"""What a running stack has written down for the other commands."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from infra.local.places import Places


@dataclass(frozen=True)
class Record:
    """Where things are. It is there from the end of a start until the stack is taken down."""

    url: str
    bootstrap: str
    config: str | None = None
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """Each service's address for /health/ready."""

    def write(self, places: Places) -> None:
        """Keep it in the data directory; a start that is killed meanwhile leaves no half of it."""
        fresh = places.record.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self), indent=2))
        fresh.replace(places.record)

    @classmethod
    def read(cls, places: Places) -> "Record | None":
        """What the last start has written; None if there was none."""
        try:
            return cls(**json.loads(places.record.read_text()))
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return None
