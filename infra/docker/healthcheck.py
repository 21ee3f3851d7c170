"""Whether the service in this container is ready: asks /health/ready at HEALTH_PORT.

Standard library only: it runs every few seconds in every container.
"""

import http.client
import os
import sys

TIMEOUT_SECONDS = 4.0


def main() -> int:
    """The exit status: 0 if the service says that it is ready."""
    port = int(os.environ["HEALTH_PORT"])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        print(f"nothing answers at port {port}: {error}")
        return 1
    finally:
        connection.close()
    print(text)  # `docker inspect` shows it
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
