"""What a program says of itself: logs on standard error, one line an event, through structlog."""

import logging
import sys

import structlog
from structlog.typing import Processor

from shared import clock
from shared.settings import LogSettings

# Libraries that tell more than an operator wants to read at their own INFO.
QUIET = (
    *("aiokafka", "kafka", "faust", "mode", "uvicorn.access", "uvicorn.error", "asyncio", "aiohttp.access"),
    "librouteros",  # which tells, at the level of debugging, each word it sends: the password too
)
# aiokafka tells of each failed attempt to reach a broker, dozens a second; one of a kind is enough for so long.
REPEATING = "aiokafka"
REPEAT_SECONDS = 30.0


def configure_logging(service: str, settings: LogSettings) -> None:
    """Send structlog's events and the standard library's records through one renderer, console or JSON."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if settings.format == "json"
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(NotAgain())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)


class NotAgain(logging.Filter):
    """Lets a message of the repeating libraries through once in a while, and then says how many were left out."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether `record` is to be written; the messages are told apart by their text before values go in."""
        if not record.name.startswith(REPEATING):
            return True
        message, now = str(record.msg), clock.elapsed()
        if now - self._last.get(message, -REPEAT_SECONDS) < REPEAT_SECONDS:
            self._left_out[message] = self._left_out.get(message, 0) + 1
            return False
        self._last[message] = now
        if left_out := self._left_out.pop(message, 0):
            record.msg = f"{message} (and {left_out} more like it)"
        return True
