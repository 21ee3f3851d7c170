"""Jobs from Prometheus' own configuration files."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from services.collector.scraping.job_settings import JobSettings

# Of `global`, what applies to jobs that don't say it themselves.
_GLOBAL = (
    "scrape_interval",
    "scrape_timeout",
    "scrape_protocols",
    "sample_limit",
    "body_size_limit",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
    "target_limit",
)


def prometheus_jobs(path: Path) -> list[JobSettings]:
    """The jobs in a `prometheus.yml`. ValueError naming the file, and what in it can't be used.

    Paths in it are relative to its own folder, as Prometheus has it.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ValueError(f"{path} can't be read: {reason}") from error
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: not YAML: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("scrape_configs"), list):
        raise ValueError(f"{path}: there is no list scrape_configs")
    if content.get("scrape_config_files"):
        raise ValueError(f"{path}: scrape_config_files: name these files in scrape.prometheus_files")
    every = content.get("global") or {}
    defaults = {"scrape_interval": "1m", "scrape_timeout": "10s"} | {key: every[key] for key in _GLOBAL if key in every}
    jobs = []
    for number, job in enumerate(content["scrape_configs"]):
        if not isinstance(job, dict):
            raise ValueError(f"{path}: scrape_configs.{number}: not a job")
        try:
            given = JobSettings.model_validate(_beside(path, defaults | job))
            if "scrape_timeout" not in job and given.scrape_interval and given.scrape_timeout:
                shorter = min(given.scrape_timeout, given.scrape_interval)
                given = given.model_copy(update={"scrape_timeout": shorter})
            jobs.append(given)
        except ValidationError as error:
            problems = [
                f"{path}: scrape_configs.{'.'.join(map(str, (number, *one['loc'])))}: "
                + ("there is no such setting" if one["type"] == "extra_forbidden" else one["msg"])
                for one in error.errors(include_url=False, include_input=False, include_context=False)
            ]
            raise ValueError("\n".join(problems)) from error
    return jobs


def _beside(path: Path, value: Any, key: str = "") -> Any:
    """`value` with the paths in it made those beside the file at `path`."""
    if isinstance(value, dict):
        return {name: _beside(path, inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list):
        return [_beside(path, inner, key) for inner in value]
    if isinstance(value, str) and value and (key.endswith("_file") or key == "files"):
        return str(path.parent / value)
    return value
