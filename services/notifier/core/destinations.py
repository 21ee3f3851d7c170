"""Where a notice goes: one way of one receiver, to one person where it tells people one by one."""

from dataclasses import dataclass, field


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
    name: str = field(init=False, compare=False)
    """`ops/webhook/0`, `ops/whatsapp/0/ani`."""
    place: str = field(init=False, compare=False)
    """The name without the person."""

    def __post_init__(self) -> None:
        place = f"{self.receiver}/{self.kind}/{self.index}"
        object.__setattr__(self, "place", place)
        object.__setattr__(self, "name", f"{place}/{self.person}" if self.person else place)
