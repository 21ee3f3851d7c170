"""How rule groups are shown, told apart, checked and remembered."""

from typing import Any

import pytest

from services.api.core.bodies import Where
from services.api.core.ingest import BadInput
from services.api.core.preconditions import Seen, seen
from services.api.core.rule_checks import check_cycles, check_group
from services.api.core.rule_requests import read_new, read_replacement
from services.api.core.rule_versions import Current, Deletion, Stored, deleted_versions, versions
from services.api.core.rules import NoSuchRule, content_hash, promoted, status_body
from shared.messages.rules import AlertingRule, GroupStatus, RuleGroup
from shared.messages.topics import DAY_MS
from shared.rules.errors import BadRule
from shared.rules.files import parse_rule_file

NOW = 1_700_000_000_000


def group(rules: str = "[{alert: A, expr: m > 1}]", name: str = "g", **fields: Any) -> RuleGroup:
    (draft,) = parse_rule_file(f"groups: [{{name: {name}, rules: {rules}}}]", "f")
    return draft.group(fields.pop("version", 1), "sri", NOW, "api").model_copy(update=fields)


def told(**fields: Any) -> GroupStatus:
    usual = {"group": "g", "version": 1, "state": "active", "told_at": NOW, "worker": "w"}
    return GroupStatus(**(usual | fields))


@pytest.mark.parametrize(
    ("held", "status", "state", "reason"),
    [
        (group(), told(), "active", None),
        (group(), told(state="filling"), "filling", None),
        (group(), told(state="refused", reason="cycle: g -> h -> g"), "refused", "cycle: g -> h -> g"),
        (group(), None, "unknown", "has not said anything"),
        (group(version=2), told(), "unknown", "has not taken up version 2"),
        (group(), told(told_at=NOW - 119_000), "active", None),
        (group(), told(told_at=NOW - 121_000), "unknown", "nothing about it since 2023-11-14T22:11:19.000Z"),
        (group(enabled=False), told(), "disabled", None),
    ],
)
def test_what_alerting_said_last_is_the_state_unless_it_is_about_another_time_or_version(
    held: RuleGroup, status: GroupStatus | None, state: str, reason: str | None
) -> None:
    body = status_body(held, status, NOW)
    assert body.state == state
    assert (reason is None and body.reason is None) or (reason or "") in (body.reason or "")


def test_groups_of_one_content_are_alike_whatever_their_order_author_and_version() -> None:
    one = group("[{alert: A, expr: m, labels: {a: '1', b: '2'}, annotations: {c: '1', d: '2'}}]")
    other = group("[{alert: A, expr: m, labels: {b: '2', a: '1'}, annotations: {d: '2', c: '1'}}]", version=9)
    assert content_hash(one) == content_hash(other)
    assert content_hash(one) != content_hash(one.model_copy(update={"enabled": False}))
    assert content_hash(one) != content_hash(group("[{alert: A, expr: m, labels: {a: '1', b: '3'}}]"))


def test_promoting_names_what_there_is() -> None:
    shadows = group("[{alert: A, expr: m, shadow: true}, {record: r, expr: m}, {alert: B, expr: m, shadow: true}]")

    def left(rule: str | None) -> list[str]:
        found = promoted(shadows, rule).rules
        return [one.name for one in found if isinstance(one, AlertingRule) and one.shadow]

    assert (left(None), left("A"), left("B")) == ([], ["B"], ["A"])
    for name in ("C", "r"):
        with pytest.raises(NoSuchRule):
            promoted(shadows, name)


# Checks


def test_a_group_can_not_look_further_back_than_samples_are_kept() -> None:
    month = group("[{alert: A, expr: 'max_over_time(m[30d]) > 1'}]")
    check_group(month, 30 * DAY_MS)
    for late in (
        group("[{alert: A, expr: m}, {alert: B, expr: 'm offset 30d'}]"),
        group("[{record: r, expr: 'max_over_time(rate(m[1d])[30d:1h])'}]"),
        month.model_copy(update={"query_offset_ms": 1}),
    ):
        with pytest.raises(BadRule, match=r"looks 3[01]d.* back, and history keeps samples for 30d"):
            check_group(late, 30 * DAY_MS)


def test_a_group_that_is_too_long_for_the_bus_is_refused() -> None:
    many = group(str([{"alert": "A", "expr": f"m > {n}", "annotations": {"a": "x" * 4_000}} for n in range(200)]))
    with pytest.raises(BadRule, match="make several groups"):
        check_group(many, 30 * DAY_MS)


def test_the_group_that_is_changed_is_the_one_that_closes_a_cycle() -> None:
    a, b = group("[{record: a, expr: b}]", "a"), group("[{record: b, expr: a}]", "b")
    in_force = {"a": a.model_copy(update={"updated_at": NOW + 5})}
    with pytest.raises(BadRule, match="b -> a -> b"):
        check_cycles([b], in_force)
    check_cycles([b.model_copy(update={"enabled": False})], in_force)
    check_cycles([group("[{record: c, expr: a}]", "c")], {"a": a, "b": b})  # theirs is not this one's business
    with pytest.raises(BadRule, match="b -> a -> b"):
        check_cycles([a, b], {})
    check_cycles([a.model_copy(update={"rules": []}), b], {"a": a})  # a change may also break one


# Requests


def wrong(error: BadInput) -> list[str]:
    return [one.where for one in error.errors]


