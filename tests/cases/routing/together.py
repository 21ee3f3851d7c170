"""All cases as one configuration: each is a route below the root, told apart by the label `case`; so that one process
plays them all at once."""

from collections.abc import Iterable, Mapping
from typing import Any

from tests.cases.routing import WEBHOOKS, Case, Told, alertmanagers_key

LABEL = "case"
_NOBODY = "nobody-at-all"


def together(cases: Iterable[Case], webhooks: str) -> dict[str, Any]:
    """The configuration; the receivers' webhooks are below the URL `webhooks`: `CASE/RECEIVER/NUMBER`."""
    whole: dict[str, Any] = {
        "route": {"receiver": _NOBODY, "routes": []},
        "receivers": [{"name": _NOBODY}],
        "inhibit_rules": [],
        "time_intervals": [],
        "mute_time_intervals": [],
    }
    for case in cases:
        given = case.configuration
        route = {**_route(case, given["route"]), "matchers": [f'{LABEL}="{case.name}"']}
        whole["route"]["routes"].append(route)
        whole["receivers"] += [_receiver(case, one, webhooks) for one in given["receivers"]]
        whole["inhibit_rules"] += [_inhibit_rule(case, one) for one in given.get("inhibit_rules", ())]
        for key in ("time_intervals", "mute_time_intervals"):
            whole[key] += [{**one, "name": _own(case, one["name"])} for one in given.get(key, ())]
    return whole


def labels_together(case: Case, name: str) -> dict[str, str]:
    """The labels of an alert among those of all cases."""
    return {**case.alerts[name], LABEL: case.name}


def told_alone(case: Case, receiver: str, number: int, body: Mapping[str, Any]) -> Told:
    """What a webhook was told (Alertmanager's JSON), as if the case were alone."""
    key = alertmanagers_key(body["groupKey"]).replace(f'/{{{LABEL}="{case.name}"}}', "", 1)
    for mark in (f'{LABEL}="{case.name}", ', f', {LABEL}="{case.name}"', f'{LABEL}="{case.name}"'):
        key = key.replace(mark, "")
    alerts = [(_name(case, one["labels"]), one["status"]) for one in body["alerts"]]
    firing, resolved = (
        tuple(sorted(name for name, has in alerts if has == status)) for status in ("firing", "resolved")
    )
    assert body["receiver"] == _own(case, receiver)
    assert body["status"] == ("firing" if firing else "resolved")
    return Told(receiver, number, key, firing, resolved)


def _name(case: Case, labels: Mapping[str, str]) -> str:
    return case.named({name: value for name, value in labels.items() if name != LABEL})


def _own(case: Case, name: str) -> str:
    return f"{case.name}/{name}"


def _route(case: Case, route: Mapping[str, Any]) -> dict[str, Any]:
    own = dict(route)
    if "receiver" in own:
        own["receiver"] = _own(case, own["receiver"])
    for key in ("mute_time_intervals", "active_time_intervals"):
        if key in own:
            own[key] = [_own(case, name) for name in own[key]]
    if "routes" in own:
        own["routes"] = [_route(case, one) for one in own["routes"]]
    return own


def _receiver(case: Case, receiver: Mapping[str, Any], webhooks: str) -> dict[str, Any]:
    own = {**receiver, "name": _own(case, receiver["name"])}
    if "webhook_configs" in own:
        assert all(one["url"] == WEBHOOKS + receiver["name"] for one in own["webhook_configs"])
        own["webhook_configs"] = [
            {**one, "url": f"{webhooks}{case.name}/{receiver['name']}/{number}"}
            for number, one in enumerate(own["webhook_configs"])
        ]
    return own


def _inhibit_rule(case: Case, rule: Mapping[str, Any]) -> dict[str, Any]:
    ours = [f'{LABEL}="{case.name}"']
    sides = {key: [*rule.get(key, ()), *ours] for key in ("source_matchers", "target_matchers")}
    return {**rule, **sides}
