"""Keys `dependencies` and `suppressed_digest`, and the moments of digests."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from infra.local.places import PROJECT
from shared.routing.digests import SuppressedDigest
from shared.routing.matchers import Matcher
from tests.unit.routing.instants import at_ms
from tests.unit.routing.test_settings import file, read, refusal

__all__ = ["file"]  # a fixture
S, M = 1_000, 60_000


def test_without_configuration_what_has_the_same_router_lies_behind_a_router_that_is_down(file: Path) -> None:
    chosen = read(file)
    made = chosen.dependencies.dependencies()
    (rule,) = made.rules
    assert (rule.parent, rule.child) == ((Matcher("alertname", "=", "router_down"),), (Matcher("router", "!=", ""),))
    assert (rule.values({"router": "a"}), made.wait_ms, made.grace_ms) == (("a",), 150 * S, 60 * S)
    assert chosen.suppressed_digest.digest("UTC") == SuppressedDigest(zone=ZoneInfo("UTC"))


def test_the_rule_that_the_defaults_name_is_one_of_ours() -> None:
    rules = yaml.safe_load((PROJECT / "infra" / "rules" / "isp.yaml").read_text())
    assert "router_down" in [rule.get("alert") for group in rules["groups"] for rule in group["rules"]]


def test_what_is_configured_holds(file: Path) -> None:
    chosen = read(
        file,
        """
notifications:
  dependencies:
    wait: 30s
    grace: 0s
    check_labels: {instance: "http:"}
    rules: [{parent_matchers: ['alertname=~"Link.*", site="jkt"'], child_matchers: [site!=""], equal: [site]}]
  suppressed_digest: {when: daily, at: 07:30}
""",
    )
    made = chosen.dependencies.dependencies()
    assert (made.wait_ms, made.grace_ms, made.check_labels) == (30 * S, 0, {"instance": "http:"})
    assert [len(one.parent) for one in made.rules] == [2]
    digest = chosen.suppressed_digest.digest("Asia/Jakarta")
    assert (digest.when, digest.minute, digest.zone) == ("daily", 450, ZoneInfo("Asia/Jakarta"))


def test_off_needs_no_quotes(file: Path) -> None:
    assert read(file, "notifications: {suppressed_digest: {when: off}}").suppressed_digest.when == "off"


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ("dependencies: {wait: 2h}", "notifications.dependencies.wait"),
        ("dependencies: {wait: soon}", "notifications.dependencies.wait"),
        ("dependencies: {behind: []}", "notifications.dependencies.behind"),
        ("dependencies: {rules: [{parent_matchers: [], child_matchers: [a=b]}]}", "rules.0.parent_matchers"),
        ("dependencies: {rules: [{parent_matchers: ['a=~\"(\"'], child_matchers: [b=c]}]}", "rules.0.parent_matchers"),
        ("suppressed_digest: {when: hourly}", "notifications.suppressed_digest.when"),
        ("suppressed_digest: {every: 0s}", "notifications.suppressed_digest.every"),
        ("suppressed_digest: {at: noon}", "notifications.suppressed_digest.at"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(file: Path, keys: str, place: str) -> None:
    assert any(place in line for line in refusal(file, f"notifications: {{{keys}}}"))


@pytest.mark.parametrize(
    ("digest", "now", "expected"),
    [
        (SuppressedDigest(), "2026-11-24T10:00:00", "2026-11-24T10:15:00"),
        (SuppressedDigest(), "2026-11-24T10:14:59", "2026-11-24T10:15:00"),
        (SuppressedDigest(every_ms=M), "2026-11-24T10:14:59", "2026-11-24T10:15:00"),
        (SuppressedDigest("daily"), "2026-11-24T07:59:59", "2026-11-24T08:00:00"),
        (SuppressedDigest("daily"), "2026-11-24T08:00:00", "2026-11-25T08:00:00"),
        # In Berlin the clocks skip 02:30 on that day: by the offset before that is 03:30 there.
        (
            SuppressedDigest("daily", minute=150, zone=ZoneInfo("Europe/Berlin")),
            "2026-03-28T12:00:00",
            "2026-03-29T01:30:00",
        ),
    ],
)
def test_the_next_moment(digest: SuppressedDigest, now: str, expected: str) -> None:
    assert digest.next_ms(at_ms(f"{now}Z")) == at_ms(f"{expected}Z")
