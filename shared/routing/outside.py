"""Accounts at outside monitoring systems, as `notifications.forward` has them, as ways to tell of alerts."""

from collections.abc import Mapping
from typing import Any

# What an entry of `forward` and one of `datadog_configs` or `newrelic_configs` have in common is the account.
KINDS = ("datadog", "newrelic")
# Events go to an account by its number, metrics by the key alone.
NEEDED = {"newrelic": "account_id"}


def accounts_in(forward: Any) -> dict[str, dict[str, Any]]:
    """By kind, the first account of that kind in `forward` (as it is written) to which events can go; whoever reads
    that section further says what is wrong with it."""
    found: dict[str, dict[str, Any]] = {}
    for entry in forward if isinstance(forward, list) else []:
        for kind in KINDS:
            account = entry.get(kind) if isinstance(entry, Mapping) else None
            if isinstance(account, Mapping) and (kind not in NEEDED or account.get(NEEDED[kind]) is not None):
                found.setdefault(kind, dict(account))
    return found
