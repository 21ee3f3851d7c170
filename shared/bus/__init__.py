"""The bus: producing and consuming with the guarantees that DESIGN's invariants ask for.

`Producer` sends and waits for durability, `Consumer` shares a topic among instances and commits after the effect,
`Follower` reads everything for itself, for instance a compacted topic into memory.
"""

from shared.bus.broker_clock import BrokerClock
from shared.bus.consumer import Batch, Consumer
from shared.bus.follower import Follower
from shared.bus.producer import Acknowledged, BusUnavailable, MessageRefused, Outgoing, Producer, ProducerStopped
from shared.bus.received import Received

__all__ = [
    "Acknowledged",
    "Batch",
    "BrokerClock",
    "BusUnavailable",
    "Consumer",
    "Follower",
    "MessageRefused",
    "Outgoing",
    "Producer",
    "ProducerStopped",
    "Received",
]
