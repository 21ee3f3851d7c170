"""WhatsApp numbers as people write them, and as gateways want them."""

import re

_DECORATION = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]")
_DIGITS = re.compile(r"[1-9][0-9]{6,14}")  # E.164: at most 15, none begins with 0
_GROUP = re.compile(r"[0-9]{5,25}(-[0-9]{5,15})?@g\.us")


def whatsapp_number(text: str, country_code: str | None = None) -> str:
    """The digits of `text`, the country's code first. With `country_code` (e.g. `62`) a national number, written with a
    leading 0, is understood too. ValueError if it is no number; the text does not repeat it."""
    digits = _DECORATION.sub("", text.removesuffix("@c.us"))
    if digits.startswith("+"):
        digits = digits[1:]
    elif digits.startswith("00"):
        digits = digits[2:]
    elif digits.startswith("0") and country_code is not None:
        digits = country_code + digits[1:]
    if not _DIGITS.fullmatch(digits):
        raise ValueError("is no telephone number with the country's code, such as 6281200000000")
    return digits


def whatsapp_address(text: str) -> str:
    """A number as `whatsapp_number` gives it, or the id of a group. ValueError if it is neither."""
    return text if _GROUP.fullmatch(text) else whatsapp_number(text)
