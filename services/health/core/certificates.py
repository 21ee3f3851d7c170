"""How long a certificate is still good."""

from services.health.core.complaints import Complaint
from shared.messages.message import instant_to_text

DAY_MS = 24 * 60 * 60 * 1000


def days_left(not_after_ms: int, now_ms: int) -> float:
    """Days until the certificate runs out, to a tenth; negative once it has."""
    return round((not_after_ms - now_ms) / DAY_MS, 1)


def of_expiry(not_after_ms: int, now_ms: int, degraded_days: float, unhealthy_days: float) -> list[Complaint]:
    """What is wrong with a certificate that is good until `not_after_ms`: less is left than should be."""
    left = days_left(not_after_ms, now_ms)
    if left >= degraded_days:
        return []
    when = instant_to_text(not_after_ms)
    text = f"the certificate runs out in {left:g} days ({when})" if left >= 0 else f"the certificate ran out ({when})"
    return [Complaint("unhealthy" if left < unhealthy_days else "degraded", "certificate", text)]
