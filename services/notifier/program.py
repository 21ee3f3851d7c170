"""The notifier's parts, put together."""

import asyncio
import sys

from services.notifier.active import Active
from services.notifier.alertmanagers import Alertmanagers
from services.notifier.channels.registry import BadChannel
from services.notifier.configured import Configured, routing_of, ways_of
from services.notifier.confirming import Confirming
from services.notifier.core.checkpoint import Checkpoint
from services.notifier.core.flapping import Damping
from services.notifier.core.merging import Limits
from services.notifier.core.muting import Muting
from services.notifier.core.postable import Outside
from services.notifier.core.resending import ResendRules
from services.notifier.core.retrying import RetryPolicy
from services.notifier.followed import Followed
from services.notifier.forwarding import Forwarder
from services.notifier.intake import Intake
from services.notifier.ledger_log import LedgerLog
from services.notifier.recipients import Recipients
from services.notifier.settings import RetrySettings, Settings
from services.notifier.trials import Trials
from services.notifier.watching import watching
from shared import clock
from shared.promql.durations import parse_duration
from shared.routing.in_effect import watchdog_receivers
from shared.routing.settings import FlappingSettings
from shared.service import Program, Runtime


def program(settings: Settings) -> Program:
    """Tells the receivers and Alertmanagers in `settings` of what is on `pantau.alerts.events`. Exits with 2 if a
    channel can't be used as it is configured."""

    try:
        routing = routing_of(settings)
        ways = ways_of(settings, routing)
    except BadChannel as error:
        sys.stderr.write(f"notifier: {error}\n")
        raise SystemExit(2) from None

    async def run(runtime: Runtime) -> None:
        chosen, bootstrap = settings.notifier, settings.kafka.bootstrap
        notifications = settings.notifications
        dependencies = notifications.dependencies.dependencies()
        muting = Muting(routing.inhibit_rules, damping(notifications.flapping), dependencies)
        recipients = Recipients(settings.notifications.everybody(), bootstrap, runtime.producer)
        digest = notifications.suppressed_digest.digest(notifications.wording.zone)
        configured = Configured(routing, ways, recipients, muting, chosen.unknown_outcomes == "repeat", digest)
        ledger_log = LedgerLog(bootstrap, runtime.producer)

        def begin(checkpoint: Checkpoint | None) -> Active:
            policy = retry_policy(chosen.retry)
            concurrency, most = chosen.receiver_concurrency, chosen.remembered_deliveries
            limits = Limits(waiting=chosen.most_waiting)
            return Active(configured, ledger_log, policy, concurrency, most, limits, checkpoint)

        def wake() -> None:
            if intake.active is not None:
                intake.active.wake()

        followed = Followed(bootstrap, runtime.producer, muting, wake)
        intake = Intake(
            bootstrap,
            runtime.producer,
            ledger_log,
            settings.instance,
            runtime.readiness,
            chosen.most_waiting_in_all,
            begin,
            [recipients.caught_up, *followed.caught_up],
        )
        runtime.lag = lambda: intake.lag
        confirming = Confirming(runtime.producer, muting.checks, lambda: intake.active)
        trials = Trials(bootstrap, runtime.producer, configured, lambda: intake.active)
        work = [intake.run(chosen.drain_seconds), recipients.run(), followed.run(), trials.run(), confirming.run()]
        watched_by = watchdog_receivers(settings.notifications, routing)
        work += watching(
            settings.notifications,
            runtime,
            lambda: configured.targets(watched_by, clock.now_ms()),
            lambda: intake.active is not None,
            lambda: intake.active is not None and intake.active.is_live,
        )
        if settings.notifications.alertmanagers:
            work.append(alertmanagers(settings, runtime).run(chosen.drain_seconds))
        if settings.notifications.forward:
            forwarder = Forwarder(bootstrap, runtime.producer, settings.notifications.forward)
            work.append(forwarder.run(chosen.drain_seconds))
        try:
            async with asyncio.TaskGroup() as tasks:
                for running in work:
                    tasks.create_task(running)
        finally:
            for channel in configured.channels.values():
                await channel.close()

    return run


def damping(flapping: FlappingSettings | None) -> Damping | None:
    """The settings as the core wants them."""
    return None if flapping is None else Damping(flapping.begins, parse_duration(flapping.within))


def alertmanagers(settings: Settings, runtime: Runtime) -> Alertmanagers:
    """What pushes to the Alertmanagers in `settings`."""
    chosen = settings.notifier
    return Alertmanagers(
        settings.kafka.bootstrap,
        runtime.producer,
        runtime.readiness,
        settings.notifications.alertmanagers,
        Outside(settings.external.url, settings.external.labels),
        ResendRules(
            delay_ms=round(chosen.resend.delay_seconds * 1000),
            resolved_retention_ms=round(chosen.resend.resolved_retention_seconds * 1000),
        ),
        chosen.resend.queue_capacity,
        chosen.resend.batch_size,
    )


def retry_policy(retry: RetrySettings) -> RetryPolicy:
    """The settings as the core wants them."""
    return RetryPolicy(
        first_seconds=retry.first_seconds,
        longest_seconds=retry.longest_seconds,
        give_up_seconds=retry.give_up_seconds,
        longest_asked_seconds=retry.longest_asked_seconds,
    )
