"""docs/subscribe.md is complete and true to the code as far as a test can see."""

import re
from pathlib import Path

import pytest

from infra.contracts.schemas import schema_of
from shared.messages.cloudevents import headers
from shared.messages.topics import ALERT_EVENTS, ALERT_STATE, Topic

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "subscribe.md").read_text()


@pytest.mark.parametrize(("language", "name"), [("python", "subscriber.py"), ("js", "subscriber.mjs")])
def test_it_shows_the_subscribers_that_are_tested(language: str, name: str) -> None:
    (shown,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert shown == (DOCS / "subscribe" / name).read_text()


@pytest.mark.parametrize(
    ("topic", "heading"), [(ALERT_EVENTS, "The fields of an event"), (ALERT_STATE, "The fields of a state")]
)
def test_it_tells_of_every_field(topic: Topic, heading: str) -> None:
    schema = schema_of(topic)
    told = set(re.findall(r"`([a-z_]+)`", section(heading)))
    fields = set(schema["properties"])
    for definition in schema.get("$defs", {}).values():
        fields |= set(definition["properties"])
    assert fields - told == set()


def test_it_tells_of_every_header() -> None:
    assert {name for name, _ in headers(ALERT_EVENTS, "x", "alerting", 0)} <= set(
        re.findall(r"`([a-z_-]+)`", section("Headers"))
    )


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL)):
        if not target.startswith("https://"):
            path, _, anchor = target.partition("#")
            text = (DOCS / path).read_text() if path.endswith(".md") else PAGE
            assert not path or (DOCS / path).exists(), target
            assert not anchor or anchor in {slug(one) for one in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}, target


def section(heading: str) -> str:
    """What stands below a heading."""
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def slug(heading: str) -> str:
    """The anchor of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
