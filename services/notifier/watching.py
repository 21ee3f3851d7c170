"""The notifier's part of watching the watcher, put together."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from services.notifier.direct import Target
from services.notifier.ping import Ping
from services.notifier.watchdog import Watchdog
from shared.routing.settings import NotificationsSettings
from shared.service import Runtime


def watching(
    settings: NotificationsSettings,
    runtime: Runtime,
    targets: Callable[[], Sequence[Target]],
    active: Callable[[], bool],
) -> list[Coroutine[Any, Any, None]]:
    """What runs beside the deliveries, also while the bus is away. `targets`: whom `watchdog_receivers` reach now;
    `active`: whether this notifier has the events, and reads them."""
    common = runtime.settings
    watchdog = Watchdog(
        settings.watchdog,
        common.instance,
        common.kafka.bootstrap,
        runtime.producer,
        targets,
        active,
        settings.wording.language,
    )
    work = [watchdog.run()]
    if settings.watchdog.ping is not None:
        work.append(Ping(settings.watchdog.ping, lambda: watchdog.is_well and active()).run())
    return work
