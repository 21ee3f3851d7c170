"""What can go wrong between us and a gateway, by reason."""

# The reasons as the label of `whatsapp_errors_total` has them; docs/whatsapp.md says what each means.
REASONS = (
    *("timeout", "refused", "unreachable", "tls", "closed", "unauthorized", "redirected", "rate_limited"),
    *("http_error", "server_error", "too_large", "bad_json", "bad_value"),
)


class GatewayError(Exception):
    """The gateway can't be asked, or says what can't be; `reason` is one of REASONS. The text holds no secret."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
