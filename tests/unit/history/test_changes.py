"""Which messages of a compacted topic are a new version."""

from services.history.core.changes import Change, version_rows
from services.history.core.instants import at
from services.history.core.tables import Row
from shared.messages.silences import Matcher, Silence


def change(key: str, message: Silence | None, offset: int = 0) -> Change:
    return Change(key, message, accepted_ms=1000 + offset, partition=3, offset=offset)


def silence(comment: str) -> Silence:
    return Silence(
        id="s1",
        kind="silence",
        matchers=[Matcher(name="host", value="web-1")],
        starts_at=0,
        ends_at=1,
        created_by="ana",
        created_at=0,
        comment=comment,
    )


A, B = silence("a"), silence("b")


def told(rows: list[Row]) -> list[tuple[str, str | None]]:
    return [(key, document and Silence.decode(document.encode()).comment) for key, document, *_ in rows]


def test_what_is_sent_again_is_no_new_version_but_what_comes_back_is() -> None:
    changes = [change("s1", one, offset) for offset, one in enumerate([A, A, B, A, None, None, A])]
    rows = version_rows({}, changes)
    assert told(rows) == [("s1", "a"), ("s1", "b"), ("s1", "a"), ("s1", None), ("s1", "a")]
    assert [row[3:] for row in rows] == [(at(1000 + offset), 3, offset) for offset in (0, 2, 3, 4, 6)]


def test_what_is_in_force_already_counts() -> None:
    (first,) = version_rows({}, [change("s1", A, 0)])
    assert version_rows({"s1": first[2]}, [change("s1", A, 9)]) == []
    assert told(version_rows({"s1": first[2]}, [change("s1", None, 9)])) == [("s1", None)]
    assert version_rows({"s1": None}, [change("s1", None, 9)]) == []
    assert told(version_rows({"s1": None}, [change("s1", A, 9)])) == [("s1", "a")]


def test_a_deletion_of_what_was_never_seen_is_kept_and_keys_are_apart() -> None:
    rows = version_rows({}, [change("s1", A, 0), change("s2", A, 0), change("s3", None, 0)])
    assert told(rows) == [("s1", "a"), ("s2", "a"), ("s3", None)]
