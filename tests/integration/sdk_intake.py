"""An HTTP server that stands for Pantau's api, answering as a test wants, and what it was sent."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

METRICS = "/api/monitoring/metrics"
REQUESTS = "/api/monitoring/requests"


@dataclass(frozen=True)
class Reply:
    """An answer; `drip`: its body never comes to its end."""

    status: int = 202
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drip: bool = False


Answering = Callable[[str, Any], Reply]


@dataclass
class Intake:
    """What came, and the answers: `answer` is asked with path and body."""

    url: str = ""
    answer: Answering = lambda path, body: Reply()
    taken: list[tuple[str, Any]] = field(default_factory=list)
    attempts: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)
    ended: threading.Event = field(default_factory=threading.Event)

    def samples(self, name: str) -> list[dict[str, Any]]:
        """The samples of a metric that were taken, in their order."""
        return [one for path, body in list(self.taken) if path == METRICS for one in body if one["metric_name"] == name]

    def requests(self) -> list[dict[str, Any]]:
        """The request logs that were taken, in their order."""
        return [one for path, body in list(self.taken) if path == REQUESTS for one in body["requests"]]


@contextmanager
def intake(port: int = 0) -> Iterator[Intake]:
    """One that listens, until the end of the block."""
    found = Intake()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            found.connections.add(self.client_address)
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.attempts.append((self.path, dict(self.headers)))
            reply = found.answer(self.path, body)
            if reply.status == 202:
                found.taken.append((self.path, body))
            payload = b"" if reply.body is None else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(payload) + reply.drip))
            self.end_headers()
            self.wfile.write(payload)
            if reply.drip:
                found.ended.wait()
                self.close_connection = True

        def log_message(self, format: str, *values: Any) -> None:
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    try:
        yield found
    finally:
        found.ended.set()
        server.shutdown()
        serving.join()
        server.server_close()
