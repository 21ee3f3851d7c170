"""What `people`, `on_call` and `to` may say, and how they refuse the rest."""

import pytest
import yaml
from pydantic import ValidationError

from shared.routing.numbers import whatsapp_address, whatsapp_number
from shared.routing.on_call import on_call_at
from shared.routing.people_settings import PeopleSettings, ToSettings
from tests.unit.routing.instants import at_ms

WEEKLY = "{name: primary, people: [ani, budi], from: 2026-11-02}"
PEOPLE = "people: [{name: ani}, {name: budi}]\n"


def read(text: str) -> PeopleSettings:
    return PeopleSettings.model_validate(yaml.safe_load(text))


def test_a_person_has_what_is_said_and_the_rest_from_everybody() -> None:
    text = """
people:
  - {name: ani, whatsapp: 62812-0000-0000, email: ani@example.net, telegram: -100123, language: en, zone: Asia/Makassar}
  - {name: budi, whatsapp: 6281200000001}
"""
    ani, budi = read(text).directory("Asia/Jakarta", "id").values()
    assert (ani.whatsapp, ani.telegram, ani.language, ani.zone.key) == (
        "6281200000000",
        "-100123",
        "en",
        "Asia/Makassar",
    )
    assert (budi.whatsapp, budi.email, budi.language, budi.zone.key) == ("6281200000001", None, "id", "Asia/Jakarta")


def test_times_may_stand_without_quotes() -> None:
    quiet = (
        read("people: [{name: ani, quiet_hours: [{from: 22:00, to: 06:00, weekdays: [sat:mon]}]}]")
        .people[0]
        .quiet_hours
    )
    hours = quiet[0].hours()
    assert (hours.begins_minute, hours.ends_minute, hours.weekdays) == (22 * 60, 6 * 60, frozenset({5, 6, 0}))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("people: [{name: ani}, {name: ani}]", "two are called ani"),
        ("people: [{name: ani, whatsapp: 081200000000}]", "country's code"),
        ("people: [{name: ani, email: nobody}]", "email"),
        ("people: [{name: ani, zone: Jakarta}]", "time zone"),
        ("people: [{name: ani, quiet_hours: [{from: '22:60', to: '06:00'}]}]", "no time of the day"),
        ("people: [{name: ani, quiet_hours: [{from: '24:00', to: '06:00'}]}]", "begins at 00:00"),
        ("people: [{name: ani, quiet_hours: [{from: '00:00', to: '24:00', except: [info]}]}]", "of warning alerts"),
        ("people: [{name: ani, quiet_hours: [{from: '1:00', to: '6:00', weekdays: [xyz]}]}]", "no day of the week"),
        ("on_call: [" + WEEKLY + "]", "no ani, budi among people"),
        (PEOPLE + "on_call: [" + WEEKLY + ", " + WEEKLY + "]", "two are called primary"),
        (PEOPLE + "on_call: [{name: a, people: [], from: 2026-11-02}]", "at least 1"),
        (PEOPLE + "on_call: [{name: a, people: [ani], from: 2026-11-02, every: 1h}]", "not between 4h and 52w"),
        (PEOPLE + "on_call: [{name: a, people: [ani], from: 2026-11-02, every: 2d, handover: Tue 9:00}]", "write 9:00"),
        (PEOPLE + "on_call: [{name: a, people: [ani], from: 2026-11-02, only: [{from: '1:00', to: '2:00'}]}]", "both"),
        (
            PEOPLE + "on_call: [{name: a, people: [ani], from: 2026-11-02,"
            " overrides: [{person: budi, from: 2026-12-02, to: 2026-12-01}]}]",
            "ends before it begins",
        ),
        (
            PEOPLE + "on_call: [{name: a, people: [ani], from: 2026-11-02, only: [{from: '1:00', to: '2:00'}],"
            " otherwise: {on_call: a}}]",
            "a -> a leads back",
        ),
        (
            PEOPLE + "on_call: [{name: a, people: [ani], from: 2026-11-02, only: [{from: '1:00', to: '2:00'}],"
            " otherwise: {on_call: b}}]",
            "there is no schedule b",
        ),
    ],
)  # fmt: skip
def test_what_does_not_make_sense_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        read(text)


def test_overrides_are_in_the_schedules_zone_unless_they_say_another() -> None:
    settings = read(
        PEOPLE + "on_call: [{name: primary, people: [ani], from: 2026-11-02, zone: Asia/Jakarta, overrides: ["
        "{person: budi, from: 2026-12-24, to: 2026-12-25T12:00},"
        "{person: budi, from: 2026-12-30T00:00:00Z, to: 2026-12-30T01:00:00Z}]}]"
    )
    schedule = settings.schedules("Europe/Berlin")["primary"]
    told = [(one.begins_ms, one.ends_ms) for one in schedule.overrides]
    assert told == [
        (at_ms("2026-12-23T17:00Z"), at_ms("2026-12-25T05:00Z")),
        (at_ms("2026-12-30T00:00Z"), at_ms("2026-12-30T01:00Z")),
    ]
    assert on_call_at(schedule, at_ms("2026-12-24T12:00Z")) == "budi"


@pytest.mark.parametrize(
    ("text", "country", "digits"),
    [
        ("+62 812-0000-0000", None, "6281200000000"),
        ("0062 (812) 0000.0000", None, "6281200000000"),
        ("0812 0000 0000", "62", "6281200000000"),
        ("6281200000000@c.us", None, "6281200000000"),
    ],
)
def test_numbers_become_what_gateways_want(text: str, country: str | None, digits: str) -> None:
    assert whatsapp_number(text, country) == digits


@pytest.mark.parametrize("text", ["", "0812 0000 0000", "+62 ani", "62" * 10, "1203630@g.us"])
def test_what_is_no_number_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="is no telephone number") as refused:
        whatsapp_number(text)
    assert not text or text not in str(refused.value)


def test_a_group_is_an_address() -> None:
    assert whatsapp_address("120363000000000000@g.us") == "120363000000000000@g.us"


@pytest.mark.parametrize("text", ["{}", "{person: ani, admins: true}", "{admins: false}", "{who: ani}"])
def test_a_receiver_tells_exactly_one(text: str) -> None:
    with pytest.raises(ValidationError):
        ToSettings.model_validate(yaml.safe_load(text))
