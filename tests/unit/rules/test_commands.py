"""`./pantau rules`, the manual's examples, and promtool's files where they are there."""

import re
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from infra.commands.rules import rules_app
from shared.messages.series import NAME
from shared.promql.series_sets import labels_from
from shared.promql.source import FixedSource

PROJECT = Path(__file__).parents[3]
PROMTOOL = PROJECT.parent / "shared" / "promtool"
MANUAL = (PROJECT / "docs" / "rules.md").read_text(encoding="utf-8")


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(rules_app, [str(one) for one in arguments])
    return result.exit_code, result.output


def example(kind: str) -> str:
    found = re.search(rf"^```{kind}\n(.*?)^```", MANUAL, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def test_the_manuals_examples_run(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(example("yaml rules"))
    (tmp_path / "tests.yaml").write_text(example("yaml tests"))
    assert run("check", tmp_path / "rules.yaml")[0] == 0
    code, output = run("test", tmp_path / "tests.yaml")
    assert code == 0, output


def test_the_manuals_backtest_runs(tmp_path: Path) -> None:
    times = 1_700_000_100_000 + np.arange(80) * 15_000
    samples = np.concatenate([np.arange(40) * 15.0, np.full(40, 585.0)])
    source = FixedSource({labels_from({NAME: "http_requests_total", "job": "billing"}): (times, samples)})
    names: dict[str, Any] = {
        "text": example("yaml rules"), "source": source, "print": lambda *_: None,
        "start_ms": 1_700_000_400_000, "end_ms": 1_700_001_300_000,
    }  # fmt: skip
    (tmp_path / "example.py").write_text(example("python"))
    told = runpy.run_path(str(tmp_path / "example.py"), init_globals=names)["told"]
    assert [one[1:] for one in told] == [("firing", "NoTraffic")]


def test_check_names_file_and_line(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("groups: [{name: g, rules: [{alert: A, expr: 'rate(m[5m]) > 1'}]}]")
    bad.write_text("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: m >\n")
    code, output = run("check", good, bad)
    assert code == 1
    assert f"{bad}:4: rule 'A': expr:" in output
    assert "1 groups, 1 alerting rules, 0 recording rules" in output
    assert run("check", good)[0] == 0


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    code, output = run("test", tmp_path / "none.yaml")
    assert code == 1
    assert "can't be read" in output


TESTS = """
rule_files: ["*.rules"]
tests:
- name: one
  input_series: [{series: 'm{a="b"}', values: '1 2 _ stale NaN'}]
  promql_expr_test:
  - {expr: m, eval_time: 1m, exp_samples: [{labels: 'm{a="b"}', value: %s}]}
"""


def test_differences_are_shown_and_files_go_on(tmp_path: Path) -> None:
    (tmp_path / "x.rules").write_text("groups: []")
    (tmp_path / "right.yaml").write_text(TESTS % 2)
    (tmp_path / "wrong.yaml").write_text(TESTS % 3)
    code, output = run("test", tmp_path / "wrong.yaml", tmp_path / "right.yaml")
    assert code == 1
    assert '- m{a="b"} 3' in output
    assert '+ m{a="b"} 2' in output
    assert output.count("SUCCESS") == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("tests: [{inputs: []}]", ":1: unknown field 'inputs'"),
        ("tests:\n- alert_rule_test:\n  - eval_time: 1m", ":3: an item under alert_rule_test misses"),
        ("tests:\n- input_series:\n  - {series: 'm', values: '1 x'}", ":3: 'x' is not a value"),
        ("tests:\n- input_series:\n  - {series: 'm', values: '{{schema:1}}'}", "native histograms"),
        ("tests:\n- input_series:\n  - {series: 'm + 1', values: '1'}", "is not a series"),
        ("evaluation_interval: 1", "is not a duration"),
        ("group_eval_order: [a, a]", "repeated"),
        ("tests: [", "not YAML"),
    ],
)
def test_a_test_file_is_read_strictly(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "tests.yaml"
    path.write_text(text)
    code, output = run("test", path)
    assert code == 1
    assert reason in output


def test_a_rule_that_fails_ends_its_test(tmp_path: Path) -> None:
    (tmp_path / "x.rules").write_text("groups: [{name: g, rules: [{record: r, expr: m * on () m}]}]")
    path = tmp_path / "t.yaml"
    path.write_text(
        "rule_files: [x.rules]\ntests:\n"
        "- input_series: [{series: 'm{a=\"1\"}', values: 1}, {series: 'm{a=\"2\"}', values: 1}]\n"
        "  promql_expr_test: [{expr: '1', eval_time: 0, exp_samples: [{value: 1}]}]"
    )
    code, output = run("test", path)
    assert code == 1
    assert "rule: r, time: 0s, err:" in output


@pytest.mark.skipif(not PROMTOOL.is_dir(), reason="promtool's files are not beside this project")
@pytest.mark.parametrize(("name", "code", "failures"), [("rules_run", 1, 1), ("failing", 1, 4), ("long-period", 0, 0)])
def test_promtools_files_give_promtools_outcomes(name: str, code: int, failures: int) -> None:
    got, output = run("test", PROMTOOL / f"{name}.yml")
    assert (got, output.count("        exp:")) == (code, failures)
