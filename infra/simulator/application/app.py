"""The application's HTTP API, measured by the SDK as any other application would be."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pantau import Pantau
from pantau.asgi import RequestMiddleware
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.simulator.application.books import Books
from infra.simulator.application.customers import instant
from infra.simulator.passing import Now

Notify = Callable[[str, str], Awaitable[bool]]
"""Send a text to a number over WhatsApp; whether the gateway took it."""


@dataclass
class PaymentProvider:
    """Who takes the customers' money; not always there."""

    working: bool = True


def application(client: Pantau, books: Books, provider: PaymentProvider, notify: Notify, now_ms: Now) -> Starlette:
    """The ASGI application. `/metrics` holds what the SDK has counted, for those who scrape."""
    paid = client.counter("payments_total", "Payments, by what became of them", ["kind", "method", "status"])

    async def customer(request: Request) -> Response:
        found = await books.customer(request.path_params["username"])
        return JSONResponse(found) if found else _missing("customer")

    async def customers(request: Request) -> Response:
        return JSONResponse(await books.customers_of(request.path_params["router"]))

    async def voucher(request: Request) -> Response:
        found = await books.voucher(request.path_params["code"])
        return JSONResponse(found) if found else _missing("voucher")

    async def pay(request: Request) -> Response:
        asked = await request.json()
        status = "paid" if provider.working else "failed"
        payer, kind, method = asked["payer"], asked["kind"], asked["method"]
        await books.pay(payer, kind, method, asked["amount"], status, instant(now_ms()))
        paid.labels(kind, method, status).inc()
        if status == "failed":
            return JSONResponse({"error": "the payment provider does not answer"}, status_code=502)
        taken = await notify(asked["whatsapp"], f"Terima kasih, pembayaran Rp{asked['amount']} telah kami terima.")
        client.whatsapp_sent("receipt", "sent" if taken else "failed")
        return JSONResponse({"status": status}, status_code=201)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(client.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[
            Route("/customers/{username}", customer),
            Route("/routers/{router}/customers", customers),
            Route("/vouchers/{code}", voucher),
            Route("/payments", pay, methods=["POST"]),
            Route("/metrics", metrics),
            Route("/health", health),
        ],
        middleware=[Middleware(RequestMiddleware, pantau=client, ignored=["/metrics", "/health"])],
    )


def _missing(what: str) -> Response:
    return JSONResponse({"error": f"there is no such {what}"}, status_code=404)
