"""How each kind of gateway is given a message: GatewayError unless it has taken it."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from shared.whatsapp.answers import cloud_message, waha_message
from shared.whatsapp.bodies import filled, waha_text
from shared.whatsapp.client import NO_JSON, Client, as_json
from shared.whatsapp.errors import GatewayError
from shared.whatsapp.pointers import MISSING, look_up
from shared.whatsapp.settings import CloudSettings, SendSettings, WahaSettings


async def waha_send(client: Client, waha: WahaSettings, session: str, to: str, text: str) -> tuple[str, int]:
    """(id, acknowledgement) of a text that WAHA has taken."""
    return waha_message(await waha_post(client, waha, waha_text(session, to, text)))


async def waha_post(client: Client, waha: WahaSettings, body: Mapping[str, Any]) -> Any:
    """What WAHA says of a text that it has taken: what that holds differs from engine to engine."""
    url = f"{waha.url}/api/sendText"
    answer = await client.ask("POST", url, "/api/sendText", waha_headers(waha), body)
    if not isinstance(answer, dict):
        raise GatewayError("bad_value", "/api/sendText does not answer as WAHA does")
    return answer


async def waha_acknowledgement(client: Client, waha: WahaSettings, session: str, chat: str, message: str) -> int:
    """How far a message came: -1 failed, 0 pending, 1 WhatsApp, 2 the device, 3 read, 4 played."""
    path = f"/api/{quote(session, safe='')}/chats/{quote(chat, safe='')}/messages/{quote(message, safe='')}"
    endpoint = "/api/{session}/chats/{chatId}/messages/{messageId}"
    answer = await client.ask("GET", f"{waha.url}{path}?downloadMedia=false", endpoint, waha_headers(waha))
    return waha_message(answer)[1]


async def cloud_send(client: Client, cloud: CloudSettings, body: Mapping[str, Any]) -> str:
    """The id of a message that Meta has taken; `body` is one of `bodies.cloud_…`."""
    url = f"{cloud.url}/{cloud.phone_number_id}/messages"
    return cloud_message(await client.ask("POST", url, "/{phone_number_id}/messages", cloud_headers(cloud), body))


async def other_send(client: Client, send: SendSettings, to: str, text: str, message_id: str) -> None:
    """Through a gateway of another kind."""
    headers = {name: value.get_secret_value() for name, value in send.headers.items()}
    body = filled(send.body, {"to": to, "text": text, "id": message_id})
    sent = {"json": body} if send.encoding == "json" else {"data": body}
    answer = as_json(await client.tell("POST", send.url, "send", headers, **sent))
    if send.accepted is None:
        return
    if answer is NO_JSON:
        raise GatewayError("bad_json", "send: the answer is not JSON")
    said = look_up(answer, send.accepted)
    if said is MISSING:
        raise GatewayError("bad_value", f"send: the answer has nothing at {send.accepted or 'the root'}")
    if str(said).lower() not in {one.lower() for one in send.accepted_values}:
        raise GatewayError("not_taken", f"send: the gateway did not take it, says {send.accepted or 'the root'}")


def waha_headers(waha: WahaSettings) -> dict[str, str]:
    """What WAHA knows us by. GatewayError if the file of the key is gone."""
    key = _readable(waha.key)
    return {} if key is None else {"X-Api-Key": key}


def cloud_headers(cloud: CloudSettings) -> dict[str, str]:
    """What Meta knows us by. GatewayError if the file of the token is gone."""
    return {"Authorization": f"Bearer {_readable(cloud.token)}"}


def _readable(secret: Callable[[], str | None]) -> str | None:
    """The secret; its file is read again each time, so that it may be renewed. GatewayError if that is gone now."""
    try:
        return secret()
    except ValueError as error:
        raise GatewayError("unauthorized", str(error)) from None
