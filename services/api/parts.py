"""What the routes work with, put together once."""

from dataclasses import dataclass, field

from fastapi import Request

from services.api.backtests import Backtests
from services.api.check_runs import CheckRuns
from services.api.core.access import Tokens
from services.api.core.mutes import Firing, Mutes
from services.api.explain import Explainer
from services.api.heartbeats import Heartbeats
from services.api.intake import Intake
from services.api.links import Links
from services.api.live import Live
from services.api.logins import Logins
from services.api.outbox import Outbox
from services.api.own_samples import OwnSamples
from services.api.queries import Queries
from services.api.request_intake import RequestIntake
from services.api.request_log import RequestLogs
from services.api.routing import RoutingInForce, routing_in_force
from services.api.rulebook import Rulebook
from services.api.settings import Settings
from services.api.silences import SilenceDesk
from services.api.told_mutes import ToldMutes
from services.api.trial_sends import TrialSends
from services.api.views import Views
from services.api.whatsapp import Webhooks
from shared import clock
from shared.bus import Producer
from shared.database import Database
from shared.messages.topics import DAY_MS
from shared.routing.configuration import Routing
from shared.routing.dependencies import Dependencies
from shared.routing.parents import Parents
from shared.service import Readiness


@dataclass
class Parts:
    """One api, before it listens."""

    settings: Settings
    producer: Producer
    readiness: Readiness
    instance: str
    """Label `instance` of its own metrics."""
    database: Database = field(init=False)
    live: Live = field(init=False)
    check_runs: CheckRuns = field(init=False)
    views: Views = field(init=False)
    intake: Intake = field(init=False)
    outbox: Outbox = field(init=False)
    logins: Logins = field(init=False)
    rulebook: Rulebook = field(init=False)
    request_intake: RequestIntake = field(init=False)
    request_logs: RequestLogs = field(init=False)
    own_samples: OwnSamples = field(init=False)
    backtests: Backtests = field(init=False)
    queries: Queries = field(init=False)
    explainer: Explainer = field(init=False)
    webhooks: Webhooks = field(init=False)
    heartbeats: Heartbeats = field(init=False)
    silences: SilenceDesk = field(init=False)
    links: Links = field(init=False)
    notifications: RoutingInForce = field(init=False)
    trial_sends: TrialSends = field(init=False)
    dependencies: Dependencies = field(init=False)
    told_mutes: ToldMutes = field(init=False)
    started_ms: int = field(default_factory=clock.now_ms)

    def __post_init__(self) -> None:
        api, producer = self.settings.api, self.producer
        self.dependencies = self.settings.notifications.dependencies.dependencies()
        self.database = Database(self.settings.database, "api")
        self.live = Live(api.most_stream_clients)
        self.check_runs = CheckRuns(producer, api.check_run_seconds, api.most_check_runs)
        told_by = producer, self.instance, api.bus_deadline_seconds
        self.webhooks = Webhooks(self.settings.whatsapp, *told_by)
        self.heartbeats = Heartbeats(self.settings.heartbeats, *told_by)
        self.trial_sends = TrialSends(producer, api.trial_send_seconds, api.most_trial_sends)
        self.told_mutes = ToldMutes(self.live, self.mutes, lambda: self.views.alerts.told())
        self.views = Views(
            self.settings.kafka.bootstrap,
            producer,
            self.live,
            self.check_runs,
            self.trial_sends,
            api.recent_minutes,
            self.heartbeats.board,
            self.dependencies,
            self.told_mutes,
        )
        self.silences = SilenceDesk(producer, self.views.silences, api.silences, api.bus_deadline_seconds)
        wording = self.settings.notifications.wording
        self.notifications = routing_in_force(self.settings.notifications, self.settings.whatsapp)
        self.links = Links(
            self.settings.notifications.links,
            wording.language,
            self.notifications.zone,
            self.settings.external.url,
            self.views.alerts,
            self.silences,
            api.link_uses_per_minute_and_address,
        )
        self.intake = Intake(producer, api.most_waiting_samples, api.bus_deadline_seconds)
        self.outbox = Outbox(self.database, producer, api.bus_deadline_seconds)
        self.logins = Logins(self.database, producer, self.views.tokens, api)
        self.rulebook = Rulebook(self.database, self.views.rules, self.settings.history.retention.samples * DAY_MS)
        self.request_intake = RequestIntake(producer, api.most_waiting_requests, api.bus_deadline_seconds)
        self.request_logs = RequestLogs(producer, f"api/{self.instance}")
        self.own_samples = OwnSamples(producer, self.instance)
        self.backtests = Backtests(api.backtest.at_once)
        self.queries = Queries(self.database, api.query)
        self.explainer = Explainer(self.database, self.settings)

    @property
    def routing(self) -> Routing:
        """Who is told of which alerts."""
        return self.notifications.routing

    def mutes(self, at_ms: int) -> Mutes:
        """What mutes whom at an instant, by what is known now."""
        alerts = self.views.alerts.told()
        parents = Parents(self.dependencies, self.views.health.parents)
        for one in alerts:
            parents.alerts.put(one.alert_id, one.labels, one.state, at_ms)
        return Mutes(
            self.routing,
            self.views.silences.all(),
            [Firing(one.alert_id, one.rule, one.labels) for one in alerts if one.state == "firing"],
            parents,
            at_ms,
        )

    @property
    def tokens(self) -> Tokens:
        """The tokens that are known."""
        return self.views.tokens

    @property
    def degraded(self) -> dict[str, str]:
        """What some answers need and is away, and why."""
        found = {
            "database": self.outbox.database_away,
            "rule files": self.rulebook.files_problem,
            "bus": self.own_samples.bus_away,
        }
        return {what: why for what, why in found.items() if why is not None}


def parts_of(request: Request) -> Parts:
    """The parts of the api that serves `request`."""
    parts: Parts = request.app.state.parts
    return parts
