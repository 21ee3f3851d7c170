"""The key of links in messages, which notifier signs and api checks."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from shared.links import SHORTEST_KEY
from shared.secret_values import secret_of
from shared.settings import Section


class LinksSettings(Section):
    """Links with which an alert is acknowledged or silenced from a phone, without a login."""

    key: SecretStr | None = None
    """What signs them, at least 32 characters: the same for notifier and api. Without one there are no such links;
    `./pantau up` makes one."""
    key_file: Path | None = None
    """The file that holds it, instead."""
    valid_hours: Annotated[float, Field(gt=0, le=168)] = 24.0
    """How long a link can be used."""
    silence_hours: Annotated[float, Field(gt=0, le=168)] = 4.0
    """How long a silence lasts that is made with a link."""

    @model_validator(mode="after")
    def _has_a_good_key(self) -> Self:
        self.secret()
        return self

    def secret(self) -> str | None:
        """The key; None: no links. ValueError if its file can't be read, or it is too short."""
        found = secret_of("key", self.key, self.key_file)
        if found is not None and len(found) < SHORTEST_KEY:
            raise ValueError(f"key is too short: at least {SHORTEST_KEY} random characters (openssl rand -hex 32)")
        return found
