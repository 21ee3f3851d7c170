"""Whom `to` stands for."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from shared.messages.access import Recipient
from shared.routing.on_call import Override, Schedule
from shared.routing.people import Person, To
from shared.routing.recipients import Directory, recipient_of, resolve, unknown

JAKARTA = ZoneInfo("Asia/Jakarta")
NOW = 1_790_000_000_000
ANI = Person("ani", JAKARTA, "en", whatsapp="6281200000001", email="ani@example.net")
BUDI = Person("budi", JAKARTA, "id", telegram="42")
SCHEDULE = Schedule(
    "primary",
    JAKARTA,
    datetime.fromisoformat("2026-01-05T09:00"),
    timedelta(weeks=1),
    ("ani",),
    (Override("budi", NOW, NOW + 10),),
)
DIRECTORY = Directory({"ani": ANI, "budi": BUDI}, {"primary": SCHEDULE})
ADMINS = [
    Recipient(id="admin-2", name="Cici", whatsapp="6281200000002", source="admin_users"),
    Recipient(id="admin-1", name="Ani", whatsapp="6281200000001", source="admin_users"),
]


def ids(*to: To, now_ms: int = NOW) -> list[str]:
    return [one.id for one in resolve(to, DIRECTORY, ADMINS, now_ms)]


def test_a_person_is_told_as_the_person_wants() -> None:
    (one,) = resolve([To(person="ani")], DIRECTORY, ADMINS, NOW)
    assert one == recipient_of(ANI)
    assert (one.whatsapp, one.email, one.language, one.zone) == (
        "6281200000001",
        "ani@example.net",
        "en",
        "Asia/Jakarta",
    )


def test_who_is_on_call_depends_on_the_time() -> None:
    on_call = To(on_call="primary")
    assert [ids(on_call, now_ms=now) for now in (NOW - 1, NOW, NOW + 9, NOW + 10)] == [
        ["ani"],
        ["budi"],
        ["budi"],
        ["ani"],
    ]


def test_administrators_and_numbers() -> None:
    assert ids(To(admins=True)) == ["admin-1", "admin-2"]
    assert ids(To(number="120363000000000000@g.us")) == ["120363000000000000@g.us"]


def test_nobody_is_told_twice_and_the_configured_person_goes_before() -> None:
    both = [To(admins=True), To(person="ani"), To(on_call="primary"), To(number="6281200000002")]
    assert ids(*both, now_ms=NOW - 1) == ["ani", "6281200000002"]


def test_what_is_not_there_is_found_beforehand() -> None:
    to = [To(person="eka"), To(on_call="nights"), To(person="ani"), To(admins=True)]
    assert unknown(to, DIRECTORY) == ["there is no eka among people", "there is no schedule nights in on_call"]
    assert ids(*to[:2]) == []


def test_quiet_hours_are_those_of_the_configured_person_also_for_an_administrator() -> None:
    people = [DIRECTORY.person_of(one) for one in (recipient_of(ANI), ADMINS[1], ADMINS[0])]
    assert people == [ANI, ANI, None]
    assert DIRECTORY.person_of(Recipient(id="ani", name="Ani", source="admin_users")) is None, "no number, nobody"
