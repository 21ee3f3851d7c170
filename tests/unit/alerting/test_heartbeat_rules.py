"""A job that no longer reports, from what api tells to the alert: names, labels and units fit together."""

from pathlib import Path

from services.api.core.heartbeats import Board, Job, Kind
from shared.messages.samples import Sample
from shared.rules.files import parse_rule_file
from tests.cases.simulation import Simulation
from tests.cases.timeline import START_MS

RULES = Path(__file__).parents[3] / "infra" / "rules" / "heartbeats.yaml"
MINUTE = 60_000


def test_a_job_that_is_late_fails_and_hangs() -> None:
    simulation = Simulation(now_ms=START_MS)
    simulation.define(parse_rule_file(RULES.read_text(encoding="utf-8"), str(RULES)))
    board = Board([Job("invoices", 600, 120, longest_run=300), Job("well", 600, 120)], "api-1")
    board.watch(START_MS)
    reports: dict[int, tuple[str, Kind]] = {
        5: ("invoices", "success"),
        9: ("well", "success"),
        18: ("well", "success"),
        20: ("invoices", "fail"),
        22: ("invoices", "start"),
        29: ("invoices", "success"),
        27: ("well", "success"),
    }
    for quarter in range(4 * 35):
        simulation.now_ms = START_MS + quarter * 15_000
        minute, rest = divmod(quarter, 4)
        if not rest and minute in reports:
            name, kind = reports[minute]
            board.report(name, kind, simulation.now_ms)
        simulation.send("collector/a", [Sample("up", simulation.now_ms, 1)])
        simulation.send("api/api-1", board.samples(simulation.now_ms))
        simulation.mark()
    told = [
        (event.rule, event.labels["heartbeat"], event.state, (event.instant - START_MS) / MINUTE)
        for event in simulation.events
        if event.state in ("firing", "resolved")
    ]
    assert sorted(told, key=lambda one: one[3]) == [
        ("heartbeat_late", "invoices", "firing", 17.25),
        ("heartbeat_failed", "invoices", "firing", 20),
        ("heartbeat_runs_too_long", "invoices", "firing", 27.25),
        ("heartbeat_late", "invoices", "resolved", 29),
        ("heartbeat_failed", "invoices", "resolved", 29),
        ("heartbeat_runs_too_long", "invoices", "resolved", 29),
    ]
    assert simulation.events[0].message.startswith("invoices has not succeeded for 12m")
