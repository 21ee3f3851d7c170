"""One job, as it is configured. The names are those of Prometheus' `scrape_configs`."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from services.collector.core.scrape.negotiation import Protocol
from services.collector.scraping.discovery_settings import (
    DnsDiscoverySettings,
    FileDiscoverySettings,
    StaticSettings,
)
from services.collector.scraping.relabel_settings import RelabelSettings
from services.collector.scraping.units import Count, Duration, Size
from shared.http_settings import HttpClientSettings

# What Prometheus knows and Pantau doesn't: told by name, with the way out.
FOREIGN = {
    "oauth2": "oauth2 is not supported: put a token into authorization.credentials_file and renew it there",
    "proxy_url": "proxies are not supported: let a collector near the targets scrape them",
    "proxy_from_environment": "proxies are not supported: let a collector near the targets scrape them",
    "http_headers": "http_headers are not supported",
    "convert_classic_histograms_to_nhcb": "native histograms are not supported",
}
# What makes no difference here, so that existing files load.
HARMLESS = (
    "enable_http2",
    "keep_dropped_targets",
    "scrape_classic_histograms",
    "always_scrape_classic_histograms",
    "scrape_native_histograms",
    "native_histogram_bucket_limit",
    "native_histogram_min_bucket_factor",
    "metric_name_validation_scheme",
    "metric_name_escaping_scheme",
)


class JobSettings(HttpClientSettings):
    """A job: targets that are scraped alike."""

    job_name: Annotated[str, Field(min_length=1, max_length=200)]
    """The label `job`."""
    scrape_interval: Duration | None = None
    """How often; absent: the section's."""
    scrape_timeout: Duration | None = None
    """How long a scrape may take; absent: the section's, and no longer than the interval."""
    scrape_protocols: Annotated[list[Protocol], Field(min_length=1, max_length=4)] = [
        "OpenMetricsText1.0.0",
        "OpenMetricsText0.0.1",
        "PrometheusText1.0.0",
        "PrometheusText0.0.4",
    ]
    """The formats that are asked for, the preferred first."""
    fallback_scrape_protocol: Protocol | None = None
    """What a target speaks that doesn't say it."""
    metrics_path: Annotated[str, Field(min_length=1, max_length=1024)] = "/metrics"
    scheme: Literal["http", "https"] = "http"
    params: dict[str, list[str]] = {}
    """Parameters of the URL."""
    honor_labels: bool = False
    """Whether labels of the target's own win over `job`, `instance` and the others given here; else they are kept as
    `exported_…`."""
    honor_timestamps: bool = True
    """Whether times that a target gives are taken."""
    track_timestamps_staleness: bool = False
    """Whether series with such times end with a staleness marker too."""
    follow_redirects: bool = True
    """Whether redirects are followed; to another host only where that is allowed."""
    enable_compression: bool = True
    """Whether gzip is asked for."""
    sample_limit: Count = 0
    """Samples of a scrape after relabelling; with more it fails. 0: the section's."""
    body_size_limit: Size = 0
    """Size of a scrape, unpacked; a longer one fails. 0: the section's."""
    label_limit: Count = 0
    """Labels of a series; with more the scrape fails. 0: 64, and only the series is left out."""
    label_name_length_limit: Count = 0
    label_value_length_limit: Count = 0
    target_limit: Count = 0
    """Targets after relabelling; with more all scrapes of the job fail. 0: the section's."""
    targets: list[Annotated[str, Field(min_length=1, max_length=1024)]] = []
    """HOST:PORT each: short for `static_configs`."""
    static_configs: list[StaticSettings] = []
    file_sd_configs: list[FileDiscoverySettings] = []
    dns_sd_configs: list[DnsDiscoverySettings] = []
    relabel_configs: list[RelabelSettings] = []
    """What becomes of targets."""
    metric_relabel_configs: list[RelabelSettings] = []
    """What becomes of series."""

    @model_validator(mode="before")
    @classmethod
    def _leaves_out_what_makes_no_difference(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        for key in values:
            if key in FOREIGN:
                raise ValueError(FOREIGN[key])
            if str(key).endswith("_sd_configs") and key not in cls.model_fields:
                raise ValueError(
                    f"{key} is not supported: let what knows the targets write a file, and name it in file_sd_configs"
                )
        return {key: value for key, value in values.items() if key not in HARMLESS}

    @property
    def groups(self) -> list[StaticSettings]:
        """All targets that are named here."""
        return [*self.static_configs, *([StaticSettings(targets=self.targets)] if self.targets else [])]
