"""Tokens of links: what was signed comes out, and nothing else does."""

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.core.links import SignedLinks
from shared.link_settings import LinksSettings
from shared.links import ACTIONS, LONGEST_TOKEN, PATH, BadLink, Link, read, sign
from shared.messages.message import LATEST_INSTANT_MS
from tests.unit.notifier.events import alert_event

KEY = "k" * 32
LINKS = st.builds(
    Link,
    action=st.sampled_from(ACTIONS),
    alert_id=st.binary(min_size=16, max_size=16).map(bytes.hex),
    episode_ms=st.integers(0, LATEST_INSTANT_MS),
    recipient=st.text(max_size=200),
    expires_at_ms=st.integers(0, LATEST_INSTANT_MS),
    nonce=st.text(max_size=40),
)


@given(LINKS)
def test_what_was_signed_comes_out_and_makes_the_same(link: Link) -> None:
    token = sign(link, KEY)
    found = read(token, KEY)
    assert len(token) <= LONGEST_TOKEN
    assert (found.action, found.alert_id, found.episode_ms, found.expires_at_ms) == (
        link.action, link.alert_id, link.episode_ms, link.expires_at_ms,
    )  # fmt: skip
    assert link.recipient.startswith(found.recipient)
    assert found.makes == link.makes, "whoever reads it knows whether it has been used"
    assert sign(found, KEY) == token


@given(LINKS, st.data())
def test_no_bit_of_it_can_be_changed(link: Link, data: st.DataObject) -> None:
    packed = bytearray(base64.urlsafe_b64decode(sign(link, KEY) + "=="))
    at = data.draw(st.integers(0, len(packed) * 8 - 1))
    packed[at // 8] ^= 1 << at % 8
    with pytest.raises(BadLink):
        read(base64.urlsafe_b64encode(bytes(packed)).rstrip(b"=").decode(), KEY)


LINK = Link("acknowledge", "ab" * 16, 5, "ani", 9, "n")


@pytest.mark.parametrize(
    "token", ["", "x", "é", "A" * 5_000, "_" * 120, sign(LINK, KEY)[:-4], sign(LINK, KEY[::-1] + "x")]
)
def test_other_texts_are_none(token: str) -> None:
    with pytest.raises(BadLink):
        read(token, KEY)


@pytest.mark.parametrize(
    "change",
    [{"action": "silence"}, {"alert_id": "cd" * 16}, {"episode_ms": 6}, {"recipient": "budi"}, {"nonce": "m"}],
)
def test_each_makes_something_of_its_own(change: dict[str, object]) -> None:
    assert replace(LINK, **change).makes != LINK.makes  # type: ignore[arg-type]


def test_links_in_messages_are_the_same_whenever_the_message_is_rendered() -> None:
    links, alert = SignedLinks("https://pantau.example.net", 1_000, KEY), alert_event("Disk", 1, "firing", 5, 5)
    url = links.acknowledge_url(alert, 7, "ani")
    assert url == links.acknowledge_url(alert, 7, "ani")
    assert url.startswith(f"https://pantau.example.net{PATH}")
    link = read(url.rpartition("/")[2], KEY)
    assert (link.action, link.alert_id, link.episode_ms) == ("acknowledge", alert.alert_id, alert.episode)
    assert (link.recipient, link.expires_at_ms) == ("ani", 1_007)
    others = {links.acknowledge_url(alert, 8, "ani"), links.acknowledge_url(alert, 7)}
    others.add(links.silence_url(alert, 7, "ani"))
    assert len({url, *others}) == 4
    assert KEY not in repr(links)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        LinksSettings.model_validate({"key": "short-secret"})
