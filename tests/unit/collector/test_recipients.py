"""Rows of administrators as recipients, and when those who are missing are believed to have left."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.collector.core.recipients import SOURCE, Changes, Known, default_query, recipients
from services.collector.recipients_settings import AdminsSettings, NotificationsSettings
from shared.messages.access import Recipient, Token


def known(*numbers: str) -> Known:
    found = Known()
    for one in recipients([{"whatsapp": number} for number in numbers], "62", "id").recipients.values():
        found.note(one.id, one)
    return found


def ids(*numbers: str) -> dict[str, Recipient]:
    return dict(recipients([{"whatsapp": number} for number in numbers], "62", "id").recipients)


ANI, BUDI, CICI = "6281200000001", "6281200000002", "6281200000003"


def test_a_row_becomes_a_recipient() -> None:
    row = {"whatsapp": " 0812-0000-0001 ", "name": "Ani", "email": "ani@example.net", "language": "en-GB"}
    read = recipients([{**row, "zone": "Asia/Makassar", "password": "x"}], "62", "id")
    (one,) = read.recipients.values()
    assert one.model_dump(exclude={"id"}) == {
        "kind": "recipient",
        "name": "Ani",
        "whatsapp": ANI,
        "email": "ani@example.net",
        "telegram": None,
        "language": "en",
        "zone": "Asia/Makassar",
        "source": SOURCE,
    }
    assert read.problems == ()


def test_the_same_number_is_the_same_recipient_however_it_is_written() -> None:
    assert list(ids("+62 812 0000 0001")) == list(ids("081200000001")) == list(ids(ANI, ANI))


def test_what_cannot_be_used_is_counted_and_the_rest_is() -> None:
    rows: list[dict[str, Any]] = [
        {"whatsapp": "none"},
        {"whatsapp": None},
        {"whatsapp": "x", "email": "a@b.c"},
        {"whatsapp": ANI, "zone": "?"},
    ]
    read = recipients(rows, "62", "id")
    assert sorted(one.whatsapp or one.email or "" for one in read.recipients.values()) == [ANI, "a@b.c"]
    assert sorted(read.problems) == ["bad_number", "bad_number", "bad_zone", "no_address", "no_address"]


def test_only_what_changed_is_written() -> None:
    state = known(ANI)
    wanted = ids(ANI, BUDI)
    changes = state.changes(wanted)
    assert [one.whatsapp for one in changes.put] == [BUDI]
    for one in changes.put:
        state.note(one.id, one)
    assert state.changes(wanted) == Changes()


def test_who_is_missing_twice_in_a_row_has_left() -> None:
    state = known(ANI, BUDI)
    gone = next(iter(ids(BUDI)))
    assert state.changes(ids(ANI)).gone == ()
    assert state.changes(ids(ANI, BUDI)).gone == ()  # back: counted anew
    assert state.changes(ids(ANI)).gone == ()
    assert state.changes(ids(ANI)).gone == (gone,)
    state.note(gone, None)
    assert state.changes(ids(ANI)) == Changes()


def test_that_nobody_is_left_is_not_believed() -> None:
    state = known(ANI, BUDI)
    assert [state.changes({}) for _ in range(5)] == [Changes(doubtful=True)] * 5
    assert Known().changes({}) == Changes()


def test_what_is_not_of_this_source_is_left_alone() -> None:
    state = Known()
    state.note("a", Recipient(id="a", name="A", whatsapp=CICI))
    state.note("t", Token(id="t", use="bearer", hash="0", name="t", role="viewer", created_at=0))
    assert len(state) == 0
    assert state.changes(ids(ANI)).gone == state.changes(ids(ANI)).gone == ()


def test_the_default_query_asks_for_what_there_is() -> None:
    assert default_query(["id", "whatsapp", "role", "name", "password"]) == (
        "SELECT whatsapp, name FROM admin_users WHERE role = 'super_admin' AND is_active = true"
    )


@pytest.mark.parametrize(
    "section", [{"query": "DELETE FROM x"}, {"interval": "1s"}, {"country_code": "062"}, {"whom": 1}]
)
def test_settings_are_refused(section: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AdminsSettings.model_validate(section)


def test_the_rest_of_the_section_is_not_the_collectors() -> None:
    settings = NotificationsSettings.model_validate({"route": {"receiver": "ops"}, "admins": {"interval": "1m"}})
    assert settings.admins.interval_seconds == 60
