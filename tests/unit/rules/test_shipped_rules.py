"""The rules that come with Pantau: each passes its tests, is fired by one, and says why it is as it is."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.commands.rules import rules_app
from services.api.settings import ApiSettings
from shared.messages.rules import AlertingRule
from shared.messages.samples import Sample
from shared.promql.source import FixedSource
from shared.rules.dependencies import wire
from shared.rules.expansion import Expansion, Outside
from shared.rules.files import GroupDraft, parse_rule_file
from shared.rules.testing.files import ExpectedAlert, parse_test_file
from tests.cases.simulation import Simulation
from tests.cases.timeline import START_MS

PROJECT = Path(__file__).parents[3]
FILES = [path for path in sorted((PROJECT / "infra" / "rules").glob("*.yaml")) if ".test." not in path.name]
FILE = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
NAMED = re.compile(r"\$labels\.(\w+)")


def groups(path: Path) -> list[GroupDraft]:
    return parse_rule_file(path.read_text(encoding="utf-8"), path.name)


def alerts(path: Path) -> dict[str, AlertingRule]:
    return {rule.name: rule for group in groups(path) for rule in group.rules if isinstance(rule, AlertingRule)}


def fired(path: Path) -> dict[str, list[ExpectedAlert]]:
    """What the file's unit tests expect to fire, by the alert's name."""
    tests = path.with_suffix(".test.yaml")
    found: dict[str, list[ExpectedAlert]] = {}
    for test in parse_test_file(tests.read_text(encoding="utf-8"), tests.name).tests:
        for case in test.alerts:
            found.setdefault(case.alertname, []).extend(case.expected)
    return found


def test_they_are_in_force_unless_others_are_named() -> None:
    assert ApiSettings().rule_files == FILES
    assert {path.stem for path in FILES} >= {"default", "isp", "whatsapp", "postgres", "system"}


@FILE
def test_each_passes_its_tests(path: Path) -> None:
    result = CliRunner().invoke(rules_app, ["test", str(path.with_suffix(".test.yaml"))])
    assert (result.exit_code, "SUCCESS" in result.output) == (0, True), result.output


@FILE
def test_each_alert_is_fired_by_a_test_and_its_message_is_whole(path: Path) -> None:
    found = fired(path)
    assert {name for name, expected in found.items() if expected} == set(alerts(path))
    for name, rule in alerts(path).items():
        for one in found[name]:
            labels = dict(one.labels)
            text = Expansion(labels, 1234.5, FixedSource({}), START_MS, Outside()).expand(rule.message)
            assert "<error" not in text
            # What is asked for by `if` or `with` may be missing.
            asked = set(NAMED.findall(rule.message)) - set(
                re.findall(r"\{\{ (?:if|with) \$labels\.(\w+)", rule.message)
            )
            assert asked <= labels.keys(), name
            assert len(text) < 200


@FILE
def test_each_alert_has_a_line_of_reasoning_and_is_in_the_manual(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    manual = (PROJECT / "docs" / "rules-default.md").read_text(encoding="utf-8")
    for number, line in enumerate(lines):
        if line.strip().startswith("- alert: "):
            assert lines[number - 1].strip().startswith("# "), line
            assert f"`{line.split()[-1]}`" in manual, line


def test_together_they_have_names_of_their_own_and_make_no_circle() -> None:
    drafts = [draft for path in FILES for draft in groups(path)]
    assert len({draft.name for draft in drafts}) == len(drafts)
    names = [name for path in FILES for name in alerts(path)]
    assert len(set(names)) == len(names)
    wired = wire({draft.name: draft.group(1, "files", START_MS, "file") for draft in drafts}, {})
    assert {name for name, one in wired.items() if one.cycle} == set()


def test_on_a_machine_where_nothing_is_configured_none_fires() -> None:
    simulation = Simulation(now_ms=START_MS)
    simulation.define(draft for path in FILES for draft in groups(path))
    for second in range(0, 3_600, 30):
        simulation.now_ms = START_MS + second * 1_000
        machine = {
            'system_cpu_usage_percent{host="a"}': 20.0,
            'system_cpu_core_usage_percent{core="0",host="a"}': 20.0,
            'system_load5{host="a"}': 0.4,
            'system_memory_usage_percent{host="a"}': 60.0,
            'system_disk_usage_percent{host="a",mountpoint="/"}': 70 + second / 3_600,
            'system_uptime_seconds{host="a"}': 1_000.0 + second,
            'pantau_source_up{host="a",source="system"}': 1.0,
            'pantau_source_errors_total{host="a",reason="missed",source="system"}': 0.0,
            'health_check_status{service="kafka",status="unhealthy"}': 0.0,
        }
        simulation.send("collector/a", [Sample(key, simulation.now_ms, value) for key, value in machine.items()])
        simulation.mark()
    assert [event.rule for event in simulation.events] == []
