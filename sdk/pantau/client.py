"""What an application has one of: its metrics, and the thread that pushes them."""

import atexit
import os
import socket
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, TypeVar

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from pantau import clock
from pantau.bounds import BoundedValues
from pantau.delivery import Delivery
from pantau.queries import Queries
from pantau.readings import sample
from pantau.requests import Requests
from pantau.settings import Settings
from pantau.telemetry import Telemetry

Kind = Literal["gauge", "counter", "histogram", "summary"]
M = TypeVar("M", bound=MetricWrapperBase)

EXIT_SECONDS = 2.0
MOST_KINDS = 50


class Pantau:
    """Counts from the beginning; pushes between `start` and `close`, if its settings name a url.

    `registry` holds what the SDK and `counter`, `gauge`, `histogram` make. What is in `others` is pushed, too, unless
    the first has a metric of that name; by default the registry that prometheus_client's own metrics go to.
    """

    def __init__(self, settings: Settings, others: Iterable[CollectorRegistry] = (REGISTRY,)) -> None:
        self.settings = settings
        self.registry = CollectorRegistry()
        self._others = tuple(others)
        self._telemetry = Telemetry(self.registry)
        self._delivery: Delivery | None = None
        if settings.url is not None:
            self._delivery = Delivery(settings, self._registries, self._labels, self._telemetry)
        logged = self._delivery is not None and settings.request_logs
        self.requests = Requests(self.registry, settings, self._put_entry if logged else None)
        self.queries = Queries(self.registry, settings, self._telemetry)
        self._whatsapp = Counter(
            "whatsapp_messages_total",
            "WhatsApp messages, by what became of them",
            ["type", "status"],
            registry=self.registry,
        )
        self._type, self._status = BoundedValues(MOST_KINDS), BoundedValues(MOST_KINDS)
        self._made: dict[str, MetricWrapperBase] = {}
        self._hooked = False

    def start(self) -> None:
        """Push from now on, in a thread of its own; also in processes that are forked off later."""
        if self._delivery is None:
            return
        if not self._hooked:
            self._hooked = True
            _hook(self)
        self._delivery.start()

    def close(self, seconds: float = EXIT_SECONDS) -> None:
        """Push what is left, for at most `seconds`. Without it the same happens when the process ends."""
        if self._delivery is not None:
            self._delivery.close(seconds)

    def counter(self, name: str, help: str, labels: Sequence[str] = ()) -> Counter:
        """A counter of one's own, made at the first call. ValueError if the name is none, or another kind has it."""
        return self._own(Counter, name, lambda: Counter(name, help, labels, registry=self.registry))

    def gauge(self, name: str, help: str, labels: Sequence[str] = ()) -> Gauge:
        """A gauge of one's own; as `counter`."""
        return self._own(Gauge, name, lambda: Gauge(name, help, labels, registry=self.registry))

    def histogram(
        self,
        name: str,
        help: str,
        labels: Sequence[str] = (),
        buckets: Sequence[float] = Histogram.DEFAULT_BUCKETS,
    ) -> Histogram:
        """A histogram of one's own; as `counter`."""
        return self._own(
            Histogram, name, lambda: Histogram(name, help, labels, registry=self.registry, buckets=buckets)
        )

    def push(
        self,
        name: str,
        value: float,
        labels: Mapping[str, str] | None = None,
        kind: Kind = "gauge",
        time_ms: int | None = None,
    ) -> None:
        """Push one sample, of now or of `time_ms` (milliseconds since the epoch), without keeping a metric for it."""
        if self._delivery is None:
            return
        try:
            all_labels = {**self._labels(), **{one: str(text) for one, text in (labels or {}).items()}}
            at = clock.now_ms() if time_ms is None else int(time_ms)
            self._delivery.samples.put(sample(name, value, all_labels, kind, at))
        except Exception as error:  # noqa: BLE001  (a figure that is none must not stop what is being measured)
            self.failed("sample", error)

    def whatsapp_sent(self, kind: str, status: str = "sent") -> None:
        """Count a WhatsApp message of this kind, e.g. `invoice`, and what became of it: `sent`, `failed`, ..."""
        try:
            self._whatsapp.labels(self._type(kind), self._status(status)).inc()
        except Exception as error:  # noqa: BLE001  (the message was sent, whatever is wrong with its count)
            self.failed("message", error)

    def timed_query(self, query_type: str, table: str) -> AbstractContextManager[None]:
        """`with pantau.timed_query("select", "customers"):` the time of what is done inside, which may await."""
        return self.queries.timed(query_type, table)

    def failed(self, where: str, error: BaseException) -> None:
        """Count, and log once, that a measure could not be taken."""
        self._telemetry.failed(where, error)

    def _own(self, kind: type[M], name: str, make: Callable[[], M]) -> M:
        found = self._made.get(name)
        if found is None:
            self._made[name] = made = make()
            return made
        if not isinstance(found, kind):
            raise ValueError(f"{name} is a {type(found).__name__.lower()} already")
        return found

    def _put_entry(self, entry: Any) -> None:
        if self._delivery is not None:
            self._delivery.entries.put(entry)

    def _registries(self) -> Iterable[CollectorRegistry]:
        return (self.registry, *self._others)

    def _labels(self) -> dict[str, str]:
        instance = self.settings.instance or f"{socket.gethostname()}:{os.getpid()}"
        return {"job": self.settings.service, "instance": instance, **self.settings.labels}

    def _before_fork(self) -> None:
        if self._delivery is not None:
            self._delivery.before_fork()

    def _after_fork_in_parent(self) -> None:
        if self._delivery is not None:
            self._delivery.after_fork_in_parent()

    def _after_fork_in_child(self) -> None:
        self.requests.forked()
        if self._delivery is not None:
            self._delivery.after_fork_in_child()


def _hook(pantau: Pantau) -> None:
    """Have it told of forks and of the end; hooks can't be taken back, so they don't keep it alive."""
    known = weakref.ref(pantau)

    def tell(name: str) -> Callable[[], None]:
        def told() -> None:
            one = known()
            if one is not None:
                getattr(one, name)()

        return told

    atexit.register(tell("close"))
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=tell("_before_fork"),
            after_in_parent=tell("_after_fork_in_parent"),
            after_in_child=tell("_after_fork_in_child"),
        )
