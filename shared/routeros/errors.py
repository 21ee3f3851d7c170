"""What can go wrong between us and a router."""

REASONS = (
    "timeout",
    "refused",
    "unreachable",
    "tls",
    "login",
    "closed",
    "protocol",
    "fatal",
    "trap",
    "bad_value",
    "too_many",
)
"""Short words for metrics. `trap`: the router says that a command failed; `fatal`: that it ends the connection;
`protocol`: what it sends is not the API's; `bad_value`: an answer in good form holds something impossible."""


class RouterError(Exception):
    """Something went wrong; `reason` is one of REASONS. The text holds no secret."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(f"{reason}: {text}")
        self.reason = reason
