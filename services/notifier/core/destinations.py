"""Where a notice goes: one way of one receiver, to one person where it tells people one by one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Destination:
    """A way of a receiver. Its name is part of each notification's identity."""

    receiver: str
    kind: str
    index: int = 0
    """Its number among those of its kind in the receiver."""
    person: str = ""
    """Id of the recipient; empty where the channel itself knows whom it tells."""
    send_resolved: bool = True
    """Whether it is told of the end of alerts."""

    @property
    def name(self) -> str:
        """`ops/webhook/0`, `ops/whatsapp/0/ani`."""
        return "/".join(filter(None, (self.receiver, self.kind, str(self.index), self.person)))
