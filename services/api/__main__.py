"""`python -m services.api`: serves the HTTP API, the live stream and the browser application."""

from functools import partial

from services.api.server import PortTaken, listen, serve
from services.api.settings import Settings
from shared.service import Program, main


def program(settings: Settings) -> Program:
    """Takes the port before anything else, so that a port in use is said at once."""
    try:
        listening = listen(settings.api)
    except PortTaken as error:
        raise SystemExit(f"api: {error}") from None
    return partial(serve, settings, listening)


if __name__ == "__main__":
    main("api", Settings, lambda settings: None, program, needs_bus=False)
