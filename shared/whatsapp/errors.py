"""What can go wrong between us and a gateway, by reason."""

from typing import Any

# The reasons as the label of `whatsapp_errors_total` has them; docs/whatsapp.md says what each means.
REASONS = (
    *("timeout", "refused", "unreachable", "tls", "closed", "unauthorized", "redirected", "rate_limited"),
    *("http_error", "server_error", "too_large", "bad_json", "bad_value"),
)


class GatewayError(Exception):
    """The gateway can't be asked, or says what can't be; `reason` is one of REASONS, or `not_taken` of a message that
    it did not want. The text holds no secret."""

    def __init__(
        self, reason: str, text: str, status: int | None = None, answer: Any = None, retry_after: str | None = None
    ) -> None:
        super().__init__(text)
        self.reason, self.status, self.answer, self.retry_after = reason, status, answer, retry_after
        """With an HTTP status that says no: that, the JSON beside it (None: there was none), the header."""
