"""The kinds of channels that there are, and how an entry of a receiver becomes one."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from services.notifier.channels import (
    Channel,
    ChannelSettings,
    Context,
    Kind,
    apprise,
    datadog,
    discord,
    email,
    log,
    msteams,
    newrelic,
    opsgenie,
    pagerduty,
    slack,
    telegram,
    webhook,
    whatsapp,
)

KINDS: Mapping[str, Kind] = {
    "apprise": apprise.KIND,
    "datadog": datadog.KIND,
    "discord": discord.KIND,
    "email": email.KIND,
    "log": log.KIND,
    "msteams": msteams.KIND,
    "msteamsv2": msteams.KIND_V2,
    "newrelic": newrelic.KIND,
    "opsgenie": opsgenie.KIND,
    "pagerduty": pagerduty.KIND,
    "slack": slack.KIND,
    "telegram": telegram.KIND,
    "webhook": webhook.KIND,
    "whatsapp": whatsapp.KIND,
}
"""By the name before `_configs`."""


class BadChannel(ValueError):
    """An entry of a receiver that can't be used; the text says where and why, one problem a line."""


def parse(kind: str, entry: Mapping[str, Any], defaults: Mapping[str, Any], place: str) -> ChannelSettings:
    """The checked settings of one entry of `KIND_configs`; `defaults` is the section `global`, `place` names the entry
    in refusals (`receivers[ops].email_configs[0]`). BadChannel with every problem; no secret is repeated."""
    if kind not in KINDS:
        raise BadChannel(
            f"{place}: there is no {kind}_configs; there are {', '.join(f'{one}_configs' for one in KINDS)}"
        )
    known = KINDS[kind]
    given = {field: defaults[key] for key, field in known.from_global.items() if defaults.get(key) is not None}
    # One of `x` and `x_file` is what is meant: the entry's own takes the place of both that are global.
    own = {name.removesuffix("_file") for name in entry}
    given = {field: value for field, value in given.items() if field.removesuffix("_file") not in own}
    try:
        return known.settings.model_validate(given | dict(entry))
    except ValidationError as error:
        raise BadChannel("\n".join(_told(one, place) for one in error.errors(include_input=False))) from None


def make(kind: str, settings: ChannelSettings, destination: str, context: Context) -> Channel:
    """The channel that `settings` describe. ValueError for what only now shows to be wrong."""
    return KINDS[kind].make(settings, destination, context)


def _told(problem: Any, place: str) -> str:
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{place}{where}: there is no such setting"
    return f"{place}{where}: {problem['msg'].removeprefix('Value error, ')}"
