"""Templates of notifications: what files define, by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.notifier.core.template_functions import FUNCTION_NAMES
from shared.rules.templates import BadTemplate, parse_template
from shared.rules.templates.nodes import Body, Template

# Alertmanager's own templates, which existing configurations mention: each is what Pantau would say.
_TITLES = (
    *("__subject", "discord.default.title", "email.default.subject", "jira.default.summary"),
    *("mattermost.default.title", "msteams.default.summary", "msteams.default.title", "msteamsv2.default.title"),
    *("opsgenie.default.message", "pagerduty.default.description", "pushover.default.title"),
    *("rocketchat.default.title", "slack.default.fallback", "slack.default.title", "sns.default.subject"),
)
_TEXTS = (
    *("discord.default.content", "discord.default.message"),
    *("email.default.text", "jira.default.description", "mattermost.default.text", "msteams.default.text"),
    *("msteamsv2.default.text", "opsgenie.default.description", "pushover.default.message"),
    *("rocketchat.default.text", "slack.default.text", "sns.default.message", "telegram.default.message"),
    *("webex.default.message", "wechat.default.message"),
)
_PLACES = (
    *("__alertmanagerURL", "discord.default.url", "pagerduty.default.clientURL", "pushover.default.url"),
    *("rocketchat.default.titlelink", "slack.default.titlelink", "opsgenie.default.source"),
)
_NOTHING = (
    *("slack.default.callbackid", "slack.default.color", "slack.default.footer", "slack.default.iconemoji"),
    *("slack.default.iconurl", "slack.default.pretext", "slack.default.username"),
)
# These are given alerts.
_LISTS = ("__text_alert_list", "__text_alert_list_markdown", "pagerduty.default.instances")
_OWN = "".join(
    f'{{{{ define "{name}" }}}}{body}{{{{ end }}}}'
    for names, body in (
        (_TITLES, "{{ .Title }}"),
        (_TEXTS, "{{ .Text }}"),
        (_PLACES, "{{ .ExternalURL }}/alerts"),
        (_NOTHING, ""),
        (("__alertmanager", "pagerduty.default.client"), "Pantau"),
        (("email.default.html",), "{{ .Html }}"),
        (_LISTS, "{{ range . }}{{ .Message }} ({{ .Labels.SortedPairs.String }})\n{{ end }}"),
    )
    for name in names
)


@dataclass(frozen=True, slots=True)
class Templates:
    """What `{{ define "name" }}` made known, by name."""

    defined: Mapping[str, Body] = field(default_factory=dict)


def parsed(text: str) -> Template:
    """The template. BadTemplate with place and reason."""
    return parse_template(text, (), FUNCTION_NAMES)


def templates(files: Iterable[tuple[str, str]]) -> Templates:
    """What files define, given by name and text; a later one takes the place of an earlier. BadTemplate with the file,
    place and reason."""
    defined: dict[str, Body] = dict(parsed(_OWN).defined)
    for name, text in files:
        try:
            defined |= parsed(text).defined
        except BadTemplate as error:
            raise BadTemplate(f"{name}:{error}") from error
    return Templates(defined)


NO_TEMPLATES = templates(())
