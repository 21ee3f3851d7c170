"""Rules tried on history before they are saved."""

import asyncio

from fastapi import APIRouter, Request, Response
from starlette.types import Receive, Scope, Send

from services.api.access import OperatorRoute
from services.api.backtest_job import BacktestJob
from services.api.backtests import BacktestRefused, RunningBacktest, TooManyBacktests
from services.api.core.backtest import DAY_MS, BacktestRequest, NotInForce, Trial, trial
from services.api.core.rule_requests import bad_input
from services.api.parts import Parts, parts_of
from services.api.problems import RETRY_SECONDS, Problem, invalid, response
from services.api.routes.documented import WITH_BODY, problems
from shared.rules.errors import BadRule

router = APIRouter(route_class=OperatorRoute, tags=["rules"])

MEDIA_TYPE = "application/x-ndjson"
SEND_SECONDS = 30.0


class BacktestResponse(Response):
    """Runs a backtest and sends its lines; whatever becomes of the client, the backtest is ended in the end."""

    media_type = MEDIA_TYPE

    def __init__(self, running: RunningBacktest) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})  # a proxy that gathers lines would hide the progress
        del self.headers["Content-Length"]
        self._running = running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until all is said or the client has left."""
        answering = asyncio.create_task(self._answer(scope, receive, send))
        left = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait((answering, left), return_when=asyncio.FIRST_COMPLETED)
        finally:
            left.cancel()
            if not answering.done():
                answering.cancel()
            await asyncio.gather(answering, left, return_exceptions=True)
            await asyncio.shield(self._running.end())
        if not answering.cancelled():
            answering.result()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            first = await self._running.begin()
        except BacktestRefused as refused:
            error = refused.error
            headers = {"Retry-After": str(RETRY_SECONDS)} if error.status == 503 else None
            answer = response(Request(scope), Problem(error.status, error.detail, headers=headers))
            await answer(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async for piece in self._running.pieces(first):
            async with asyncio.timeout(SEND_SECONDS):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _left(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


@router.post(
    "/api/monitoring/alerts/rules/backtest",
    operation_id="backtestRules",
    summary="Try rules on history",
    response_class=Response,
    responses=problems(401, 403, 404, 429, 503, *WITH_BODY)
    | {
        200: {
            "description": "Lines of JSON: `progress` while it is under way; then each `transition`, `notification`,"
            " `failure` and, of a comparison, `change`; at the end `summary`, or `error` where it is not brought to"
            " its end",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/BacktestLine"}}},
        }
    },
)
async def backtest(request: Request, asked: BacktestRequest) -> BacktestResponse:
    """Evaluates rules over a stretch of history with the evaluator that runs live, and tells what they would have done:
    nothing is saved and nothing is sent. It goes on as long as the answer is read; to leave ends it."""
    parts = parts_of(request)
    most = parts.settings.api.backtest.most_days
    if asked.end - asked.start > most * DAY_MS:
        raise invalid("body.end", f"is more than {most:g} days after start: try a shorter range")
    return BacktestResponse(_started(parts, asked, await _trial(parts, asked)))


async def _trial(parts: Parts, asked: BacktestRequest) -> Trial:
    try:
        # Reading rules takes a while where there are many.
        return await asyncio.to_thread(trial, asked, dict(parts.views.rules))
    except NotInForce as error:
        raise Problem(404, str(error)) from None
    except BadRule as error:
        raise bad_input(error) from error


def _started(parts: Parts, asked: BacktestRequest, tried: Trial) -> RunningBacktest:
    settings = parts.settings
    most = settings.api.backtest
    job = BacktestJob(
        dsn=settings.database.dsn.get_secret_value(),
        log=settings.log,
        groups=tried.groups,
        current=tried.current,
        start_ms=asked.start,
        end_ms=asked.end,
        evidence=asked.evidence,
        evaluation_interval_ms=round(settings.alerting.evaluation_interval_seconds * 1000),
        dark_after_ms=round(settings.alerting.dark_after_seconds * 1000),
        external_url=settings.external.url,
        external_labels=settings.external.labels,
        most_seconds=most.most_seconds,
        most_samples=most.most_samples,
        most_series=most.most_series,
        most_transitions=most.most_transitions,
        most_instants=most.most_instants,
        most_megabytes=most.most_megabytes,
    )
    try:
        return parts.backtests.start(job)
    except TooManyBacktests:
        detail = f"{most.at_once} backtests are under way already: try again when one has ended."
        raise Problem(429, detail, headers={"Retry-After": str(RETRY_SECONDS)}) from None
