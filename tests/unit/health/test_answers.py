"""Whether answers are those that were expected: HTTP, DNS, certificates, thresholds."""

import pytest

from services.health.core.certificates import DAY_MS, days_left, of_expiry
from services.health.core.complaints import Complaint, summed_up
from services.health.core.dns_answers import of_answers
from services.health.core.http_answers import of_body, of_headers, of_status, same_origin, same_site, shown
from services.health.core.judgments import of_loss, of_time
from services.health.core.patterns import pattern_of
from services.health.core.spreading import TOGETHER, first_waits

NOW = 1_790_000_000_000


def reasons(complaints: list[Complaint]) -> list[tuple[str, str]]:
    return [(one.status, one.reason) for one in complaints]


@pytest.mark.parametrize(
    ("status", "expected", "fine"),
    [
        (200, ["200-299"], True),
        (299, ["200-299"], True),
        (300, ["200-299"], False),
        (401, ["200", "401"], True),
        (404, ["200", "401"], False),
        (302, ["301-302", "307"], True),
    ],
)
def test_statuses(status: int, expected: list[str], fine: bool) -> None:
    assert (of_status(status, expected) == []) == fine


def test_headers_are_found_whatever_their_case() -> None:
    headers = {"Content-Type": "text/html; charset=utf-8", "Server": "nginx"}
    assert of_headers(headers, {"content-type": "^text/html", "SERVER": "nginx"}) == []
    assert reasons(of_headers(headers, {"content-type": "json$"})) == [("unhealthy", "header")]
    assert reasons(of_headers(headers, {"X-Frame-Options": "."})) == [("unhealthy", "header")]


def test_bodies() -> None:
    text = "<title>Portal</title>\n<p>Selamat datang</p>"
    assert of_body(text, "Selamat", "(?i)portal.*DATANG", cut=False) == []
    (missing,) = of_body(text, "Sampai jumpa", None, cut=True)
    assert missing.text == "the beginning of the body does not contain 'Sampai jumpa'"
    assert reasons(of_body(text, None, "^Portal", cut=False)) == [("unhealthy", "body")]


@pytest.mark.parametrize(
    ("one", "other", "site", "origin"),
    [
        ("http://a/", "http://a/login", True, True),
        ("http://a/", "https://a/", True, True),
        ("https://a/", "http://a/", False, False),
        ("http://a/", "http://b/", False, False),
        ("http://a:8080/", "http://a:8081/", True, False),
        ("http://a/", "https://a:8443/", True, False),
        ("https://a/", "https://a.b/", False, False),
        ("https://A/", "https://a:443/", True, True),
    ],
)
def test_where_redirects_lead(one: str, other: str, site: bool, origin: bool) -> None:
    assert (same_site(one, other), same_origin(one, other)) == (site, origin)


def test_what_follows_a_path_is_not_told() -> None:
    assert shown("https://a:8443/login?token=s3cr3t#x") == "https://a:8443/login"


@pytest.mark.parametrize(
    ("answers", "expected", "only", "reason"),
    [
        (["203.0.113.7"], [], False, None),
        ([], [], False, "no_answer"),
        (["203.0.113.7", "203.0.113.8"], ["203.0.113.8"], False, None),
        (["203.0.113.7", "203.0.113.8"], ["203.0.113.8"], True, "answer"),
        (["203.0.113.7"], ["203.0.113.8"], False, "answer"),
        (["10 Mail.Example.Net."], ["10 mail.example.net"], True, None),
        (['"v=spf1 " "-all"'], ["v=spf1 -all"], True, None),
        (["2001:DB8::1"], ["2001:db8::1"], True, None),
    ],
)
def test_answers_of_name_servers(answers: list[str], expected: list[str], only: bool, reason: str | None) -> None:
    assert [one.reason for one in of_answers(answers, expected, only=only)] == ([reason] if reason else [])


@pytest.mark.parametrize(
    ("days", "expected"),
    [(30, []), (14, []), (13.8, ["degraded"]), (3, ["degraded"]), (2.8, ["unhealthy"]), (-1, ["unhealthy"])],
)
def test_certificates_run_out(days: float, expected: list[str]) -> None:
    until = NOW + round(days * DAY_MS)
    assert [one.status for one in of_expiry(until, NOW, degraded_days=14, unhealthy_days=3)] == expected
    assert days_left(until, NOW) == days


def test_one_that_has_run_out_is_unhealthy_also_without_a_threshold() -> None:
    (complaint,) = of_expiry(NOW - 60 * DAY_MS, NOW, degraded_days=0, unhealthy_days=0)
    assert complaint.status == "unhealthy"
    assert "ran out" in complaint.text


def test_time_and_loss() -> None:
    assert of_time(9.0, None) == of_time(1.0, 1.0) == []
    assert reasons(of_time(1.1, 1.0)) == [("degraded", "slow")]
    assert of_loss(0.0, 0.0, 50.0) == []
    assert reasons(of_loss(33.3, 0.0, 50.0)) == [("degraded", "loss")]
    assert reasons(of_loss(100.0, 0.0, 50.0)) == [("unhealthy", "loss")]


def test_the_worst_complaint_is_told() -> None:
    slow, wrong = Complaint("degraded", "slow", "too slow"), Complaint("unhealthy", "status", "502")
    assert summed_up([]) == ("healthy", {})
    assert summed_up([slow, wrong]) == ("unhealthy", {"reason": "status", "error": "502"})
    assert summed_up([slow])[0] == "degraded"


def test_a_pattern_that_is_none_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="missing"):
        pattern_of("(unclosed")


def test_few_begin_together_and_many_share_their_interval() -> None:
    few = [("http", 15.0)] * TOGETHER
    assert first_waits([("database", 15.0), *few]) == [0.0] * (TOGETHER + 1)
    many = first_waits([("icmp", 60.0)] * 120 + [("http", 15.0)])
    assert many[:3] == [0.0, 0.5, 1.0]
    assert max(many) < 60
    assert many[-1] == 0.0
