"""Telling people without the bus: no ledger, no queue; tried until they have it, or until there is something newer."""

import asyncio
import random
from dataclasses import dataclass

import structlog
from prometheus_client import Counter

from services.notifier.channels import Channel
from services.notifier.core.notice import Notice
from services.notifier.core.outcomes import Delivered, Outcome, Permanent, Retry
from services.notifier.core.retrying import RetryPolicy, wait_seconds
from shared.messages.access import Recipient

log = structlog.get_logger()

ATTEMPTS = Counter(
    "pantau_watchdog_notifications_total",
    "Attempts to tell people past the bus, by outcome: delivered, retry or failed",
    ["destination", "outcome", "reason"],
)
POLICY = RetryPolicy(first_seconds=1.0, longest_seconds=60.0, give_up_seconds=86_400.0, longest_asked_seconds=300.0)


@dataclass(frozen=True)
class Target:
    """One way to tell one person, or a place where many read it."""

    receiver: str
    destination: str
    """`receiver/kind/index[/person]`"""
    channel: Channel
    recipient: Recipient | None = None


async def attempt(target: Target, notice: Notice) -> Outcome:
    """One attempt; what goes wrong in the channel itself is an outcome, too."""
    try:
        payload = target.channel.render(notice)
        return await target.channel.send(payload, notice.id)
    except Exception as error:
        log.exception("channel failed", destination=target.destination, notification=notice.id)
        return Permanent("internal", type(error).__name__)


class Direct:
    """Deliveries under way, one for each target and subject: a newer one takes the place of the older."""

    def __init__(self) -> None:
        self._under_way: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._told: dict[str, dict[str, Target]] = {}

    def tell(self, subject: str, target: Target, notice: Notice) -> None:
        """Tell `target`, in the place of what it has not yet been told of `subject`."""
        self._replace(subject, target, notice)

    def told(self, subject: str) -> list[Target]:
        """Those who have been told of `subject` since it was last forgotten."""
        return list(self._told.get(subject, {}).values())

    def forget(self, subject: str) -> None:
        """Stop telling of it: nobody is told any more who has not been."""
        self._told.pop(subject, None)
        for key, task in self._under_way.items():
            if key[0] == subject:
                task.cancel()

    async def stop(self) -> None:
        """Stop telling."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _replace(self, subject: str, target: Target, notice: Notice) -> None:
        key = (subject, target.destination)
        if (earlier := self._under_way.get(key)) is not None:
            earlier.cancel()
        task = asyncio.create_task(self._until_told(subject, target, notice))
        self._under_way[key] = task
        task.add_done_callback(lambda done: self._ended(key, done))

    def _ended(self, key: tuple[str, str], task: "asyncio.Task[None]") -> None:
        if self._under_way.get(key) is task:
            del self._under_way[key]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("telling ended with an error", destination=key[1], error=repr(error))

    async def _until_told(self, subject: str, target: Target, notice: Notice) -> None:
        tries = 0
        while True:
            tries += 1
            outcome = await attempt(target, notice)
            if isinstance(outcome, Delivered):
                ATTEMPTS.labels(target.destination, "delivered", "").inc()
                self._told.setdefault(subject, {})[target.destination] = target
                log.info("told past the bus", destination=target.destination, subject=subject, attempts=tries)
                return
            reason = outcome.detail or outcome.reason
            if isinstance(outcome, Permanent):
                ATTEMPTS.labels(target.destination, "failed", outcome.reason).inc()
                log.error("not told, for good", destination=target.destination, subject=subject, reason=reason)
                return
            ATTEMPTS.labels(target.destination, "retry", outcome.reason).inc()
            wait = _wait(tries, outcome)
            log.warning("not told yet", destination=target.destination, subject=subject, reason=reason, again_in=wait)
            await asyncio.sleep(wait)


def _wait(tries: int, outcome: Retry) -> float:
    return wait_seconds(POLICY, tries, random.random(), outcome.after_seconds)  # noqa: S311  # spreads, guards nothing
