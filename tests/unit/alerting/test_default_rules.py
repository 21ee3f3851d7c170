"""The rules that Pantau starts with, live: recorded short names feed the alerts."""

from pathlib import Path

from shared.messages.samples import Sample
from shared.rules.files import parse_rule_file
from tests.cases.simulation import Simulation
from tests.cases.timeline import START_MS

DEFAULT = Path(__file__).parents[3] / "infra" / "rules" / "default.yaml"


def test_the_default_rules_fire_and_record() -> None:
    simulation = Simulation(now_ms=START_MS)
    simulation.define(parse_rule_file(DEFAULT.read_text(encoding="utf-8"), str(DEFAULT)))
    for second in range(120):
        simulation.now_ms = START_MS + second * 1_000
        if second % 10 == 0:
            slow = [
                Sample("http_request_duration_seconds_sum", simulation.now_ms, second * 3.0),
                Sample("http_request_duration_seconds_count", simulation.now_ms, float(second)),
            ]
            simulation.send("collector/a", [Sample('system_cpu_usage_percent{host="a"}', simulation.now_ms, 95), *slow])
        simulation.mark()
    fired = {event.rule for event in simulation.events if event.state == "firing"}
    assert fired == {"high_cpu_usage", "slow_api_response"}
    recorded = {sample.series for batch in simulation.made for sample in batch.samples()}
    assert {'cpu_usage{host="a"}', "avg_response_time"} <= recorded
