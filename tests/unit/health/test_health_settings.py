from pathlib import Path

import pytest

from services.health.checks import all_checks
from services.health.settings import Settings
from shared.settings import BadSettings, load


def read(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "pantau.yaml"
    path.write_text(text)
    return load(Settings, {}, path)


def test_four_checks_every_15_seconds(tmp_path: Path) -> None:
    checks = all_checks(read(tmp_path, ""))
    assert [check.name for check in checks] == ["database", "disk_space", "kafka", "memory"]
    assert {(check.interval_seconds, check.deadline_seconds) for check in checks} == {(15.0, 5.0)}


def test_each_check_can_be_told_apart_or_left_out(tmp_path: Path) -> None:
    text = "health: {interval_seconds: 2, memory: {interval_seconds: 60, deadline_seconds: 9}, kafka: {enabled: false}}"
    checks = {check.name: check for check in all_checks(read(tmp_path, text))}
    assert set(checks) == {"database", "disk_space", "memory"}
    assert (checks["database"].interval_seconds, checks["database"].deadline_seconds) == (2.0, 2.0)
    assert (checks["memory"].interval_seconds, checks["memory"].deadline_seconds) == (60.0, 9.0)


def test_other_machines_have_checks_beside_ours_and_each_kind_a_sum(tmp_path: Path) -> None:
    text = "health: {host: web-1, hosts: [db-1], memory: {enabled: false}}"
    checks = {check.name: check.kind for check in all_checks(read(tmp_path, text))}
    assert [name for name, kind in checks.items() if kind == "disk_space"] == [
        *("disk_space:web-1", "disk_space:db-1", "disk_space")
    ]
    assert "memory" not in checks.values()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("health: {memory: {degraded_percent: 95}}", "degraded_percent must not be above unhealthy_percent"),
        ("health: {disk_space: {unhealthy_percent: 101}}", "health.disk_space.unhealthy_percent"),
        ("health: {interval_seconds: 0}", "health.interval_seconds"),
        ("health: {redis: {}}", "health.redis"),
        ("health: {host: web-1, hosts: [db-1, web-1]}", "two hosts are called web-1"),
    ],
)
def test_a_bad_setting_is_refused_with_its_reason(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(BadSettings, match=reason):
        read(tmp_path, text)
