"""Where WhatsApp gateways send their webhooks."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import PlainTextResponse

from services.api.access import PublicRoute
from services.api.core.bodies import Accepted
from services.api.parts import parts_of
from services.api.routes.documented import WITH_BODY, problems

router = APIRouter(route_class=PublicRoute, tags=["monitoring"])

PATH = "/api/monitoring/whatsapp/{gateway}/webhook"
Gateway = Annotated[str, Path(description="Its name in the section `whatsapp`", pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object", "description": "As WAHA or Meta sends it"}}},
    }
}


@router.post(
    PATH,
    operation_id="takeWhatsappWebhook",
    summary="Webhooks of a WhatsApp gateway",
    responses=problems(403, 503, *WITH_BODY),
    openapi_extra=BODY,
)
async def take(request: Request, gateway: Gateway) -> Accepted:
    """Signed by WAHA (`X-Webhook-Hmac`) or Meta (`X-Hub-Signature-256`). What it tells is counted, once, however
    often it is sent, and on the bus when this answers; it works while the database is down."""
    return Accepted(accepted=await parts_of(request).webhooks.take(gateway, await request.body(), request.headers))


@router.get(
    PATH,
    operation_id="verifyWhatsappWebhook",
    summary="Meta's handshake",
    response_class=PlainTextResponse,
    responses=problems(403, 422),
)
async def verify(request: Request, gateway: Gateway) -> PlainTextResponse:
    """Answers `hub.challenge` if `hub.verify_token` is the one in the settings."""
    return PlainTextResponse(parts_of(request).webhooks.handshake(gateway, request.query_params))
