"""Configurations that neither Alertmanager nor we take, by what is wrong with them."""

_RECEIVERS = """
receivers:
  - name: ops
    webhook_configs: [{url: http://receiver.invalid/ops}]
"""
_ROUTE = """
route:
  receiver: ops
"""
_SOUND = _RECEIVERS + _ROUTE


def _interval(text: str) -> str:
    return f"{_SOUND}time_intervals: [{{name: x, time_intervals: [{{{text}}}]}}]\n"


REFUSED = {
    "empty": "",
    "not YAML": "route: [",
    "no route": _RECEIVERS,
    "no receiver of the root": _RECEIVERS + "route: {group_by: [a]}\n",
    "unknown receiver": _RECEIVERS + "route: {receiver: nobody}\n",
    "unknown receiver below": _SOUND + "  routes: [{receiver: nobody}]\n",
    "two receivers of one name": _RECEIVERS + "  - name: ops\n" + _ROUTE,
    "receiver without a name": _RECEIVERS + "  - {}\n" + _ROUTE,
    "unknown key of the file": _SOUND + "rout: {}\n",
    "unknown key of a route": _SOUND + "  group: [a]\n",
    "unknown key of a receiver": _RECEIVERS + "    fax_configs: []\n" + _ROUTE,
    "unknown key of global": _SOUND + "global: {smtp_form: x}\n",
    "key twice": _SOUND + "  receiver: ops\n",
    "matchers of the root": _SOUND + "  matchers: [a=b]\n",
    "old matchers of the root": _SOUND + "  match: {a: b}\n",
    "continue of the root": _SOUND + "  continue: true\n",
    "mute times of the root": _SOUND + "  mute_time_intervals: [x]\ntime_intervals: [{name: x, time_intervals: []}]\n",
    "bad matcher": _SOUND + "  routes: [{matchers: ['severity']}]\n",
    "bad expression": _SOUND + "  routes: [{matchers: ['a=~\"(\"']}]\n",
    "bad old expression": _SOUND + "  routes: [{match_re: {a: '('}}]\n",
    "missing old expression": _SOUND + "  routes: [{match_re: {a: }}]\n",
    "bad name in match": _SOUND + "  routes: [{match: {'a-b': c}}]\n",
    "look-ahead, which RE2 lacks": _SOUND + "  routes: [{matchers: ['a=~\"(?=b)\"']}]\n",
    "all and one label": _SOUND + "  group_by: ['...', a]\n",
    "label twice": _SOUND + "  group_by: [a, a]\n",
    "group_by is no list": _SOUND + "  group_by: {a: b}\n",
    "no duration": _SOUND + "  group_wait: 30\n",
    "units out of order": _SOUND + "  group_wait: 1s2m\n",
    "zero group interval": _SOUND + "  group_interval: 0s\n",
    "zero repeat interval": _SOUND + "  repeat_interval: 0s\n",
    "unknown time interval": _SOUND + "  routes: [{mute_time_intervals: [x]}]\n",
    "unknown active interval": _SOUND + "  routes: [{active_time_intervals: [x]}]\n",
    "time interval twice": _SOUND + "time_intervals: [{name: x}, {name: x}]\n",
    "time interval of both lists": _SOUND + "time_intervals: [{name: x}]\nmute_time_intervals: [{name: x}]\n",
    "time interval without a name": _SOUND + "time_intervals: [{time_intervals: []}]\n",
    "time over midnight": _interval("times: [{start_time: '22:00', end_time: '06:00'}]"),
    "no time of the day": _interval("times: [{start_time: '9:00', end_time: '10:00'}]"),
    "half a time": _interval("times: [{start_time: '09:00'}]"),
    "short weekday": _interval("weekdays: [mon]"),
    "weekdays backwards": _interval("weekdays: ['friday:monday']"),
    "day 32": _interval("days_of_month: ['32']"),
    "day 0": _interval("days_of_month: ['0']"),
    "days backwards": _interval("days_of_month: ['20:10']"),
    "from the end to the front": _interval("days_of_month: ['-3:5']"),
    "months backwards": _interval("months: ['march:january']"),
    "years backwards": _interval("years: ['2027:2026']"),
    "no zone": _interval("location: Mars/Olympus"),
    "unknown key of an interval": _interval("hours: []"),
    "unknown key of an inhibition": _SOUND + "inhibit_rules: [{source: {a: b}}]\n",
    "bad matcher of an inhibition": _SOUND + "inhibit_rules: [{source_matchers: ['a']}]\n",
    "two Slack addresses": _SOUND + "global: {slack_api_url: 'http://a.invalid/', slack_api_url_file: b}\n",
    "two passwords": _SOUND + "global: {smtp_auth_password: a, smtp_auth_password_file: b}\n",
    "no resolve timeout": _SOUND + "global: {resolve_timeout: soon}\n",
}

# What is wrong with these shows when their channels read them.
REFUSED_BY_CHANNELS = {
    "e-mail without a server": _RECEIVERS + "    email_configs: [{to: a@example.net}]\n" + _ROUTE,
    "e-mail to nobody": _RECEIVERS + "    email_configs: [{smarthost: 'a:25', from: a@example.net}]\n" + _ROUTE,
    "webhook without an address": _RECEIVERS + "  - {name: x, webhook_configs: [{}]}\n" + _ROUTE,
    "webhook to no address": _RECEIVERS + "  - {name: x, webhook_configs: [{url: 'ftp://a'}]}\n" + _ROUTE,
    "Slack without an address": _RECEIVERS + "    slack_configs: [{channel: x}]\n" + _ROUTE,
    "Opsgenie without a key": _RECEIVERS + "    opsgenie_configs: [{}]\n" + _ROUTE,
    "PagerDuty without a key": _RECEIVERS + "    pagerduty_configs: [{}]\n" + _ROUTE,
    "Telegram without a chat": _RECEIVERS + "    telegram_configs: [{bot_token: x}]\n" + _ROUTE,
    "unknown key of a webhook": _RECEIVERS + "  - {name: x, webhook_configs: [{url: 'http://a', uri: b}]}\n" + _ROUTE,
}
