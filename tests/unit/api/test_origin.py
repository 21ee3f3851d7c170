"""Requests that another site makes a browser send."""

import pytest

from services.api.core.origin import foreign_reason

HOST = {"host": "pantau.example:8080"}


@pytest.mark.parametrize(
    ("method", "headers", "passes"),
    [
        ("POST", {}, True),  # no browser
        ("POST", {"sec-fetch-site": "same-origin"}, True),
        ("POST", {"sec-fetch-site": "none"}, True),  # typed in by the user
        ("POST", {"sec-fetch-site": "same-site"}, False),
        ("DELETE", {"sec-fetch-site": "cross-site"}, False),
        ("POST", {"sec-fetch-site": "cross-site", "origin": "http://pantau.example:8080"}, False),
        ("POST", {"origin": "http://pantau.example:8080"}, True),
        ("POST", {"origin": "http://pantau.example"}, False),
        ("POST", {"origin": "http://evil.example"}, False),
        ("POST", {"origin": "null"}, False),
        ("POST", {"origin": "https://public.example", "sec-fetch-site": "same-site"}, True),
        ("GET", {"sec-fetch-site": "cross-site"}, True),  # changes nothing
    ],
)
def test_foreign_requests(method: str, headers: dict[str, str], passes: bool) -> None:
    reason = foreign_reason(method, HOST | headers, ["https://public.example"])
    assert (reason is None) == passes, reason
