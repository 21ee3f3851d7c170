"""Request bodies are bounded: in length, counted while they are read, and in the time they take to come."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.problems import Problem

LONGEST = 1024 * 1024
SECONDS = 30.0


class BoundedBody:
    """ASGI middleware: whoever reads too long a body gets Problem 413, or 408 if it doesn't come."""

    def __init__(self, app: ASGIApp, longest: int = LONGEST, seconds: float = SECONDS) -> None:
        self._app, self._longest, self._seconds = app, longest, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        # What is declared as too long need not be read to know it; what is declared is not trusted otherwise.
        size = int(declared) if declared.isdigit() and int(declared) > self._longest else 0
        complete = False
        loop = asyncio.get_running_loop()
        until = loop.time() + self._seconds

        async def receiving() -> Message:
            nonlocal size, complete
            if complete:  # from here on it waits for the client to leave, which may take as long as it likes
                return await receive()
            if size <= self._longest:
                try:
                    async with asyncio.timeout_at(until):
                        message = await receive()
                except TimeoutError:
                    raise Problem(408, f"The body did not come within {self._seconds:g} s.") from None
                size += len(message.get("body", b""))
            if size > self._longest:
                raise Problem(413, f"The body is longer than {self._longest} bytes; send it in parts.")
            complete = not message.get("more_body", False)
            return message

        await self._app(scope, receiving, send)
