"""Whether a name server answers, and with what."""

import dns.asyncresolver
import dns.exception
import dns.rcode
import dns.resolver

from services.health.check import Check, Finding, judged
from services.health.core.complaints import Complaint
from services.health.core.dns_answers import of_answers
from services.health.core.judgments import of_time
from services.health.settings import Settings
from services.health.target_settings import DnsTargetSettings
from shared import clock

KIND = "dns"
MOST_SHOWN = 20


class DnsCheck:
    """Asks anew each time, over UDP and, where the answer is cut, TCP; nothing is remembered."""

    kind = KIND
    secrets: frozenset[str] = frozenset()

    def __init__(self, settings: DnsTargetSettings, interval_seconds: float, deadline_seconds: float) -> None:
        self.name = f"{KIND}:{settings.name}"
        self._settings = settings
        self.interval_seconds, self.deadline_seconds = interval_seconds, deadline_seconds

    async def run(self) -> Finding:
        """Ask for the name."""
        settings, began = self._settings, clock.elapsed()
        details = {"query": f"{settings.query} {settings.type}"}
        try:
            resolver = self._resolver()
            details["resolver"] = ", ".join(str(one) for one in resolver.nameservers)
            answer = await resolver.resolve(
                settings.query, settings.type, raise_on_no_answer=False, lifetime=0.9 * self.deadline_seconds
            )
        except dns.exception.DNSException as error:
            return judged([_complaint(error, settings.query)], details)
        answers = sorted(record.to_text() for record in answer.rrset or ())
        complaints = of_answers(answers, settings.expected, only=settings.only)
        complaints += of_time(clock.elapsed() - began, settings.degraded_seconds)
        shown: dict[str, object] = {"answers": answers[:MOST_SHOWN], "answers_total": len(answers)}
        if answer.rrset is not None:
            shown["ttl_seconds"] = answer.rrset.ttl
        return judged(complaints, details | shown)

    def _resolver(self) -> dns.asyncresolver.Resolver:
        """The name server of the settings, else the system's as they are now."""
        address = self._settings.resolver
        resolver = dns.asyncresolver.Resolver(configure=address is None)
        if address is not None:
            resolver.nameservers = [str(address)]
            resolver.port = self._settings.port
        # A single lost datagram is no outage: three tries within the deadline.
        resolver.timeout = 0.3 * self.deadline_seconds
        resolver.search = []
        return resolver


def _complaint(error: dns.exception.DNSException, query: str) -> Complaint:
    """What the resolver says is wrong."""
    if isinstance(error, dns.resolver.NXDOMAIN):
        return Complaint("unhealthy", "no_such_name", f"there is no name {query}")
    if isinstance(error, dns.resolver.NoNameservers):
        text = str(error)
        said = next((code for code in ("SERVFAIL", "REFUSED", "NOTIMP", "FORMERR") if code in text), "")
        return Complaint("unhealthy", said.lower() or "no_server", f"no usable answer: {said or text[:200]}")
    if isinstance(error, dns.exception.Timeout):
        return Complaint("unhealthy", "timeout", "the name server did not answer in time")
    return Complaint("unhealthy", "protocol", str(error)[:200] or type(error).__name__)


def checks(settings: Settings) -> list[Check]:
    """One check for each target, `dns:<name>`."""
    own = settings.health
    return [DnsCheck(one, own.interval_of(one), own.deadline_of(one)) for one in own.dns if one.enabled]