@pytest.mark.parametrize(
    ("text", "yaml", "kind", "names"),
    [
        ('{"name":"s","condition":"m > 1","severity":"info","message":"m"}', False, "small", ["s"]),
        ('{"name":"g","rules":[]}', False, "group", ["g"]),
        ('{"groups":[{"name":"g"},{"name":"h"}]}', False, "file", ["g", "h"]),
        ("name: g\nrules: []", True, "group", ["g"]),
        ("groups: [{name: g}]", True, "file", ["g"]),
        ("rules: [{name: s, condition: m > 1, severity: info, message: m}]", True, "file", ["s"]),
        ('{"groups":[{"name":"g"}]}', True, "file", ["g"]),
    ],
)
def test_what_was_sent_is_told_from_its_fields(text: str, yaml: bool, kind: str, names: list[str]) -> None:
    sent = read_new(text.encode(), yaml=yaml)
    assert (sent.kind, [draft.name for draft in sent.drafts]) == (kind, names)


@pytest.mark.parametrize(
    ("body", "yaml", "malformed", "where"),
    [
        (b"\xff", False, True, ["body"]),
        (b"\xff", True, True, ["body"]),
        (b"{}", False, False, ["body"]),
        (b"5", False, False, ["body"]),
        (b'{"condition":"m"}', False, False, ["body.name", "body.severity", "body.message"]),
        (b'{"name":"a","condition":"m","severity":"info","message":{"a":1}}', False, False, ["body.message"]),
        (b'{"groups":[{"name":"g","limit":-1,"x":1}]}', False, False, ["body.groups[0].x", "body.groups[0].limit"]),
        (b"groups:\n- name: g\n  limit: -1", True, False, ["body:3"]),
        (b"name: a/history\nrules: []", True, False, ["body"]),
    ],
)
def test_what_can_not_be_read_is_told_with_all_places(
    body: bytes, yaml: bool, malformed: bool, where: list[str]
) -> None:
    with pytest.raises(BadInput) as refused:
        read_new(body, yaml=yaml)
    assert (refused.value.malformed, wrong(refused.value)) == (malformed, where)


def test_a_replacement_may_name_itself_and_the_version_that_it_replaces() -> None:
    assert read_replacement(b'{"rules":[],"version":7}', "g", yaml=False).version == 7
    assert read_replacement(b"name: g\nversion: 7", "g", yaml=True).drafts[0].name == "g"
    assert read_replacement(b'{"name":"g","version":null}', "g", yaml=False).version is None
    for body in (b'{"name":"h"}', b'{"version":"7"}', b'{"version":0}', b'{"version":true}', b'{"name":{}}'):
        with pytest.raises(BadInput):
            read_replacement(body, "g", yaml=False)


@pytest.mark.parametrize(
    ("header", "version", "allowed", "refused"),
    [
        (None, None, [1, 5], []),
        (None, 3, [3], [2, 4]),
        ('"3"', None, [3], [4]),
        ('W/"3" , "5"', None, [3, 5], [4]),
        ("*", None, [1, 9], []),
        ("*", 3, [3], [4]),
        ('"3"', 3, [3], [4]),
        ('"abc"', None, [], [1, 2]),
        ('"99999999999999"', None, [], [1]),
    ],
)
def test_which_versions_may_be_changed(
    header: str | None, version: int | None, allowed: list[int], refused: list[int]
) -> None:
    found = seen(header, version)
    assert found.stated == (header is not None or version is not None)
    assert all(found.allows(one) for one in allowed)
    assert not any(found.allows(one) for one in refused)


@pytest.mark.parametrize(("header", "version"), [("3", None), ("", None), ('"3', None), ('"3"', 4), ('"3", x', None)])
def test_a_header_that_is_none_is_refused(header: str, version: int | None) -> None:
    with pytest.raises(BadInput):
        seen(header, version)


def test_a_tag_is_no_place_in_the_body() -> None:
    with pytest.raises(BadInput) as refused:
        seen("3", None)
    assert refused.value.errors == [
        Where(where="If-Match", reason='is to be the ETag of the version that you have seen, e.g. "3"')
    ]
    assert seen("*", None) == Seen(by_header=True)


# Versions


def stored(version: int) -> Stored:
    return Stored(group(version=version, updated_by=f"author {version}"), NOW + version)


GONE = Stored(None, NOW + 100)


def test_versions_are_told_with_who_made_them() -> None:
    kept = [stored(4), GONE, stored(2), stored(1)]
    assert deleted_versions(kept) == [2]
    found = versions(kept, None, [Deletion(3, "budi", NOW + 3)], 10)
    assert [(one.version, one.action, one.updated_by) for one in found] == [
        (4, "create", "author 4"),
        (3, "delete", "budi"),
        (2, "update", "author 2"),
        (1, "create", "author 1"),
    ]
    assert found[1].updated_at == NOW + 3
    assert found[1].definition is None


def test_what_history_has_not_stored_yet_is_told_too() -> None:
    now_gone = Current(3, Stored(None, NOW + 9), "sri")
    assert [(one.version, one.action) for one in versions([stored(2), stored(1)], now_gone, [], 2)] == [
        (3, "delete"),
        (2, "update"),
    ]
    in_force = Current(1, stored(1), "sri")
    assert [(one.version, one.action) for one in versions([], in_force, [], 5)] == [(1, "create")]
    assert len(versions([stored(1)], in_force, [], 5)) == 1, "what it has is not told twice"


def test_a_deletion_of_which_nothing_is_known_is_told_as_such() -> None:
    found = versions([stored(7), GONE], None, [], 5)
    assert [(one.version, one.action, one.updated_by) for one in found] == [
        (7, "create", "author 7"),
        (None, "delete", None),
    ]
