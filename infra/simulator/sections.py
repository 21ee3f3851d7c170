"""Where the parts of a simulated provider listen, and what `pantau.yaml` must hold to have it watched."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from infra.simulator.provider import Provider
from infra.simulator.whatsapp.api import STATUS_PATH
from infra.simulator.whatsapp.gateway import Plan

HOST = "127.0.0.1"
ROUTERS_FROM = 10
CANARY_TO = "628000000000@c.us"
CANARY_SECONDS = 10


class Gateway(NamedTuple):
    """Where the WhatsApp gateway answers."""

    url: str
    status_url: str
    api_key: str = Plan.api_key

    @classmethod
    def at(cls, port: int) -> Self:
        """On that port."""
        url = f"http://{HOST}:{port}"
        return cls(url, url + STATUS_PATH)


@dataclass(frozen=True)
class Ports:
    """0 is any free port."""

    application: int = 0
    gateway: int = 0
    routers: int = 0
    """That of the first router; the others follow."""

    @classmethod
    def at(cls, port: int) -> Self:
        """All of them from `port` on."""
        return cls(port, port + 1, port + ROUTERS_FROM)

    def of_routers(self, provider: Provider) -> dict[str, int]:
        """The port of each router, where they are not any free ones."""
        return {name: self.routers + number for number, name in enumerate(provider.routers)}


def database(dsn: str, password_file: Path | None) -> dict[str, Any]:
    """The connection URL as it is written in the settings: the password stays where it is."""
    parts = urlsplit(dsn)
    found = {"host": parts.hostname, "port": parts.port, "database": parts.path[1:], "username": parts.username}
    return found | ({"password_file": str(password_file)} if password_file else {})


def section(
    provider: Provider, routers: Mapping[str, int], gateway: Gateway, books: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The sections of `pantau.yaml`, as they are written there. `routers` are their ports by name, `books` is the
    billing application's database."""
    first = provider.plans[0]
    listed = [
        {"name": name, "host": HOST, "port": port, "site": provider.site_of(name)} for name, port in routers.items()
    ]
    return {
        "mikrotik": {"username": first.username, "password": first.password, "routers": listed},
        "whatsapp": {"gateways": [_gateway(gateway)]},
        **({"business": {"database": dict(books)}} if books else {}),
    }


def _gateway(gateway: Gateway) -> dict[str, Any]:
    status = {"queue_size": "/queue/size", "oldest_at": "/queue/oldest_at", "messages": "/messages"}
    return {
        "name": "waha",
        "waha": {"url": gateway.url, "api_key": gateway.api_key, "sessions": ["default"]},
        "status": {"url": gateway.status_url, **status},
        "canary": {"to": CANARY_TO, "every_seconds": 300, "deadline_seconds": CANARY_SECONDS},
    }
