"""What `global` may hold: Alertmanager's keys, those of receivers that are not supported among them. Which of them
stands for which key that an entry of a receiver leaves out is known to the channels."""

_SMTP = (
    *("smtp_from", "smtp_hello", "smtp_smarthost", "smtp_auth_username", "smtp_auth_password"),
    *("smtp_auth_password_file", "smtp_auth_secret", "smtp_auth_secret_file", "smtp_auth_identity"),
    *("smtp_require_tls", "smtp_tls_config", "smtp_force_implicit_tls"),
)
_CHATS = (
    *("slack_api_url", "slack_api_url_file", "slack_app_token", "slack_app_token_file", "slack_app_url"),
    *("telegram_api_url", "telegram_bot_token", "telegram_bot_token_file", "webex_api_url"),
    *("rocketchat_api_url", "rocketchat_token", "rocketchat_token_file"),
    *("rocketchat_token_id", "rocketchat_token_id_file"),
    *("mattermost_webhook_url", "mattermost_webhook_url_file"),
    *("wechat_api_url", "wechat_api_secret", "wechat_api_secret_file", "wechat_api_corp_id"),
)
_PAGERS = (
    *("pagerduty_url", "opsgenie_api_url", "opsgenie_api_key", "opsgenie_api_key_file"),
    *("victorops_api_url", "victorops_api_key", "victorops_api_key_file", "jira_api_url"),
)
KEYS = ("resolve_timeout", "http_config", *_SMTP, *_CHATS, *_PAGERS)
TWICE = tuple((name, f"{name}_file") for name in KEYS if f"{name}_file" in KEYS)
"""Those of which only one may be given."""
