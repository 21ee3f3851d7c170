"""A notice as a mail: headers that mail programs and mailing lists understand, a text and an HTML part."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from services.notifier.core.cutting import one_line
from services.notifier.core.notice import Notice
from shared.messages.message import content_id

LONGEST_HEADER = 900
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Mail:
    """What is in it."""

    sender: str
    to: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]
    """More of them, and others in place of ours."""
    threaded: bool = True
    """Whether mails of one group stand together."""


def message(mail: Mail, notice: Notice) -> bytes:
    """The mail as it goes on the wire; the same for the same notice. ValueError for an address that is none."""
    domain = _addresses(mail.sender)[0].domain
    made = EmailMessage(policy=SMTP)
    headers = {
        "From": _addresses(mail.sender),
        "To": _addresses(mail.to),
        "Subject": mail.subject,
        "Date": format_datetime(_EPOCH + timedelta(milliseconds=notice.planned_ms)),
        "Message-ID": f"<{notice.id}@{domain}>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "List-Id": f"Pantau <{_label(notice.receiver)}.pantau.{domain}>",
    }
    if mail.threaded:
        # Nobody has seen the mail that all answer to: so the order of arrival does not matter.
        root = f"<{content_id('thread', notice.receiver, notice.group_key)}@{domain}>"
        headers |= {"In-Reply-To": root, "References": root}
    if notice.status == "firing" and any(one.event.severity == "critical" for one in notice.firing):
        headers |= {"Importance": "high", "X-Priority": "1"}
    named = {name.lower(): name for name in headers}
    for name, value in mail.headers.items():
        headers[named.get(name.lower(), name)] = _addresses(value) if name.lower() in _ADDRESSED else value
    for name, header in headers.items():
        made[name] = one_line(header)[:LONGEST_HEADER] if isinstance(header, str) else header
    if mail.text or not mail.html:
        made.set_content(mail.text or "\n")
        if mail.html:
            made.add_alternative(mail.html, subtype="html")
    else:
        made.set_content(mail.html, subtype="html")
    if made.is_multipart():
        made.set_boundary(f"=_{notice.id}")
    return made.as_bytes()


_ADDRESSED = frozenset({"to", "from", "cc", "reply-to", "sender"})


def addresses(text: str) -> list[str]:
    """The plain addresses in `A <a@b.c>, d@e.f`. ValueError if any is none."""
    return [one.addr_spec for one in _addresses(text)]


def _addresses(text: str) -> tuple[Address, ...]:
    if not text.isprintable():
        raise ValueError("an address holds control characters")
    header = SMTP.header_factory("To", text)
    if header.defects or not header.addresses:
        raise ValueError(f"{text[:120]!r} is no mail address")
    for one in header.addresses:
        if not one.username or not one.domain or not one.addr_spec.isascii():
            raise ValueError(f"{text[:120]!r} is no mail address of the form name@domain in ASCII")
    return tuple(header.addresses)


def _label(name: str) -> str:
    return "".join(one if one.isascii() and (one.isalnum() or one == "-") else "-" for one in name)[:63] or "alerts"
