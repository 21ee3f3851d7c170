"""Series keys: one text for one series, and nothing else passes for it."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.messages.message import BadMessage
from shared.messages.series import LONGEST_TEXT, MOST_LABELS, NAME, key_of, labels_of

METRICS = st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,20}", fullmatch=True)
LABEL_NAMES = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,10}", fullmatch=True).filter(lambda name: name != NAME)
VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
LABELS = st.builds(
    lambda metric, labels: {NAME: metric, **labels}, METRICS, st.dictionaries(LABEL_NAMES, VALUES, max_size=6)
)


@given(LABELS)
def test_labels_survive_their_key(labels: dict[str, str]) -> None:
    assert labels_of(key_of(labels)) == labels


@given(LABELS)
def test_there_is_one_key_whatever_the_order(labels: dict[str, str]) -> None:
    assert key_of(dict(reversed(labels.items()))) == key_of(labels)


@given(LABELS, LABELS)
def test_different_series_have_different_keys(one: dict[str, str], other: dict[str, str]) -> None:
    assert (key_of(one) == key_of(other)) == (one == other)


def test_an_empty_label_is_no_label() -> None:
    assert key_of({NAME: "up", "host": "", "job": "x"}) == 'up{job="x"}'


@given(st.text(max_size=40))
def test_any_text_is_either_canonical_or_refused(text: str) -> None:
    try:
        labels = labels_of(text)
    except BadMessage:
        return
    assert key_of(labels) == text


@given(LABELS, st.data())
def test_a_damaged_key_is_refused_or_another_series(labels: dict[str, str], data: st.DataObject) -> None:
    key = key_of(labels)
    position = data.draw(st.integers(0, len(key) - 1))
    damaged = key[:position] + key[position + 1 :]
    assume(damaged != key)
    try:
        found = labels_of(damaged)
    except BadMessage:
        return
    assert found != labels


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "metric name ''"),
        ("1up", "metric name '1up'"),
        ("up{}", "not canonical: expected 'up'"),
        ('up{a="1",}', "not canonical"),
        ('up{b="1",a="2"}', 'not canonical: expected \'up{a="2",b="1"}\''),
        ('up{a="1",a="2"}', "not canonical"),
        ('up{a=""}', "not canonical"),
        ('up{__name__="down"}', "not canonical"),
        ('up{a="1"', "not of the form"),
        ('up{a="1"} ', "not of the form"),
        ('up{a="\\t"}', "not of the form"),
        ('up{a="line\nfeed"}', "not of the form"),
        ('up{a-b="1"}', "not of the form"),
        ('up{a="' + "x" * (LONGEST_TEXT + 1) + '"}', "longer than 2048"),
        ("up{" + ",".join(f'l{n:03}="1"' for n in range(MOST_LABELS)) + "}", "65 labels on up: at most 64"),
    ],
)
def test_what_is_no_key_is_refused_with_the_reason(key: str, reason: str) -> None:
    with pytest.raises(BadMessage) as caught:
        labels_of(key)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 500
