"""What is scraped: section `scrape` of `pantau.yaml`."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from services.collector.scraping.job_settings import JobSettings
from services.collector.scraping.prometheus_file import prometheus_jobs
from services.collector.scraping.units import Duration, read_size
from shared.promql.durations import duration_text
from shared.settings import Section, names_differ


class ScrapeSettings(Section):
    """What is scraped."""

    interval: Duration = 60_000
    """How often, where a job doesn't say it."""
    timeout: Duration = 10_000
    """How long a scrape may take, where a job doesn't say it; never longer than its interval."""
    sample_limit: Annotated[int, Field(ge=1, le=10_000_000)] = 500_000
    """Samples of a scrape at most, where a job doesn't say it."""
    body_size_limit: Annotated[int, BeforeValidator(read_size), Field(ge=1, le=2**31)] = 64 * 2**20
    """Size of a scrape at most, where a job doesn't say it."""
    target_limit: Annotated[int, Field(ge=1, le=100_000)] = 20_000
    """Targets of a job at most, where it doesn't say it."""
    concurrency: Annotated[int, Field(ge=1, le=10_000)] = 256
    """Scrapes under way at once."""
    allow_redirects_to_other_hosts: bool = False
    """Whether a target may send us to another host. Its credentials don't go there."""
    jobs: Annotated[list[JobSettings], Field(max_length=5_000)] = []
    """As in Prometheus' `scrape_configs`."""
    prometheus_files: list[Path] = []
    """Files of Prometheus' own: of `prometheus.yml` its `scrape_configs` are taken, with the defaults in `global`."""

    @model_validator(mode="before")
    @classmethod
    def _with_files(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not isinstance(values.get("prometheus_files"), list):
            return values
        jobs = list(values.get("jobs") or [])
        for name in values["prometheus_files"]:
            jobs += prometheus_jobs(Path(str(name)))
        return {**values, "jobs": jobs}

    @field_validator("jobs")
    @classmethod
    def _names_differ(cls, jobs: list[JobSettings]) -> list[JobSettings]:
        names_differ((one.job_name for one in jobs), "jobs")
        return jobs

    def interval_of(self, job: JobSettings) -> int:
        """Milliseconds."""
        return job.scrape_interval or self.interval

    def timeout_of(self, job: JobSettings) -> int:
        """Milliseconds; never longer than the interval."""
        return job.scrape_timeout or min(self.timeout, self.interval_of(job))

    @model_validator(mode="after")
    def _end_before_they_begin_again(self) -> Self:
        for job in self.jobs:
            if self.timeout_of(job) > self.interval_of(job):
                raise ValueError(
                    f"job {job.job_name}: scrape_timeout ({duration_text(self.timeout_of(job))}) is longer than the "
                    f"interval ({duration_text(self.interval_of(job))})"
                )
        return self
