"""How each kind of gateway is asked about itself: GatewayError unless it answers."""

from collections.abc import Awaitable, Callable

from shared.whatsapp.answers import cloud_number, status_document, waha_sessions
from shared.whatsapp.client import Client
from shared.whatsapp.sending import cloud_headers, waha_headers
from shared.whatsapp.settings import CloudSettings, GatewaySettings, StatusSettings, WahaSettings
from shared.whatsapp.told import Told

Ask = Callable[[Client, int], Awaitable[Told]]
"""Told the time in ms. GatewayError."""


def parts_of(gateway: GatewaySettings) -> dict[str, Ask]:
    """What there is to ask of `gateway`, by name; none waits for another."""
    parts: dict[str, Ask] = {}
    if (waha := gateway.waha) is not None:
        parts["waha"] = lambda client, now_ms: _ask_waha(client, waha)
    if (cloud := gateway.cloud) is not None and cloud.token() is not None:
        parts["cloud"] = lambda client, now_ms: _ask_cloud(client, cloud)
    if (status := gateway.status) is not None:
        parts["status"] = lambda client, now_ms: _ask_status(client, status, now_ms)
    return parts


async def _ask_waha(client: Client, waha: WahaSettings) -> Told:
    answer = await client.ask("GET", f"{waha.url}/api/sessions", "/api/sessions", waha_headers(waha))
    return waha_sessions(answer, waha.sessions)


async def waha_version(client: Client, waha: WahaSettings) -> str:
    """The version that WAHA says it is; empty if it doesn't. GatewayError."""
    answer = await client.ask("GET", f"{waha.url}/api/version", "/api/version", waha_headers(waha))
    found = answer.get("version") if isinstance(answer, dict) else None
    return found[:40] if isinstance(found, str) else ""


async def _ask_cloud(client: Client, cloud: CloudSettings) -> Told:
    url = f"{cloud.url}/{cloud.phone_number_id}?fields=status,quality_rating"
    answer = await client.ask("GET", url, "/{phone_number_id}", cloud_headers(cloud))
    return cloud_number(answer, cloud.phone_number_id)


async def _ask_status(client: Client, status: StatusSettings, now_ms: int) -> Told:
    headers = {name: value.get_secret_value() for name, value in status.headers.items()}
    answer = await client.ask("GET", status.url, "status", headers)
    pointers = {
        name: pointer
        for name in ("connected", "sessions", "queue_size", "oldest_seconds", "oldest_at", "messages")
        if (pointer := getattr(status, name)) is not None
    }
    return status_document(answer, pointers, {one.lower() for one in status.connected_values}, now_ms)
