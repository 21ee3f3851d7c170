"""Channel `whatsapp`: through WAHA, Meta's Cloud API, or another gateway; to one person at a time."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from services.notifier.channels import Channel, ChannelSettings, Context, Kind, Payload
from services.notifier.channels.http_settings import Timeout
from services.notifier.channels.templated import Template
from services.notifier.core.cutting import cut
from services.notifier.core.expanding import filled
from services.notifier.core.gateway_outcomes import outcome_of
from services.notifier.core.markup import WHATSAPP
from services.notifier.core.notice import Notice
from services.notifier.core.outcomes import Delivered, Outcome, Permanent
from services.notifier.core.text import text
from services.notifier.core.wording import Wording
from services.notifier.gateways import Gateway
from shared import clock
from shared.routing.numbers import whatsapp_address
from shared.routing.people_settings import ToSettings
from shared.settings import Section
from shared.whatsapp.bodies import LONGEST_TEMPLATE_TEXT, LONGEST_TEXT, cloud_template, cloud_text, one_line, waha_text
from shared.whatsapp.client import Client, within
from shared.whatsapp.errors import GatewayError
from shared.whatsapp.sending import cloud_send, other_send, waha_post
from shared.whatsapp.settings import GatewaySettings

# Meta bounds the whole: so much is left to the template itself.
TEMPLATE_ROOM = 224


class TemplateSettings(Section):
    """A message template that Meta has approved."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,512}$")]
    """Its name."""
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")] | None = None
    """Its language, e.g. `id` or `en_US`; absent: that of whom it is for."""
    parameters: Annotated[list[Template], Field(max_length=20)] = ["{{ .Text }}"]
    """What takes the place of {{1}}, {{2}}, … in its body: templates over Alertmanager's data,
    and `.Title` and `.Text`. Line breaks become ` · `: Meta takes none there."""
    when: Literal["always", "window_closed"] = "always"
    """`window_closed`: free text first, and the template where Meta answers that the 24 hours are over. Meta may find
    that out only after it has taken the text, and then tells the webhook alone: `always` is the sure way."""


class WhatsappChannelSettings(ChannelSettings):
    """One of `whatsapp_configs`."""

    gateway: str = ""
    """One of `whatsapp.gateways`; absent: the only one."""
    to: Annotated[list[ToSettings], Field(min_length=1, max_length=100)]
    """Whom; each person is told alone."""
    session: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    """WAHA: which session sends; absent: the first of the gateway's `sessions`, or `default`."""
    template: TemplateSettings | None = None
    """Meta: what is sent, always or where free text can't be; absent: free text, which arrives only within 24 hours
    after the person wrote to us."""
    text: Template | None = None
    """What is said, as a template; absent: Pantau's own words, in the language of whom it is for."""
    timeout: Timeout = 15.0
    """For the gateway's answer."""

    @model_validator(mode="after")
    def _reaches_people(self) -> "WhatsappChannelSettings":
        if self.session is not None and self.template is not None:
            raise ValueError("session is WAHA's, template is Meta's: no gateway has both")
        if self.text is not None and self.template is not None and self.template.when == "always":
            raise ValueError("text is not sent where there is a template: write template.parameters")
        return self


def render(notice: Notice, settings: WhatsappChannelSettings, gateway: GatewaySettings, wording: Wording) -> Payload:
    """What the gateway is sent, without what is secret; `problem` instead, where it can't be sent to this person."""
    recipient = notice.recipient
    if recipient is None or not recipient.whatsapp:
        return {"problem": "no_number"}
    try:
        to = whatsapp_address(recipient.whatsapp)
    except ValueError:
        return {"problem": "bad_number"}
    if gateway.waha is not None:
        session = settings.session or next(iter(gateway.waha.sessions), "default")
        return waha_text(session, to, _text(notice, settings, wording))
    if gateway.cloud is None:
        return {"to": to, "text": _text(notice, settings, wording)}
    if "@" in to:
        return {"problem": "bad_number"}
    template = settings.template
    free = cloud_text(to, _text(notice, settings, wording))
    if template is None:
        return free
    language = template.language or wording.of(notice).language
    approved = cloud_template(to, template.name, language, _parameters(notice, template, wording))
    return approved if template.when == "always" else free | {WINDOW_CLOSED: approved}


