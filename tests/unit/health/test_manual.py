"""What docs/checks.md shows: its settings are good, and its rules do what it says."""

import re
from pathlib import Path

from typer.testing import CliRunner

from infra.commands.rules import rules_app
from services.health.checks import all_checks
from services.health.plan import terms_of
from services.health.settings import Settings
from shared.settings import load

MANUAL = (Path(__file__).parents[3] / "docs" / "checks.md").read_text(encoding="utf-8")

TESTS = """
rule_files: [rules.yaml]
evaluation_interval: 15s
tests:
  - name: what is behind something that is down is not told
    interval: 15s
    input_series:
      - {series: 'health_check_status{service="mikrotik:core-1",status="unhealthy"}', values: 1x10}
      - {series: 'health_check_status{service="http:portal",status="unhealthy"}', values: 1x10}
      - {series: 'health_check_status{service="http:billing",status="unhealthy"}', values: 1x10}
      - {series: 'health_check_status{service="tcp:smtp",status="unhealthy"}', values: 1x10}
      - {series: 'health_check_parent_unhealthy{service="http:portal"}', values: 1x10}
      - {series: 'health_check_parent_unhealthy{service="http:billing"}', values: 0x10}
      - {series: 'health_check_depends_on{service="http:portal",parent="mikrotik:core-1"}', values: 1x10}
      - {series: 'health_check_depends_on{service="dns:own",parent="mikrotik:core-1"}', values: 1x10}
      - {series: 'health_check_depends_on{service="http:billing",parent="icmp:uplink"}', values: 1x10}
      - {series: 'health_check_certificate_expiry_timestamp_seconds{service="http:portal"}', values: 2000000x10}
      - {series: 'health_check_certificate_expiry_timestamp_seconds{service="tcp:ldaps"}', values: 9000000x10}
    alert_rule_test:
      - eval_time: 1m
        alertname: site_down
        exp_alerts:
          - {exp_labels: {service: 'http:billing', status: unhealthy, severity: critical}}
          - {exp_labels: {service: 'tcp:smtp', status: unhealthy, severity: critical}}
      - eval_time: 1m
        alertname: certificate_runs_out
        exp_alerts: [{exp_labels: {service: 'http:portal', severity: info}}]
    promql_expr_test:
      - expr: sites_behind
        eval_time: 1m
        exp_samples: [{labels: 'sites_behind{parent="mikrotik:core-1"}', value: 2}]
"""


def example(kind: str) -> str:
    found = re.search(rf"^```{kind}\n(.*?)^```", MANUAL, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def test_the_settings_are_good(tmp_path: Path) -> None:
    (tmp_path / "pantau.yaml").write_text(example("yaml settings"))
    settings = load(Settings, {}, tmp_path / "pantau.yaml")
    terms = terms_of(settings, all_checks(settings))
    assert terms["http:portal"].ancestors == ("icmp:uplink", "dns:resolver-1")
    assert terms["database"].damping == (2, 1)


def test_the_rules_leave_out_what_is_behind_something_that_is_down(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(example("yaml rules"))
    (tmp_path / "tests.yaml").write_text(TESTS)
    for command, file in (("check", "rules.yaml"), ("test", "tests.yaml")):
        result = CliRunner().invoke(rules_app, [command, str(tmp_path / file)])
        assert result.exit_code == 0, result.output
