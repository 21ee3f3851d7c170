"""The configuration in force as YAML, without its secrets."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from shared.routing.configuration import Routing
from shared.routing.tree import ALL, Route

SECRET = "<secret>"  # noqa: S105  (it stands for one)
# Keys whose values let somebody in, or send in our name: URLs too, for many hold their own token.
_SECRETS = re.compile(
    r"password|secret|token|credentials|authorization|(^|_)keys?$|(^|_)urls?$|^webhook|^cookie|smtp_auth_identity", re.I
)
# They are about the place of a secret, or none at all.
_OPEN = frozenset({"token_url_file", "external_url", "runbook_url"})


def config_text(written: Mapping[str, Any], routing: Routing) -> str:
    """`written` as YAML, the values of secrets replaced; where nothing is written what `routing` has by itself."""
    shown = {name: value for name, value in written.items() if value}
    shown = shown if "route" in shown else shown | _of(routing)
    return yaml.safe_dump(without_secrets(shown), sort_keys=False, allow_unicode=True)


def without_secrets(value: Any, *, hidden: bool = False) -> Any:
    """The same with `<secret>` for what stands under a secret's key, or in HTTP headers."""
    if isinstance(value, Mapping):
        return {key: without_secrets(one, hidden=hidden or _is_secret(str(key))) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(one, hidden=hidden) for one in value]
    return SECRET if hidden and value is not None else value


def _is_secret(key: str) -> bool:
    if key.endswith("_file") or key in _OPEN:
        return False
    return key in ("headers", "http_headers") or bool(_SECRETS.search(key))


def _of(routing: Routing) -> dict[str, Any]:
    """A configuration that nobody wrote."""
    return {
        "route": _route(routing.root),
        "receivers": [
            {"name": one.name}
            | {f"{kind}_configs": [i.settings for i in one.integrations if i.kind == kind] for kind in _kinds(one)}
            for one in routing.receivers.values()
        ],
    }


def _kinds(receiver: Any) -> list[str]:
    return list(dict.fromkeys(one.kind for one in receiver.integrations))


def _route(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = {"receiver": route.receiver}
    if route.matchers:
        found["matchers"] = [str(one) for one in route.matchers]
    if route.group_by == ALL or route.group_by:
        found["group_by"] = [ALL] if route.group_by == ALL else sorted(route.group_by)
    if route.continue_:
        found["continue"] = True
    if route.immediate:
        found["immediate"] = True
    if route.routes:
        found["routes"] = [_route(one) for one in route.routes]
    return found
