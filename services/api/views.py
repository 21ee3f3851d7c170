"""What api knows from the bus alone, and so also while the database is down."""

import asyncio
import socket

from prometheus_client import Gauge

from services.api.check_runs import CheckRuns
from services.api.core.access import Tokens
from services.api.core.alerts import ActiveAlerts
from services.api.core.bodies import SystemEvent
from services.api.core.business import BusinessView
from services.api.core.health import FORGOTTEN_AFTER_MS, HealthView
from services.api.core.heartbeats import Board
from services.api.core.receivers import DAY_MS, Deliveries
from services.api.core.services import ServicesView
from services.api.core.silences import Silences
from services.api.core.system import SystemView
from services.api.core.told_events import ToldEvents
from services.api.core.traffic import MINUTE_MS, TrafficView
from services.api.live import Live
from services.api.told_mutes import ToldMutes
from services.api.trial_sends import TrialSends
from shared import clock
from shared.bus import Follower, Producer, Received
from shared.messages.access import Recipient, Token
from shared.messages.rules import GroupStatus, RuleGroup
from shared.messages.topics import (
    ACCESS,
    ALERT_EVENTS,
    ALERT_STATE,
    HEALTH,
    HEARTBEATS,
    NOTIFICATIONS,
    RULES,
    RULES_STATUS,
    SAMPLES,
    SILENCES,
)
from shared.routing.dependencies import Dependencies
from shared.service import Readiness

TOKENS = Gauge("pantau_api_known_tokens", "Tokens and sessions that this api knows")
CONSUMER = "api"
HEARTBEATS_SINCE_MS = 60_000
# For each check that there is, results are gathered for so long before they are told: 20 ms of ten, 4 s of 2,000.
GATHERING_SECONDS = 0.002
MOST_GATHERING_SECONDS = 5.0


