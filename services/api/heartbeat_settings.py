"""Settings of heartbeats: section `heartbeats` of `pantau.yaml`, the jobs that report when they have run."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from shared.secret_values import secret_of
from shared.settings import Section, names_differ

SHORTEST_KEY = 20
Seconds = Annotated[float, Field(gt=0, le=400 * 86_400)]


class JobSettings(Section):
    """One job."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    """The label `heartbeat`, and the last part of the URL."""
    interval_seconds: Annotated[float, Field(ge=10, le=400 * 86_400)]
    """How often it succeeds when all is well, e.g. 86400."""
    grace_seconds: Seconds = 300.0
    """How much later it may be until it is late."""
    longest_run_seconds: Seconds | None = None
    """For how long it may run once it has said that it starts; absent: nobody minds."""
    key: SecretStr | None = None
    """Lets whoever has the URL report, with `?key=…`. This or the file, or neither: then a token is needed."""
    key_file: Path | None = None
    """A file that holds the key."""

    @model_validator(mode="after")
    def _key_cannot_be_guessed(self) -> Self:
        secret = self.secret()
        if secret is not None and (len(secret) < SHORTEST_KEY or not secret.isascii() or not secret.isprintable()):
            raise ValueError(
                f"heartbeat {self.name}: key needs {SHORTEST_KEY} characters of ASCII at least: openssl rand -hex 16"
            )
        return self

    def secret(self) -> str | None:
        """The key; None if there is none."""
        return secret_of("key", self.key, self.key_file)


class HeartbeatsSettings(Section):
    """The jobs."""

    jobs: Annotated[list[JobSettings], Field(max_length=1_000)] = []
    """The jobs themselves."""

    @field_validator("jobs")
    @classmethod
    def _names_differ(cls, jobs: list[JobSettings]) -> list[JobSettings]:
        names_differ((one.name for one in jobs), "heartbeats")
        return jobs