WINDOW_CLOSED = "window_closed"
"""In a payload: what to send instead where Meta says so."""
PROBLEMS = {
    "no_number": "has no WhatsApp number",
    "bad_number": "has no number that this gateway can send to",
}


def _text(notice: Notice, settings: WhatsappChannelSettings, wording: Wording) -> str:
    return cut(
        filled(settings.text, notice, wording, lambda: text(notice, wording, LONGEST_TEXT, WHATSAPP)), LONGEST_TEXT
    )


def _parameters(notice: Notice, template: TemplateSettings, wording: Wording) -> list[str]:
    """All together they leave room for the template's own words."""
    limit = (LONGEST_TEMPLATE_TEXT - TEMPLATE_ROOM) // max(len(template.parameters), 1)
    # Where a template fails its parameter says so, and a page is not lost.
    texts = (filled(one, notice, wording, lambda: text(notice, wording, limit)) for one in template.parameters)
    return [cut(one_line(WHATSAPP.escape(one)), limit) for one in texts]


class Whatsapp:
    """Sends through one gateway, no faster than that may."""

    kind = "whatsapp"

    def __init__(self, settings: WhatsappChannelSettings, gateway: Gateway, wording: Wording) -> None:
        self._settings, self._gateway, self._wording = settings, gateway, wording
        send = gateway.settings.send
        self.deduplicates = send is not None and send.deduplicates

    def render(self, notice: Notice) -> Payload:
        """What the gateway is sent."""
        return render(notice, self._settings, self._gateway.settings, self._wording)

    async def send(self, payload: Payload, notification_id: str) -> Outcome:
        """One attempt, once it is this message's turn. A gateway may have taken one that ends in `timeout`."""
        if (problem := payload.get("problem")) is not None:
            return Permanent(problem, f"who is to be told {PROBLEMS[problem]}")
        instead = payload.get(WINDOW_CLOSED)
        outcome = await self._attempt({k: v for k, v in payload.items() if k != WINDOW_CLOSED}, notification_id)
        if instead is not None and isinstance(outcome, Permanent) and outcome.reason == WINDOW_CLOSED:
            return await self._attempt(instead, notification_id)
        return outcome

    async def close(self) -> None:
        """Nothing stays open between messages."""

    async def _attempt(self, payload: Payload, notification_id: str) -> Outcome:
        if (put_back := await self._gateway.turns.take()) is not None:
            return put_back
        try:
            async with Client() as client:
                await within(self._settings.timeout, self._hand_over(client, payload, notification_id))
        except GatewayError as error:
            return outcome_of(error, clock.now_ms())
        return Delivered()

    async def _hand_over(self, client: Client, payload: Payload, notification_id: str) -> Any:
        chosen = self._gateway.settings
        if chosen.waha is not None:
            return await waha_post(client, chosen.waha, payload)
        if chosen.cloud is not None:
            return await cloud_send(client, chosen.cloud, payload)
        assert chosen.send is not None, "it is among the gateways that can send"
        return await other_send(client, chosen.send, payload["to"], payload["text"], notification_id)


def _make(settings: WhatsappChannelSettings, destination: str, context: Context) -> Channel:
    """ValueError where the gateway is not one of which messages can be sent as the settings want."""
    found = _gateway(settings.gateway, context)
    if settings.template is not None and found.settings.cloud is None:
        raise ValueError(f"template is Meta's: gateway {found.settings.name} is none of theirs")
    if settings.session is not None and found.settings.waha is None:
        raise ValueError(f"session is WAHA's: gateway {found.settings.name} is none")
    return Whatsapp(settings, found, context.wording)


def _gateway(name: str, context: Context) -> Gateway:
    known = ", ".join(context.gateways) or "none"
    if name:
        if name not in context.gateways:
            raise ValueError(f"gateway {name} can't send, or is not in whatsapp.gateways; those that can: {known}")
        found = context.gateways[name]
    elif len(context.gateways) == 1:
        (found,) = context.gateways.values()
    else:
        raise ValueError(f"name the gateway, for there is not just one that can send: {known}")
    assert isinstance(found, Gateway)
    return found


KIND = Kind(WhatsappChannelSettings, _make)
