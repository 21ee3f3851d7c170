"""TLS as the checks speak it, and how long the certificate that they met is still good."""

import ssl
from functools import lru_cache
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field, model_validator

from services.health.core.certificates import days_left, of_expiry
from services.health.core.complaints import Complaint
from services.health.core.results import CERTIFICATE_EXPIRY
from shared.http_settings import TlsSettings
from shared.messages.message import instant_to_text
from shared.metrics import Metric

Days = Annotated[float, Field(ge=0, le=3_650)]


class ClientTlsSettings(TlsSettings):
    """How TLS is spoken, and when a certificate must be renewed. Of one that is not verified nothing is said."""

    degraded_days: Days = 14.0
    """Degraded when the certificate runs out within so many days."""
    unhealthy_days: Days = 3.0
    """Unhealthy when it does within so many."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.unhealthy_days > self.degraded_days:
            raise ValueError("unhealthy_days must not be above degraded_days")
        return self

    def context(self) -> ssl.SSLContext:
        """The TLS context, which all with the same settings share. ValueError naming the file that is no good."""
        return _context(self)


@lru_cache(maxsize=64)  # each holds all that is trusted: about a megabyte
def _context(settings: ClientTlsSettings) -> ssl.SSLContext:
    return TlsSettings.context(settings)


class Certificate(NamedTuple):
    """What there is to say about the certificate of a server."""

    details: dict[str, Any]
    complaints: list[Complaint]
    figures: tuple[tuple[Metric, float], ...]


def certificate_of(tls: ssl.SSLObject | ssl.SSLSocket | None, settings: ClientTlsSettings, now_ms: int) -> Certificate:
    """About the certificate of a connection; nothing if it is plain or was not verified."""
    peer = tls.getpeercert() if tls is not None else None
    until = peer.get("notAfter") if peer else None
    if not isinstance(until, str):
        return Certificate({}, [], ())
    not_after = ssl.cert_time_to_seconds(until)
    not_after_ms = round(not_after * 1000)
    return Certificate(
        {
            "certificate_expires_at": instant_to_text(not_after_ms),
            "certificate_days_left": days_left(not_after_ms, now_ms),
        },
        of_expiry(not_after_ms, now_ms, settings.degraded_days, settings.unhealthy_days),
        ((CERTIFICATE_EXPIRY, not_after),),
    )
