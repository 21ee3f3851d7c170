"""Where targets are, as it is configured."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from services.collector.scraping.units import Duration
from shared.messages.series import LABEL_NAME
from shared.settings import Section


def _as_text(labels: Any) -> Any:
    """YAML reads `rack: 7` as a number."""
    if not isinstance(labels, dict):
        return labels
    return {
        name: str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
        for name, value in labels.items()
    }


class StaticSettings(Section):
    """Targets that are named here."""

    targets: list[Annotated[str, Field(min_length=1, max_length=1024)]]
    """HOST:PORT each."""
    labels: Annotated[dict[str, str], BeforeValidator(_as_text)] = {}
    """What their series get."""

    @field_validator("labels")
    @classmethod
    def _are_labels(cls, labels: dict[str, str]) -> dict[str, str]:
        for name in labels:
            if not LABEL_NAME.fullmatch(name):
                raise ValueError(f"{name[:80]!r} is not a label name")
        return labels


class FileDiscoverySettings(Section):
    """Targets that files name, in YAML or JSON: a list of `{targets: [...], labels: {...}}`."""

    files: Annotated[list[str], Field(min_length=1)]
    """Paths; the last part may hold `*`. Changes are seen within seconds."""
    refresh_interval: Duration = 300_000
    """Here for files that say it: how often Prometheus reads the files even if nothing seems to have changed."""

    @field_validator("files")
    @classmethod
    def _have_a_known_form(cls, files: list[str]) -> list[str]:
        for name in files:
            if not re.fullmatch(r"[^*]*(\*[^/]*)?\.(json|yml|yaml)", name):
                raise ValueError(f"{name!r} does not end in .json, .yml or .yaml, or has `*` before its last part")
        return files


class DnsDiscoverySettings(Section):
    """Targets that the DNS names."""

    names: Annotated[list[Annotated[str, Field(min_length=1, max_length=253)]], Field(min_length=1)]
    type: Literal["SRV", "A", "AAAA"] = "SRV"
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    """For A and AAAA, which don't say it."""
    refresh_interval: Duration = 30_000
    """How often they are asked for."""

    @model_validator(mode="after")
    def _has_a_port(self) -> Self:
        if self.type != "SRV" and self.port is None:
            raise ValueError(f"records of type {self.type} name no port: say it in port")
        return self
