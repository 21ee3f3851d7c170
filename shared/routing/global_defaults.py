"""What `global` says for all receivers, filled into those that don't say it themselves."""

from collections.abc import Iterator, Mapping
from typing import Any

_SMTP = {
    "from": "from",
    "hello": "hello",
    "smarthost": "smarthost",
    "auth_username": "auth_username",
    "auth_password": "auth_password",
    "auth_password_file": "auth_password_file",
    "auth_secret": "auth_secret",
    "auth_secret_file": "auth_secret_file",
    "auth_identity": "auth_identity",
    "require_tls": "require_tls",
    "tls_config": "tls_config",
    "force_implicit_tls": "force_implicit_tls",
}
# Per kind: the integration's key -> the key in `global`.
_FILLED: Mapping[str, Mapping[str, str]] = {
    "email": {own: f"smtp_{name}" for own, name in _SMTP.items()},
    "slack": {
        "api_url": "slack_api_url",
        "api_url_file": "slack_api_url_file",
        "app_token": "slack_app_token",
        "app_token_file": "slack_app_token_file",
        "app_url": "slack_app_url",
    },
    "pagerduty": {"url": "pagerduty_url"},
    "opsgenie": {
        "api_url": "opsgenie_api_url",
        "api_key": "opsgenie_api_key",
        "api_key_file": "opsgenie_api_key_file",
    },
    "telegram": {
        "api_url": "telegram_api_url",
        "bot_token": "telegram_bot_token",
        "bot_token_file": "telegram_bot_token_file",
    },
}
_HTTP = frozenset({"webhook", "slack", "pagerduty", "opsgenie", "telegram", "discord", "msteams", "msteamsv2"})
# Keys of which one excludes the others, so that what an integration says itself isn't joined by a default.
_EXCLUSIVE = (
    ("auth_password", "auth_password_file"),
    ("auth_secret", "auth_secret_file"),
    ("api_url", "api_url_file", "app_token", "app_token_file"),
    ("api_key", "api_key_file"),
    ("bot_token", "bot_token_file"),
)
# Per kind: what it can't do without, from either place.
_NEEDED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "email": (("smarthost",), ("from",)),
    "slack": (("api_url", "api_url_file", "app_token", "app_token_file"),),
    "opsgenie": (("api_key", "api_key_file"),),
    "telegram": (("bot_token", "bot_token_file"),),
}
# What `global` may hold for receivers that are not supported: it is read, and of no use.
_UNUSED = frozenset(
    {
        *("wechat_api_url", "wechat_api_secret", "wechat_api_secret_file", "wechat_api_corp_id"),
        *("victorops_api_url", "victorops_api_key", "victorops_api_key_file", "webex_api_url", "jira_api_url"),
        *("rocketchat_api_url", "rocketchat_token", "rocketchat_token_file", "rocketchat_token_id"),
        *("rocketchat_token_id_file", "mattermost_webhook_url", "mattermost_webhook_url_file"),
    }
)
KEYS = tuple(
    sorted(
        {"resolve_timeout", "http_config", *_UNUSED} | {name for filled in _FILLED.values() for name in filled.values()}
    )
)
TWICE = tuple((name, f"{name}_file") for name in KEYS if f"{name}_file" in KEYS)
"""Keys of `global` of which only one may be given."""


def filled(kind: str, settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of an integration with what `global` says where they don't."""
    given = {key: value for key, value in settings.items() if value is not None}
    complete = dict(given)
    for own, name in _FILLED.get(kind, {}).items():
        rivals = next((group for group in _EXCLUSIVE if own in group), (own,))
        if defaults.get(name) is not None and not any(rival in given for rival in rivals):
            complete[own] = defaults[name]
    if kind in _HTTP and "http_config" not in given and defaults.get("http_config") is not None:
        complete["http_config"] = defaults["http_config"]
    return complete


def missing(kind: str, settings: Mapping[str, Any]) -> Iterator[str]:
    """Of what `filled` gives, what is still missing, in words."""
    for alternatives in _NEEDED.get(kind, ()):
        if not any(settings.get(key) for key in alternatives):
            names = _FILLED[kind]
            yield f"needs {' or '.join(alternatives)}, here or as {names[alternatives[0]]} in 'global'"
