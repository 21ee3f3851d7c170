"""Rules that alerting does not evaluate yet are held; what stands beside them is decided as ever."""

from pathlib import Path

import pytest

from services.alerting.core.routing import selectors_of
from services.alerting.core.rules import RuleAtWork
from shared.rules.files import parse_rule_file
from tests.cases.timeline import fold_all, load, told

DEFAULT = Path(__file__).parents[3] / "infra" / "rules" / "default.yaml"


def test_the_default_rules_fire_beside_their_recording_rules(tmp_path: Path) -> None:
    rules = "\n".join(f"  {line}" for line in DEFAULT.read_text(encoding="utf-8").splitlines())
    case = tmp_path / "case.yaml"
    case.write_text(
        f"rules: |\n{rules}\nuntil: 1m\nexpected: []\nsamples:\n"
        "  - {at: 10s, set: {'system_cpu_usage_percent{host=\"a\"}': 95}}\n"
    )
    assert [told(event) for event in fold_all(load(case).log)] == ['15s firing high_cpu_usage{host="a"}']


@pytest.mark.parametrize("rule", ["{record: r, expr: m > 1}", "{alert: A, expr: 'rate(m[5m]) > 1'}"])
def test_a_rule_that_alerting_lacks_is_held_with_its_reason(rule: str) -> None:
    (draft,) = parse_rule_file(f"groups: [{{name: g, rules: [{rule}]}}]", "f")
    held = RuleAtWork("g", draft.rules[0])
    assert held.error is not None
    assert "not supported by this version" in held.error
    assert held.query is None or "record" in rule
    selectors_of(draft.group(1, "someone", 1))
