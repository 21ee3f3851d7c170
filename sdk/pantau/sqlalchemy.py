"""Times SQLAlchemy's queries: `watch(engine, pantau)`, for an Engine or an AsyncEngine."""

from typing import Any

from sqlalchemy import event

from pantau import clock
from pantau.client import Pantau

STARTED = "_pantau_started"


def watch(engine: Any, pantau: Pantau) -> None:
    """Time what the engine's connections execute from now on."""

    def before(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
        if context is not None:
            setattr(context, STARTED, clock.elapsed())

    def after(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
        _take(context, statement, pantau)

    def failed(error: Any) -> None:
        if error.statement is not None:
            _take(error.execution_context, error.statement, pantau)

    target = getattr(engine, "sync_engine", engine)
    event.listen(target, "before_cursor_execute", before)
    event.listen(target, "after_cursor_execute", after)
    event.listen(target, "handle_error", failed)


def _take(context: Any, statement: str, pantau: Pantau) -> None:
    """Once for each execution: an error may come before it began, or after it was over."""
    started = getattr(context, STARTED, None)
    if started is not None:
        setattr(context, STARTED, None)
        pantau.queries.record_statement(statement, clock.elapsed() - started)
