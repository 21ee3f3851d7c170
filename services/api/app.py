"""The FastAPI application: routes, middleware, the document that describes them."""

from typing import Any

from fastapi import FastAPI
from fastapi.middleware import Middleware
from fastapi.openapi.utils import get_openapi

from services.api import pages, problems
from services.api.access import COOKIE
from services.api.body import BoundedBody
from services.api.core.bodies import ProblemBody, Where
from services.api.core.ingest import PushedSample
from services.api.headers import SecurityHeaders
from services.api.parts import Parts
from services.api.routes import (
    alerts,
    health,
    metrics,
    performance,
    prometheus,
    rules,
    service,
    services,
    session,
    stream,
)
from services.api.traffic import Measured

TITLE = "Pantau"
VERSION = "1"
"""Of the HTTP interface, not of the program: it only grows."""
DESCRIPTION = """\
Performance monitoring, health checks and alerting.

Programs send `Authorization: Bearer TOKEN` (`./pantau token create --role viewer|operator|admin|ingest` makes one), \
browsers the session cookie. A viewer may look, an operator may also push samples and change rules, an admin may do \
everything; ingest may only push samples. Times are RFC 3339 in UTC. What goes wrong is told as RFC 9457 problems.\
"""
TAGS = [
    {"name": "monitoring", "description": "What is watched, and samples of one's own"},
    {"name": "rules", "description": "What raises alerts"},
    {"name": "prometheus", "description": "Rules and alerts as Prometheus tells them; errors have its form, too"},
    {"name": "session", "description": "Login of the browser application"},
    {"name": "service", "description": "The api process itself"},
]
SECURITY_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "`./pantau token create`"},
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "Set by `login`"},
}
ROUTERS = (
    health.router,
    services.router,
    metrics.viewer,
    metrics.ingest,
    performance.router,
    alerts.router,
    rules.viewer,
    rules.operator,
    stream.router,
    prometheus.router,
    session.public,
    session.known,
    service.public,
    service.viewer,
    pages.router,  # last: it takes every path that is left
)


class Api(FastAPI):
    """The application; its document is made once."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI 3.1 document."""
        if self.openapi_schema is None:
            document = get_openapi(title=TITLE, version=VERSION, description=DESCRIPTION, routes=self.routes, tags=TAGS)
            components = document.setdefault("components", {})
            components["securitySchemes"] = SECURITY_SCHEMES
            schemas = components.setdefault("schemas", {})
            for model in (ProblemBody, Where, PushedSample):
                schemas[model.__name__] = _schema(model)
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            components["schemas"] = dict(sorted(schemas.items()))
            self.openapi_schema = document
        return self.openapi_schema


def build(parts: Parts | None) -> Api:
    """The application around `parts`; None if it is only to describe itself."""
    app = Api(
        title=TITLE,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(Measured, logs=parts.request_logs if parts else None),
            Middleware(SecurityHeaders),
            Middleware(problems.Unexpected),
            Middleware(BoundedBody),
        ],
    )
    app.state.parts = parts
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    return app


def _schema(model: type[ProblemBody | Where | PushedSample]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    return schema
