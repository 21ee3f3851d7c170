"""The notifier's parts, put together."""

import asyncio

from services.notifier.alertmanagers import Alertmanagers
from services.notifier.channels import Channel
from services.notifier.channels.log import LogChannel
from services.notifier.channels.webhook import Webhook
from services.notifier.core.ledger import Ledger
from services.notifier.core.owing import Owing
from services.notifier.core.postable import Outside
from services.notifier.core.resending import ResendRules
from services.notifier.core.retrying import RetryPolicy
from services.notifier.dispatcher import Dispatcher
from services.notifier.intake import Intake
from services.notifier.ledger_log import LedgerLog
from services.notifier.settings import ReceiverSettings, RetrySettings, Settings
from shared.service import Program, Runtime


def program(settings: Settings) -> Program:
    """Tells the receivers and Alertmanagers in `settings` of what is on `pantau.alerts.events`."""

    async def run(runtime: Runtime) -> None:
        chosen = settings.notifier
        outside = Outside(settings.external.url, settings.external.labels)
        channels = {one.name: channel(one, outside) for one in chosen.receivers}
        owing, ledger = Owing(list(channels)), Ledger(chosen.remembered_deliveries)
        ledger_log = LedgerLog(settings.kafka.bootstrap, runtime.producer, ledger)
        dispatcher = Dispatcher(
            owing, ledger, ledger_log, channels, retry_policy(chosen.retry), chosen.receiver_concurrency
        )
        intake = Intake(
            settings.kafka.bootstrap,
            runtime.producer,
            list(channels),
            owing,
            ledger,
            ledger_log,
            dispatcher,
            runtime.readiness,
            chosen.most_events_in_flight,
        )
        runtime.lag = lambda: intake.lag
        work = [intake.run(chosen.drain_seconds)]
        if chosen.alertmanagers:
            work.append(alertmanagers(settings, runtime).run(chosen.drain_seconds))
        try:
            async with asyncio.TaskGroup() as tasks:
                for running in work:
                    tasks.create_task(running)
        finally:
            for one in channels.values():
                await one.close()

    return run


def alertmanagers(settings: Settings, runtime: Runtime) -> Alertmanagers:
    """What pushes to the Alertmanagers in `settings`."""
    chosen = settings.notifier
    return Alertmanagers(
        settings.kafka.bootstrap,
        runtime.producer,
        runtime.readiness,
        chosen.alertmanagers,
        Outside(settings.external.url, settings.external.labels),
        ResendRules(
            delay_ms=round(chosen.resend.delay_seconds * 1000),
            resolved_retention_ms=round(chosen.resend.resolved_retention_seconds * 1000),
        ),
        chosen.resend.queue_capacity,
        chosen.resend.batch_size,
    )


def channel(receiver: ReceiverSettings, outside: Outside) -> Channel:
    """The channel that `receiver` names."""
    if receiver.webhook is not None:
        return Webhook(receiver.webhook, outside)
    return LogChannel(receiver.name)


def retry_policy(retry: RetrySettings) -> RetryPolicy:
    """The settings as the core wants them."""
    return RetryPolicy(
        first_seconds=retry.first_seconds,
        longest_seconds=retry.longest_seconds,
        give_up_seconds=retry.give_up_seconds,
        longest_asked_seconds=retry.longest_asked_seconds,
    )
