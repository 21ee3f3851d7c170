"""The functions that Prometheus adds to Go's templates."""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus, urlsplit

import re2  # type: ignore[import-untyped]

from shared.rules.templates import humanize as human
from shared.rules.templates.values import Duration, Sample, kind_of

QueryFunction = Callable[[str], Sequence[Sample]]
_HOST_PORT = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*)):([^:\[\]]*)")
_REFERENCE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})", re.ASCII)


@dataclass(frozen=True)
class Surroundings:
    """What functions need beside their arguments."""

    query: QueryFunction
    """Answers a query at the instant of the evaluation; QueryFailed and its kin if it can't."""
    now_ms: int
    external_url: str = ""


def functions_of(around: Surroundings) -> dict[str, Callable[..., object]]:
    """Prometheus' functions by name. They raise ValueError for arguments that they can't take."""
    return _FIXED | {
        "query": lambda text: list(around.query(_text(text))),
        "now": lambda: around.now_ms / 1000,
        "externalURL": lambda: around.external_url,
        "pathPrefix": lambda: urlsplit(around.external_url).path,
    }


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"wrong type for value; expected string; got {kind_of(value)}")
    return value


def _sample(value: object) -> Sample:
    if not isinstance(value, Sample):
        raise ValueError(f"wrong type for value; expected *template.sample; got {kind_of(value)}")
    return value


def _samples(value: object) -> Sequence[Sample]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ValueError(f"wrong type for value; expected template.queryResult; got {kind_of(value)}")
    return value


def _first(value: object) -> Sample:
    samples = _samples(value)
    if not samples:
        raise ValueError("first() called on vector with no elements")
    return samples[0]


def _sorted_by_label(label: object, value: object) -> list[Sample]:
    name = _text(label)
    return sorted(_samples(value), key=lambda one: one.Labels.get(name, ""))


@lru_cache(maxsize=1_024)
def _pattern(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"regular expression {pattern[:120]!r}: {reason}") from error


def _replaced(pattern: object, replacement: object, text: object) -> str:
    form = _text(replacement)

    def filled(found: Any) -> str:
        def referred(reference: re.Match[str]) -> str:
            if reference[1]:
                return "$"
            name = reference[2] or reference[3]
            try:
                return found.group(int(name) if name.isdecimal() else name) or ""
            except (IndexError, KeyError):
                return ""

        return _REFERENCE.sub(referred, form)

    return str(_pattern(_text(pattern)).sub(filled, _text(text)))


def _title(text: object) -> str:
    """Each letter that follows a space or a mark in upper case, as Go's strings.Title."""
    return re.sub(r"(?<![\w'])\w", lambda match: match[0].upper(), _text(text))


def _host_and_port(text: str) -> tuple[str, str] | None:
    found = _HOST_PORT.fullmatch(text)
    return None if found is None else (found[1] if found[1] is not None else found[2], found[3])


def _without_port(text: object) -> str:
    parts = _host_and_port(_text(text))
    return _text(text) if parts is None else parts[0]


def _without_domain(text: object) -> str:
    whole = _text(text)
    host, port = _host_and_port(whole) or (whole, "")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        short = host.split(".", 1)[0]
        return f"{short}:{port}" if port else short
    return whole


def _link(tab: int) -> Callable[[object], str]:
    return lambda expr: f"/graph?g0.expr={quote_plus(_text(expr))}&g0.tab={tab}"


def _named(*values: object) -> Mapping[str, object]:
    return {f"arg{number}": value for number, value in enumerate(values)}


_FIXED: dict[str, Callable[..., object]] = {
    "first": _first,
    "label": lambda name, sample: _sample(sample).Labels.get(_text(name), ""),
    "value": lambda sample: _sample(sample).Value,
    "strvalue": lambda sample: _sample(sample).Labels.get("__value__", ""),
    "args": _named,
    "reReplaceAll": _replaced,
    "safeHtml": _text,
    "match": lambda pattern, text: _pattern(_text(pattern)).search(_text(text)) is not None,
    "title": _title,
    "toUpper": lambda text: _text(text).upper(),
    "toLower": lambda text: _text(text).lower(),
    "graphLink": _link(0),
    "tableLink": _link(1),
    "sortByLabel": _sorted_by_label,
    "stripPort": _without_port,
    "stripDomain": _without_domain,
    "humanize": human.humanize,
    "humanize1024": human.humanize1024,
    "humanizeDuration": human.humanize_duration,
    "humanizePercentage": human.humanize_percentage,
    "humanizeTimestamp": human.humanize_timestamp,
    "toTime": human.to_time,
    "toDuration": human.to_duration,
    "parseDuration": lambda text: human.duration_seconds(_text(text)),
    "parseDurationTime": lambda text: Duration(round(human.duration_seconds(_text(text)) * 1e9)),
    "urlQueryEscape": lambda text: quote_plus(_text(text)),
}

FUNCTION_NAMES = frozenset({*_FIXED, "query", "now", "externalURL", "pathPrefix", "tmpl"})
"""`tmpl` is the evaluator's: it carries out another template."""
