"""The FastAPI application: routes, middleware, the document that describes them."""

from typing import Any, Literal

from fastapi import FastAPI
from fastapi.middleware import Middleware
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from services.api import pages, problems
from services.api.access import COOKIE
from services.api.body import BoundedBody
from services.api.core.backtest_bodies import BacktestLine
from services.api.core.bodies import Body, ProblemBody, Where
from services.api.core.ingest import PushedSample
from services.api.core.request_ingest import PushedRequests
from services.api.core.rule_bodies import GroupReplacement, RuleFile
from services.api.headers import SecurityHeaders
from services.api.parts import Parts
from services.api.routes import (
    alert_actions,
    alertmanager,
    alerts,
    backtest,
    explain,
    health,
    heartbeats,
    links,
    metrics,
    performance,
    prometheus,
    query,
    receivers,
    requests,
    rules,
    service,
    services,
    session,
    silences,
    stream,
    whatsapp,
)
from services.api.traffic import Measured
from shared.rules.small import SmallRule

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
    {"name": "silences", "description": "What is muted, and who looks after what"},
    {"name": "notifications", "description": "Who is told, and whether it arrives"},
    {"name": "prometheus", "description": "Rules and alerts as Prometheus tells them; errors have its form, too"},
    {"name": "alertmanager", "description": "Alertmanager's API v2; errors are texts, as there"},
    {"name": "session", "description": "Login of the browser application"},
    {"name": "service", "description": "The api process itself"},
]
# Bodies that routes read themselves, and what these and the problems are made of.
UNNAMED: tuple[type[BaseModel], ...] = (
    ProblemBody,
    Where,
    PushedSample,
    PushedRequests,
    SmallRule,
    RuleFile,
    GroupReplacement,
    BacktestLine,
)
SECURITY_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "`./pantau token create`"},
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "Set by `login`"},
}
ROUTERS = (
    health.viewer,
    health.operator,
    services.router,
    metrics.viewer,
    metrics.ingest,
    requests.router,
    heartbeats.viewer,
    heartbeats.jobs,
    whatsapp.router,
    performance.router,
    alerts.router,
    backtest.router,
    rules.viewer,
    rules.operator,
    rules.texts,
    rules.actions,
    stream.router,
    silences.preview_router,
    silences.viewer,
    silences.operator,
    alert_actions.viewer,
    alert_actions.operator,
    receivers.viewer,
    receivers.operator,
    explain.router,  # after all others below /alerts: its last route takes any id
    prometheus.router,
    query.router,
    session.public,
    session.known,
    service.public,
    service.viewer,
    links.router,
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
            for model in UNNAMED:
                for name, schema in _schemas(model).items():
                    schemas.setdefault(name, schema)
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
    for number, prefix in enumerate(alertmanager.PREFIXES):
        for router in (alertmanager.viewer, alertmanager.operator):
            app.include_router(router, prefix=prefix, include_in_schema=number == 0)
    for router in ROUTERS:
        app.include_router(router)
    return app


def _schemas(model: type[BaseModel]) -> dict[str, dict[str, Any]]:
    """The schema of a model that no route names, and of those that it is made of."""
    mode: Literal["serialization", "validation"] = "serialization" if issubclass(model, Body) else "validation"
    schema = model.model_json_schema(mode=mode, ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs", {}), model.__name__: schema}
