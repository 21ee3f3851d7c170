"""What is sent to gateways: pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

# Meta refuses parameters that hold these, and bodies that are longer; WAHA's engines cut or refuse longer texts.
_LINE_BREAKS = re.compile(r"\s*[\r\n\t\v\f\x85\u2028\u2029]+\s*")
_MANY_SPACES = re.compile(r" {4,}")
_PLACEHOLDER = re.compile(r"\{(to|text|id)\}")
LONGEST_TEXT = 4_096
LONGEST_TEMPLATE_TEXT = 1_024


def waha_text(session: str, chat: str, text: str) -> dict[str, Any]:
    """The body of WAHA's `POST /api/sendText`; `chat` is a number's digits or the id of a group."""
    return {"session": session, "chatId": chat if "@" in chat else f"{chat}@c.us", "text": text}


def cloud_text(to: str, text: str) -> dict[str, Any]:
    """A free text through Meta's Cloud API: it arrives within 24 hours after the person wrote to the number."""
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to,
        "type": "text",
        "text": {"preview_url": False, "body": text},
    }


def cloud_template(to: str, name: str, language: str, parameters: Sequence[str]) -> dict[str, Any]:
    """A template that Meta has approved, with what takes the place of {{1}}, {{2}}, … in its body."""
    template: dict[str, Any] = {"name": name, "language": {"code": language}}
    if parameters:
        texts = [{"type": "text", "text": one_line(one)} for one in parameters]
        template["components"] = [{"type": "body", "parameters": texts}]
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to,
        "type": "template",
        "template": template,
    }


def one_line(text: str) -> str:
    """`text` as Meta takes it for a parameter: no line breaks or tabs, no four spaces in a row, not empty."""
    return _MANY_SPACES.sub("   ", _LINE_BREAKS.sub(" · ", text.strip())) or "-"


def filled(body: Any, values: Mapping[str, str]) -> Any:
    """`body` with `{to}`, `{text}` and `{id}` in all its texts replaced; what a value holds is not looked at again."""
    if isinstance(body, str):
        return _PLACEHOLDER.sub(lambda found: values[found[1]], body)
    if isinstance(body, dict):
        return {name: filled(value, values) for name, value in body.items()}
    if isinstance(body, list):
        return [filled(value, values) for value in body]
    return body
