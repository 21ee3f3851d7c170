"""The application's administrators as recipients: what rows say, and when somebody who is missing has left."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.messages.access import Recipient
from shared.messages.message import content_id
from shared.routing.numbers import whatsapp_number
from shared.routing.people import Language

SOURCE = "admin_users"
COLUMNS = ("whatsapp", "name", "email", "telegram", "language", "zone")
"""What a row may say."""
LONGEST = 200
# So many answers in a row must lack somebody who is known before that is believed.
MISSING_BELIEVED = 2


@dataclass(frozen=True, slots=True)
class Read:
    """What an answer says."""

    recipients: Mapping[str, Recipient]
    """By id."""
    problems: tuple[str, ...] = ()
    """For each row, or part of one, that can't be used, the reason in a word."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be written, so that what is known is what was read."""

    put: tuple[Recipient, ...] = ()
    gone: tuple[str, ...] = ()
    doubtful: bool = False
    """Nobody at all was found, though there were some: that is not believed."""


def recipients(rows: Iterable[Mapping[str, Any]], country_code: str, language: Language) -> Read:
    """One for each row with an address; of rows with the same one, the first. An id follows from the address, for not
    every application has another that lasts."""
    found: dict[str, Recipient] = {}
    problems: list[str] = []
    for row in rows:
        said = {name: text for name in COLUMNS if (text := str(row.get(name) or "").strip()[:LONGEST])}
        try:
            whatsapp = whatsapp_number(said["whatsapp"], country_code) if "whatsapp" in said else None
        except ValueError:
            problems.append("bad_number")
            whatsapp = None
        address = whatsapp or said.get("email") or said.get("telegram")
        if address is None:
            problems.append("no_address")
            continue
        zone = said.get("zone")
        if zone is not None and not _is_zone(zone):
            problems.append("bad_zone")
            zone = None
        one = Recipient(
            id=f"admin-{content_id(SOURCE, address)[:16]}",
            name=said.get("name", f"Admin …{address[-4:]}" if whatsapp else "Admin"),
            whatsapp=whatsapp,
            email=said.get("email"),
            telegram=said.get("telegram"),
            language=_language(said.get("language"), language),
            zone=zone,
            source=SOURCE,
        )
        found.setdefault(one.id, one)
    return Read(found, tuple(problems))


class Known:
    """The recipients of this source that the bus has, and how often in a row each was missing in what was read."""

    def __init__(self) -> None:
        self._known: dict[str, Recipient] = {}
        self._missing: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._known)

    def note(self, key: str, message: object) -> None:
        """Take a message of `pantau.access`; None is a tombstone."""
        if isinstance(message, Recipient) and message.source == SOURCE:
            self._known[key] = message
        else:
            self._known.pop(key, None)

    def changes(self, read: Mapping[str, Recipient]) -> Changes:
        """What is to be written after an answer. One without anybody changes nothing: a table that is being filled
        anew, or a query of the wrong database, must not leave a page without anybody to go to."""
        if not read:
            return Changes(doubtful=bool(self._known))
        put = tuple(one for key, one in read.items() if self._known.get(key) != one)
        self._missing = {key: self._missing.get(key, 0) + 1 for key in self._known if key not in read}
        return Changes(put, tuple(key for key, times in self._missing.items() if times >= MISSING_BELIEVED))


def default_query(columns: Collection[str]) -> str:
    """The specification's query, for an `admin_users` with these columns."""
    picked = ", ".join(name for name in COLUMNS if name in columns)
    return f"SELECT {picked} FROM admin_users WHERE role = 'super_admin' AND is_active = true"  # noqa: S608  # names of ours


def _language(text: str | None, otherwise: Language) -> Language:
    if text is None:
        return otherwise
    return "en" if text.lower().startswith("en") else "id" if text.lower().startswith(("id", "in")) else otherwise


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
