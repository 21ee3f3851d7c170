"""Which formats are asked for, and which one came, as Prometheus 3 has it for names of the classic alphabet."""

from collections.abc import Sequence
from typing import Literal

from services.collector.core.scrape.errors import BadScrape

Protocol = Literal["OpenMetricsText1.0.0", "OpenMetricsText0.0.1", "PrometheusText1.0.0", "PrometheusText0.0.4"]

PROTOCOLS: dict[Protocol, str] = {
    "OpenMetricsText1.0.0": "application/openmetrics-text;version=1.0.0;escaping=underscores",
    "OpenMetricsText0.0.1": "application/openmetrics-text;version=0.0.1",
    "PrometheusText1.0.0": "text/plain;version=1.0.0;escaping=underscores",
    "PrometheusText0.0.4": "text/plain;version=0.0.4",
}


def accept(protocols: Sequence[Protocol]) -> str:
    """The header `Accept` that prefers `protocols` in their order."""
    weights = range(len(protocols) + 1, 0, -1)
    asked = [f"{PROTOCOLS[one]};q=0.{weight}" for one, weight in zip(protocols, weights, strict=False)]
    return ",".join([*asked, "*/*;q=0.1"])


def is_openmetrics(content_type: str, fallback: Protocol | None) -> bool:
    """Whether the body is OpenMetrics (else the classic text format). BadScrape if it is neither, or if it doesn't say
    and there is no `fallback`."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/openmetrics-text":
        return True
    if media_type == "text/plain":
        return False
    if fallback is not None:
        return fallback.startswith("OpenMetrics")
    raise BadScrape(
        "content_type",
        f"Content-Type is {content_type[:80]!r}, not text/plain or application/openmetrics-text; if it is one of "
        "these all the same, say which in fallback_scrape_protocol",
    )