class Views:
    """Follows the bus. Access, rules, silences, active alerts and health must be complete before api is ready."""

    def __init__(
        self,
        bootstrap: str,
        producer: Producer,
        live: Live,
        check_runs: CheckRuns,
        trial_sends: TrialSends,
        recent_minutes: int,
        heartbeats: Board,
        dependencies: Dependencies,
        told_mutes: ToldMutes,
    ) -> None:
        self.tokens = Tokens()
        self.rules: dict[str, RuleGroup] = {}
        self.statuses: dict[str, GroupStatus] = {}
        """How the evaluation of each group goes, as alerting says; a group that it has not met yet is not there."""
        self.alerts = ActiveAlerts()
        self.shadow_alerts = ActiveAlerts(shadow=True)
        """Those of rules that are tried out."""
        self.silences = Silences()
        self.recipients: dict[str, Recipient] = {}
        """The application's administrators."""
        self.deliveries = Deliveries()
        self.events = ToldEvents()
        """The latest, also of shadow rules."""
        self.health = HealthView(dependencies)
        self.services = ServicesView()
        self.system = SystemView()
        self.traffic = TrafficView(recent_minutes)
        self.business = BusinessView()
        self.own_host = socket.gethostname()
        self._live, self._check_runs, self._trial_sends = live, check_runs, trial_sends
        self._told_mutes = told_mutes
        self._health_changed = asyncio.Event()
        self._heartbeats_board = heartbeats
        now_ms = clock.now_ms()
        compacted = [ACCESS, ALERT_STATE, RULES, RULES_STATUS, SILENCES]
        self._compacted = Follower(bootstrap, CONSUMER, compacted, producer, self._apply_compacted, "beginning")
        self._health = Follower(
            bootstrap, CONSUMER, [HEALTH], producer, self._apply_health, now_ms - FORGOTTEN_AFTER_MS
        )
        self._events = Follower(bootstrap, CONSUMER, [ALERT_EVENTS], producer, self._apply_event, "end")
        self._notifications = Follower(
            bootstrap, CONSUMER, [NOTIFICATIONS], producer, self._apply_notification, now_ms - DAY_MS
        )
        self._samples = Follower(
            bootstrap, CONSUMER, [SAMPLES], producer, self._apply_samples, now_ms - recent_minutes * MINUTE_MS
        )
        self._heartbeats = Follower(
            bootstrap, CONSUMER, [HEARTBEATS], producer, self._apply_heartbeat, now_ms - HEARTBEATS_SINCE_MS
        )
        TOKENS.set_function(lambda: len(self.tokens))

    @property
    def complete(self) -> bool:
        """Whether all tokens, rules, silences and active alerts are known that were on the bus at the start."""
        return self._compacted.caught_up.is_set()

    @property
    def recent_samples_known(self) -> asyncio.Event:
        """Set once the samples have been read that were on the bus at the start."""
        return self._samples.caught_up

    @property
    def deliveries_known(self) -> bool:
        """Whether all deliveries of the last day are known that were on the bus at the start."""
        return self._notifications.caught_up.is_set()

    async def follow(self, readiness: Readiness) -> None:
        """Follow until cancelled; `readiness` says when the views are complete."""
        needed = {
            "access, rules, silences and alerts": self._compacted,
            "health": self._health,
            "alert events": self._events,
        }
        for name in needed:
            readiness.missing(name, "still being read from the bus")
        async with asyncio.TaskGroup() as tasks:
            for follower in (*needed.values(), self._samples, self._heartbeats, self._notifications):
                tasks.create_task(follower.run())
            tasks.create_task(self._tell_health())
            for name, follower in needed.items():
                await follower.caught_up.wait()
                readiness.there(name)

    def _apply_compacted(self, received: Received) -> None:
        message = received.message
        if received.topic is ACCESS:
            self._apply_access(received.key, message)
        elif received.topic is RULES:
            if message is None:
                self.rules.pop(received.key, None)
            else:
                self.rules[received.key] = message
        elif received.topic is RULES_STATUS:
            if message is None:
                self.statuses.pop(received.key, None)
            else:
                self.statuses[received.key] = message
        elif received.topic is SILENCES:
            self.silences.put(received.key, message, received.offset)
            self._told_mutes.look()
        else:
            for alerts in (self.alerts, self.shadow_alerts):
                alerts.put_state(received.key, message)
            self._told_mutes.look()

    def _apply_access(self, key: str, message: Token | Recipient | None) -> None:
        if message is None:
            self.tokens.remove(key)
            self.recipients.pop(key, None)
        elif isinstance(message, Token):
            self.tokens.put(message)
        else:
            self.recipients[key] = message

    def _apply_event(self, received: Received) -> None:
        self.events.put(received.message, received.accepted_ms)
        self.shadow_alerts.put_event(received.message)
        alert = self.alerts.put_event(received.message)
        if alert is not None:
            self._live.publish("alert", alert)
            self._told_mutes.look()

    def _apply_notification(self, received: Received) -> None:
        self.deliveries.put(received.message)
        self._trial_sends.settle(received.message)

    def _apply_health(self, received: Received) -> None:
        if self.health.put(received.message) and self._health.caught_up.is_set():
            self._health_changed.set()
            self._told_mutes.look()
        self._check_runs.settle(received.message)

    async def _tell_health(self) -> None:
        """Tell the live streams of all checks together, the more of them the more rarely: each event holds them all."""
        while True:
            await self._health_changed.wait()
            self._health_changed.clear()
            self._live.publish("health", self.health.body(clock.now_ms()))
            await asyncio.sleep(min(MOST_GATHERING_SECONDS, GATHERING_SECONDS * len(self.health)))

    def _apply_heartbeat(self, received: Received) -> None:
        self.services.put(received.message)

    def _apply_samples(self, received: Received) -> None:
        self.traffic.put(received.message)
        self._heartbeats_board.learn(received.message)
        self.business.put(received.message)
        snapshot = self.system.put(received.message)
        if snapshot is not None and self._samples.caught_up.is_set():
            self._live.publish("metrics", SystemEvent(system=snapshot))
