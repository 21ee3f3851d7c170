"""What all JSON messages promise: strict in what they know, deaf to what they don't, ids that never change."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.messages.access import Access, Recipient, Token
from shared.messages.alerts import alert_id, episode_id, event_id, fingerprint
from shared.messages.health import HealthResult, worst_of
from shared.messages.message import BadMessage, content_id
from shared.messages.rules import AlertingRule, RecordingRule, RuleGroup

LABELS = {"alertname": "HighCpu", "host": "billing-1", "severity": "warning"}


def test_ids_are_what_they_were_yesterday() -> None:
    """Readers everywhere drop what they have seen by these ids: a changed one is sent to people again."""
    alert = alert_id("billing", "HighCpu", LABELS)
    assert alert == "364574dea68f903590b9eeb53e8039d6"
    assert event_id(alert, 1_795_428_900_000, 2) == "eddbb62f34a5cab41e2b8898163a40d9"
    assert episode_id(alert, 1_795_428_900_000) == "364574dea68f903590b9eeb53e8039d6-1795428900000"
    assert content_id("a", b"b") == "4fc56058b4df0ca122be9a2e429541d6"
    assert AlertingRule(name="HighCpu", expr="cpu_usage > 80").version == "b74f2fe59e1de8f64d03d8cde7bccc3f"


def test_the_fingerprint_is_alertmanagers() -> None:
    """FNV-1a of nothing is its offset basis; the other is prometheus/common's for {foo="bar"}, worked out by hand."""
    assert fingerprint({}) == "cbf29ce484222325"
    value = 0xCBF29CE484222325
    for byte in b"foo\xffbar\xff":
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    assert fingerprint({"foo": "bar"}) == f"{value:016x}"


TEXTS = st.lists(st.text(max_size=4), max_size=4)


@given(TEXTS, TEXTS)
def test_ids_of_different_parts_differ(one: list[str], other: list[str]) -> None:
    assert (content_id(*one) == content_id(*other)) == (one == other)


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=5), st.randoms())
def test_the_order_of_labels_does_not_count(labels: dict[str, str], random: object) -> None:
    backwards = dict(reversed(labels.items()))
    assert alert_id("g", "r", labels) == alert_id("g", "r", backwards)
    assert fingerprint(labels) == fingerprint(backwards)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"\x00garbage", "message: Invalid JSON"),
        (b"[]", "message: Input should be an object"),
        (b"{}", "check: Field required; kind: Field required"),
        (
            b'{"check":"a","kind":"b","status":"great","response_time_ms":"NaN?","checked_at":0,"valid_until":0}',
            "status: Input should be 'healthy', 'degraded' or 'unhealthy'; response_time_ms: ",
        ),
        (b'{"check":' * 10_000, "message: Invalid JSON"),
    ],
)
def test_a_bad_message_says_where_and_why(payload: bytes, reason: str) -> None:
    with pytest.raises(BadMessage) as caught:
        HealthResult.decode(payload)
    assert str(caught.value).startswith(reason)


def test_the_reason_does_not_repeat_the_input() -> None:
    with pytest.raises(BadMessage) as caught:
        Access.decode(b'{"kind":"token","id":"1","use":"bearer","hash":"s3cret","role":"s3cret","created_at":"s3cret"}')
    assert "s3cret" not in str(caught.value)
    assert "token.role" in str(caught.value)


def test_the_kind_says_which_of_two_it_is() -> None:
    token = Token(id="t", use="bearer", hash="0", name="ci", role="ingest", created_at=0)
    recipient = Recipient(id="r", name="Help desk")
    assert Access.decode(token.encode()) == token
    assert Access.decode(recipient.encode()) == recipient
    with pytest.raises(BadMessage, match="kind"):
        Access.decode(b'{"kind":"robot","id":"1"}')


def test_a_rules_version_is_its_content() -> None:
    rule = AlertingRule(name="a", expr="up == 0")
    assert rule.version == AlertingRule(name="a", expr="up == 0").version
    changed = [
        rule.model_copy(update=update)
        for update in ({"expr": "up == 1"}, {"for_ms": 1}, {"labels": {"a": "b"}}, {"shadow": True}, {"message": "x"})
    ]
    assert len({one.version for one in [rule, *changed]}) == len(changed) + 1
    labels = rule.model_copy(update={"labels": {"a": "1", "b": "2"}})
    assert rule.model_copy(update={"labels": {"b": "2", "a": "1"}}).version == labels.version, "a database reorders"


def test_rules_of_both_kinds_come_back_as_they_were() -> None:
    group = RuleGroup(
        name="g",
        rules=[RecordingRule(name="r", expr="up"), AlertingRule(name="a", expr="up == 0")],
        version=1,
        origin="file",
        updated_by="x",
        updated_at=0,
    )
    assert RuleGroup.decode(group.encode()) == group


@given(st.floats())
def test_values_that_json_has_no_number_for_travel(value: float) -> None:
    from shared.messages.alerts import EvidenceSample

    sample = EvidenceSample(time=0, value=value)
    json.loads(sample.encode(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    again = EvidenceSample.decode(sample.encode()).value
    assert again == value or (again != again and value != value)


@pytest.mark.parametrize(
    ("statuses", "overall"),
    [
        ([], "unknown"),
        (["healthy"], "healthy"),
        (["healthy", "degraded"], "degraded"),
        (["degraded", "unknown"], "unknown"),
        (["unknown", "unhealthy", "healthy"], "unhealthy"),
    ],
)
def test_the_worst_status_counts(statuses: list[str], overall: str) -> None:
    assert worst_of(statuses) == overall
