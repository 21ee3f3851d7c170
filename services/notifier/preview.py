"""`python -m services.notifier.preview RECEIVER`: what a receiver would get, without sending anything."""

import email
import email.policy
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Annotated

import typer

from services.notifier.channels import Payload
from services.notifier.channels.registry import BadChannel
from services.notifier.configured import Way, routing_of, ways_of
from services.notifier.core.notice import Notice, Occasion
from services.notifier.core.sample import sample_event, sample_notice
from services.notifier.settings import Settings
from shared import clock
from shared.messages.alerts import AlertEvent
from shared.messages.message import BadMessage
from shared.routing.configuration import Routing
from shared.routing.receivers import Receiver
from shared.settings import BadSettings, load

TEXT_FIELDS: Mapping[str, str] = {
    **dict.fromkeys(("slack", "email", "msteams", "msteamsv2", "apprise"), "text"),
    **dict.fromkeys(("telegram", "discord"), "message"),
    **dict.fromkeys(("pagerduty", "opsgenie"), "description"),
}
"""The field that holds the text, by kind of channel."""


def with_template(routing: Routing, receiver: str, template: str) -> Routing:
    """`routing`, with `template` as the text of all that `receiver` leads to and that takes one."""
    chosen = routing.receivers[receiver]
    changed = tuple(
        replace(one, settings={**one.settings, TEXT_FIELDS[one.kind]: template}) if one.kind in TEXT_FIELDS else one
        for one in chosen.integrations
    )
    receivers: dict[str, Receiver] = {**routing.receivers, receiver: replace(chosen, integrations=changed)}
    return replace(routing, receivers=receivers)


def shown(payload: Payload) -> str:
    """What is sent, for reading."""
    raw = payload.get("message")
    if not isinstance(raw, bytes):
        return json.dumps(payload, ensure_ascii=False, indent=2)
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    heads = "\n".join(f"{name}: {value}" for name, value in mail.items())
    parts = [
        f"[{one.get_content_type()}]\n{one.get_content().strip()}" for one in mail.walk() if not one.is_multipart()
    ]
    return "\n\n".join([heads, *parts]).replace("\r", "")


def preview(ways: list[Way], notices: tuple[Notice, Notice]) -> list[tuple[str, str]]:
    """Each destination and what it would get: of `notices` the second where it tells people one by one."""
    return [(way.destination.name, shown(way.channel.render(notices[1 if way.to else 0]))) for way in ways]


def main(
    receiver: Annotated[str, typer.Argument(help="One of the configured receivers.")],
    template: Annotated[
        str | None, typer.Option("--template", help="A text with {{ … }} instead of the configured one, or @FILE.")
    ] = None,
    event: Annotated[
        Path | None, typer.Option("--event", help="An alert event as JSON, as on pantau.alerts.events; - is the input.")
    ] = None,
    resolved: Annotated[bool, typer.Option("--resolved", help="The end of the sample.")] = False,
    alerts: Annotated[int, typer.Option("--alerts", min=1, max=1_000, help="How many alerts the sample has.")] = 1,
    occasion: Annotated[str, typer.Option("--occasion", help="change, repeat, digest, escalation or test.")] = "change",
    language: Annotated[str | None, typer.Option("--language", help="id or en; absent: what is configured.")] = None,
) -> None:
    """Show what RECEIVER would get of a sample, or of a real alert event."""
    occasions: dict[str, Occasion] = {
        "change": "change",
        "repeat": "repeat",
        "digest": "digest",
        "escalation": "escalation",
        "test": "test",
    }
    if occasion not in occasions or language not in (None, "id", "en"):
        raise _refused("--occasion is change, repeat, digest, escalation or test; --language is id or en")
    try:
        settings = load(Settings)
        if language is not None:
            wording = settings.notifications.wording.model_copy(update={"language": language})
            chosen = settings.notifications.model_copy(update={"wording": wording})
            settings = settings.model_copy(update={"notifications": chosen})
        routing = routing_of(settings)
        if receiver not in routing.receivers:
            raise _refused(f"there is no receiver {receiver!r}; there are {', '.join(routing.receivers)}")
        if template is not None:
            text = Path(template[1:]).read_text() if template.startswith("@") else template
            routing = with_template(routing, receiver, text)
        ways, now_ms = ways_of(settings, routing)[receiver], clock.now_ms()
        status = "resolved" if resolved else "firing"
        if event is not None:
            events = [AlertEvent.decode(sys.stdin.buffer.read() if str(event) == "-" else event.read_bytes())]
        else:
            events = [sample_event("resolved" if resolved else "firing", now_ms, number) for number in range(alerts)]
    except (BadSettings, BadChannel, BadMessage, OSError) as error:
        raise _refused(str(error)) from error
    own = settings.notifications.wording.language
    notices = [sample_notice(events, receiver, occasions[occasion], own, now_ms, to) for to in (False, True)]
    for name, said in preview(ways, (notices[0], notices[1])):
        typer.echo(f"--- {name} ({status if event is None else events[0].state})\n{said}\n")


def _refused(reason: str) -> typer.Exit:
    typer.echo(reason, err=True)
    return typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
