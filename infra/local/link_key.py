"""The key of links in messages: made once for each data directory, unless the settings have one."""

import secrets

from infra.local.places import Places, write_secret
from infra.local.settings import Configuration
from shared.link_settings import LinksSettings
from shared.settings import CommonSettings

VARIABLE = "PANTAU_NOTIFICATIONS__LINKS__KEY_FILE"


def link_key(places: Places, configuration: Configuration) -> dict[str, str]:
    """What programs are to be told of it: nothing if the settings say it."""
    if any(_links(settings).secret() is not None for settings in configuration.services.values()):
        return {}
    if not places.link_key_file.exists():
        write_secret(places.link_key_file, secrets.token_urlsafe(48))
    return {VARIABLE: str(places.link_key_file)}


def _links(settings: CommonSettings) -> LinksSettings:
    found = getattr(getattr(settings, "notifications", None), "links", None)
    return found if isinstance(found, LinksSettings) else LinksSettings()
