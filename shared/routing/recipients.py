"""Whom a receiver tells at an instant: the people that its `to` stands for, and when they are not to be disturbed."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from shared.messages.access import Recipient
from shared.routing.on_call import Schedule, on_call_at
from shared.routing.people import Person, To


@dataclass(frozen=True)
class Directory:
    """The people that are configured, and who of them takes turns."""

    people: Mapping[str, Person] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)

    def person_of(self, recipient: Recipient) -> Person | None:
        """The configured person whom `recipient` stands for, with quiet hours: by name, or, of an administrator, by
        the number; None for all others."""
        if not recipient.source:
            return self.people.get(recipient.id)
        return None if recipient.whatsapp is None else self._by_number.get(recipient.whatsapp)

    @cached_property
    def _by_number(self) -> dict[str, Person]:
        found: dict[str, Person] = {}
        for person in self.people.values():
            if person.whatsapp is not None:
                found.setdefault(person.whatsapp, person)
        return found


@dataclass(frozen=True, slots=True)
class Chosen:
    """Somebody who is told, and because of which entry."""

    recipient: Recipient
    to: To


def choose(to: Iterable[To], directory: Directory, admins: Collection[Recipient], now_ms: int) -> list[Chosen]:
    """The people, each once, those that are configured first; of two with the same address the first, so that nobody
    is told twice who is an administrator and on call. Names that the directory does not have stand for nobody:
    `unknown` finds them beforehand."""
    wanted = list(to)
    named = [(name, one) for one in wanted if (name := _name(one, directory, now_ms)) is not None]
    found = [Chosen(recipient_of(directory.people[name]), one) for name, one in named if name in directory.people]
    found += [Chosen(_of_number(one.number), one) for one in wanted if one.number is not None]
    for_admins = next((one for one in wanted if one.admins), None)
    if for_admins is not None:
        found += [Chosen(one, for_admins) for one in sorted(admins, key=lambda one: one.id)]
    chosen: dict[str, Chosen] = {}
    for one in found:
        who = one.recipient
        chosen.setdefault(who.whatsapp or who.email or who.telegram or who.id, one)
    return list(chosen.values())


def resolve(to: Iterable[To], directory: Directory, admins: Collection[Recipient], now_ms: int) -> list[Recipient]:
    """The people that `choose` finds."""
    return [one.recipient for one in choose(to, directory, admins, now_ms)]


def recipient_of(person: Person) -> Recipient:
    """The person as receivers see one; the name is the id."""
    return Recipient(
        id=person.name,
        name=person.name,
        whatsapp=person.whatsapp,
        email=person.email,
        telegram=person.telegram,
        language=person.language,
        zone=person.zone.key,
    )


def unknown(to: Iterable[To], directory: Directory) -> list[str]:
    """What is named and is not there, in words."""
    found = []
    for one in to:
        if one.person is not None and one.person not in directory.people:
            found.append(f"there is no {one.person} among people")
        if one.on_call is not None and one.on_call not in directory.schedules:
            found.append(f"there is no schedule {one.on_call} in on_call")
    return found


def _name(to: To, directory: Directory, now_ms: int) -> str | None:
    if to.on_call is not None:
        schedule = directory.schedules.get(to.on_call)
        return None if schedule is None else on_call_at(schedule, now_ms)
    return to.person


def _of_number(number: str) -> Recipient:
    return Recipient(id=number, name=number, whatsapp=number)
