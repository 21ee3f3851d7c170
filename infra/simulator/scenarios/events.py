"""What can happen to the provider: the words that scenarios are written in."""

from typing import NamedTuple


class RouterUnreachable(NamedTuple):
    """The network to the router is cut; the router itself works on."""

    router: str


class RouterReachable(NamedTuple):
    """The network to it is mended."""

    router: str


class PowerLost(NamedTuple):
    """A site has no power: its routers are off."""

    site: str


class PowerBack(NamedTuple):
    """Its routers start, with counters at zero; subscribers dial in again."""

    site: str


class SessionsEnd(NamedTuple):
    """This share of a router's sessions end at once; nobody of them is back within `for_seconds`."""

    router: str
    share: float
    for_seconds: int


class CutOff(NamedTuple):
    """So many customers of a router who have not paid are cut off: in the books and on the router."""

    router: str
    customers: int


class LetIn(NamedTuple):
    """Whoever was cut off on a router has paid, and may come in again."""

    router: str


class LinkLost(NamedTuple):
    """An interface has no link."""

    router: str
    interface: str


class LinkBack(NamedTuple):
    """It has one again."""

    router: str
    interface: str


class WhatsappLoggedOut(NamedTuple):
    """The phone has ended the session; the gateway goes on saying that it is connected."""


class WhatsappLoggedIn(NamedTuple):
    """Somebody has scanned the code again."""


class QueueStuck(NamedTuple):
    """The gateway takes messages and sends none."""


class QueueMoving(NamedTuple):
    """It sends again, what has waited first."""


class QueriesSlow(NamedTuple):
    """Each query of the application's database takes so long; 0: as usual."""

    seconds: float


class DiskFilling(NamedTuple):
    """The disk of the application's machine fills at that rate; 0: it stays as it is."""

    percent_per_minute: float


class DiskCleared(NamedTuple):
    """Somebody has made room."""


class PaymentsFailing(NamedTuple):
    """The payment provider answers nobody."""


class PaymentsWorking(NamedTuple):
    """It answers again."""


Event = (
    RouterUnreachable
    | RouterReachable
    | PowerLost
    | PowerBack
    | SessionsEnd
    | CutOff
    | LetIn
    | LinkLost
    | LinkBack
    | WhatsappLoggedOut
    | WhatsappLoggedIn
    | QueueStuck
    | QueueMoving
    | QueriesSlow
    | DiskFilling
    | DiskCleared
    | PaymentsFailing
    | PaymentsWorking
)
