"""Whether an HTTP answer is the one that was expected."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from services.health.core.complaints import Complaint
from services.health.core.patterns import pattern_of

PORTS = {"http": 80, "https": 443}


def of_status(status: int, expected: Sequence[str]) -> list[Complaint]:
    """`expected` holds statuses and ranges, e.g. `204` and `200-299`."""
    for one in expected:
        first, _, last = one.partition("-")
        if int(first) <= status <= int(last or first):
            return []
    return [Complaint("unhealthy", "status", f"the status is {status}, not {' or '.join(expected)}")]


def of_headers(headers: Mapping[str, str], expected: Mapping[str, str]) -> list[Complaint]:
    """`expected` holds a pattern for each header that must be there; names are compared without case."""
    values = {name.lower(): value for name, value in headers.items()}
    complaints = []
    for name, pattern in expected.items():
        value = values.get(name.lower())
        if value is None:
            complaints.append(Complaint("unhealthy", "header", f"there is no header {name}"))
        elif pattern_of(pattern).search(value) is None:
            complaints.append(Complaint("unhealthy", "header", f"the header {name} does not match {pattern!r}"))
    return complaints


def of_body(text: str, contains: str | None, matches: str | None, *, cut: bool) -> list[Complaint]:
    """`text` is the body, or where it is `cut` its beginning."""
    where = "the beginning of the body" if cut else "the body"
    complaints = []
    if contains is not None and contains not in text:
        complaints.append(Complaint("unhealthy", "body", f"{where} does not contain {contains!r}"))
    if matches is not None and pattern_of(matches).search(text) is None:
        complaints.append(Complaint("unhealthy", "body", f"{where} does not match {matches!r}"))
    return complaints


def shown(url: str) -> str:
    """A URL as it may be told: what follows its path may be secret, and is long."""
    return urlsplit(url)._replace(query="", fragment="").geturl()[:200]


def same_origin(one: str, other: str) -> bool:
    """Whether two URLs lead to the same server: what is secret may be sent to the second, too. The way from port 80 to
    TLS on 443 stays on it."""
    places = [
        (parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme)) for parts in map(urlsplit, (one, other))
    ]
    first, second = places
    return first == second or (first, second) == (("http", first[1], 80), ("https", first[1], 443))


def same_site(one: str, other: str) -> bool:
    """Whether two URLs have the same host, and the second does not leave TLS."""
    first, second = urlsplit(one), urlsplit(other)
    return first.hostname == second.hostname and not (first.scheme == "https" and second.scheme != "https")
