"""What is stored with the offset of the events: how far whoever was active had come."""

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Stored as the metadata of a consumer group's offset, which is that of the first event still needed."""

    told_until_ms: int
    """What was due until then is in the ledger, as far as it follows from the events before `told_offset`."""
    told_offset: int
    """The first event that had not been read."""
    since_ms: int
    """When the bus had the first event still needed, or a little before: from then on the ledger speaks of what is."""
    by: str
    """Which notifier stored it."""

    def encode(self) -> str:
        """As text."""
        return json.dumps(
            {"told_until": self.told_until_ms, "told": self.told_offset, "since": self.since_ms, "by": self.by}
        )


def decode(text: str) -> Checkpoint | None:
    """What `encode` wrote; None for anything else."""
    try:
        found = json.loads(text)
        return Checkpoint(int(found["told_until"]), int(found["told"]), int(found["since"]), str(found["by"]))
    except (ValueError, KeyError, TypeError):
        return None
