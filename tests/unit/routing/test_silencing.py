"""Silences and acknowledgements."""

from typing import Any

import pytest

from shared.messages.message import instant_from_text
from shared.messages.silences import Silence
from shared.routing.errors import BadInterval
from shared.routing.silencing import applies, is_muting, next_status_change_ms, silenced_by, status

NIGHTLY = {
    "times": [{"start_time": "00:30", "end_time": "02:00"}],
    "weekdays": ["tuesday:saturday"],
    "location": "Asia/Jakarta",
}
LABELS = {"alertname": "Backup", "host": "billing-1"}


def at(text: str) -> int:
    return instant_from_text(text)


def silence(**fields: Any) -> Silence:
    return Silence.model_validate(
        {
            "id": "s",
            "kind": "silence",
            "matchers": [{"name": "host", "operator": "=~", "value": "billing-.*"}],
            "starts_at": "2026-11-23T00:00Z",
            "ends_at": "2026-12-01T00:00Z",
            "created_by": "ani",
            "created_at": "2026-11-22T00:00Z",
            "comment": "",
        }
        | fields
    )


ACKNOWLEDGED = silence(id="k", kind="acknowledgement", alert_id="a", episode="2026-11-23T05:00Z")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-22T23:59:59.999Z", "pending"),
        ("2026-11-23T00:00Z", "active"),
        ("2026-11-30T23:59Z", "active"),
        ("2026-12-01T00:00Z", "expired"),
    ],
)
def test_the_status_follows_from_its_times(now: str, expected: str) -> None:
    assert status(silence(), at(now)) == expected
    assert is_muting(silence(), at(now)) == (expected == "active")


def test_what_recurs_mutes_in_its_windows() -> None:
    nightly = silence(windows=[NIGHTLY])
    inside, outside = at("2026-11-23T18:00Z"), at("2026-11-23T19:00Z")  # 01:00 and 02:00 in Jakarta, on Tuesday
    assert (status(nightly, inside), is_muting(nightly, inside)) == ("active", True)
    assert (status(nightly, outside), is_muting(nightly, outside)) == ("active", False)
    assert not is_muting(nightly, at("2026-12-01T18:00Z"))
    with pytest.raises(BadInterval):
        is_muting(silence(windows=[{"location": "Mars"}]), inside)


@pytest.mark.parametrize(
    ("now", "windows", "expected"),
    [
        ("2026-11-22T00:00Z", [], "2026-11-23T00:00Z"),
        ("2026-11-23T00:00Z", [], "2026-12-01T00:00Z"),
        ("2026-12-01T00:00Z", [], None),
        ("2026-11-23T00:00Z", [NIGHTLY], "2026-11-23T17:30Z"),
        ("2026-11-23T17:30Z", [NIGHTLY], "2026-11-23T19:00Z"),
        ("2026-11-30T23:00Z", [NIGHTLY], "2026-12-01T00:00Z"),
        ("2026-11-23T00:00Z", [{"years": ["2040"]}], "2026-12-01T00:00Z"),
    ],
)
def test_when_it_may_change(now: str, windows: list[Any], expected: str | None) -> None:
    assert next_status_change_ms(silence(windows=windows), at(now)) == (None if expected is None else at(expected))


def test_a_silence_is_about_what_its_matchers_match() -> None:
    assert applies(silence(), LABELS, "a", 1)
    assert not applies(silence(), {"host": "core-1"}, "a", 1)
    both = silence(matchers=[{"name": "host", "value": "billing-1"}, {"name": "site", "value": ""}])
    assert applies(both, LABELS, "a", 1)
    assert not applies(both, {**LABELS, "site": "jkt"}, "a", 1)


def test_an_acknowledgement_is_about_an_episode_of_an_alert() -> None:
    episode = ACKNOWLEDGED.episode
    assert applies(ACKNOWLEDGED, {}, "a", episode)
    assert not applies(ACKNOWLEDGED, LABELS, "b", episode)
    assert not applies(ACKNOWLEDGED, LABELS, "a", (episode or 0) + 1)
    assert applies(silence(kind="acknowledgement", alert_id="a"), {}, "a", 5)


def test_what_mutes_is_named_as_the_ledger_does() -> None:
    silences = [silence(), silence(id="later", starts_at="2026-11-24T00:00Z"), ACKNOWLEDGED, silence(id="too")]
    now = at("2026-11-23T06:00Z")
    assert silenced_by(silences, LABELS, "a", ACKNOWLEDGED.episode, now) == [
        "silence:s",
        "acknowledgement:k",
        "silence:too",
    ]
    assert silenced_by(silences, {}, "b", 0, now) == []
