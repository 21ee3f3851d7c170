"""Go's printf: the verbs that make sense for texts, numbers and truth values."""

import re
from collections.abc import Sequence

from shared.promql.quoting import quote
from shared.rules.templates.values import float_text, kind_of, text_of

_VERB = re.compile(r"%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d+)?)?(?P<verb>.)?", re.DOTALL)
WIDEST = 1_000


def sprintf(form: str, arguments: Sequence[object]) -> str:
    """The form with its verbs filled in; wrong ones show in the text, as Go writes them."""
    left = list(arguments)

    def filled(match: re.Match[str]) -> str:
        flags, width, verb = match[1], match[2], match["verb"]
        if verb == "%":
            return "%"
        if verb is None:
            return "%!(NOVERB)"
        precision = match[3]
        if width == "*":
            width = str(_taken_int(left))
        if precision == "*":
            precision = str(_taken_int(left))
        elif precision is None and "." in match[0]:
            precision = "0"
        if not left:
            return f"%!{verb}(MISSING)"
        value = left.pop(0)
        places = None if precision is None else min(int(precision), WIDEST)
        text = _formatted(verb, flags, places, value)
        if text is None:
            return f"%!{verb}({kind_of(value)}={text_of(value)})"
        return _padded(text, flags, min(int(width or 0), WIDEST), isinstance(value, int | float))

    text = _VERB.sub(filled, form)
    if left:
        text += "%!(EXTRA " + ", ".join(f"{kind_of(one)}={text_of(one)}" for one in left) + ")"
    return text


def _taken_int(left: list[object]) -> int:
    value = left.pop(0) if left else 0
    return value if isinstance(value, int) and value >= 0 else 0


def _formatted(verb: str, flags: str, precision: int | None, value: object) -> str | None:
    """The text of one value; None if the verb is not for it."""
    if verb == "T":
        return kind_of(value)
    if verb == "v":
        if isinstance(value, float) and precision is not None:
            return _float("g", flags, precision, value)
        return _signed(text_of(value), flags, value)
    if isinstance(value, bool):
        return text_of(value) if verb == "t" else None
    if isinstance(value, float):
        return _float(verb, flags, precision, value) if verb in "eEfFgG" else None
    if isinstance(value, int):
        return _integer(verb, flags, precision, value)
    if verb in "sqxX":
        return _string(verb, flags, precision, value if isinstance(value, str) else text_of(value))
    return None


def _float(verb: str, flags: str, precision: int | None, value: float) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        text = float_text(value)
        return text if "+" in flags else text.removeprefix("+") if value != float("inf") else "+Inf"
    if verb in "gG" and precision is None:
        text = float_text(value)
        return _signed(text.upper() if verb == "G" else text, flags, value)
    text = f"{value:.{6 if precision is None else precision}{verb}}"
    return _signed(text, flags, value)


def _integer(verb: str, flags: str, precision: int | None, value: int) -> str | None:
    if verb in "dxXob":
        text = f"{abs(value):{verb}}"
        if "#" in flags:
            text = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}.get(verb, "") + text
        text = ("-" if value < 0 else "") + text.zfill(precision or 0)
        return _signed(text, flags, value)
    if verb in "cq" and 0 <= value <= 0x10FFFF:
        return chr(value) if verb == "c" else f"'{chr(value)}'"
    return f"U+{value:04X}" if verb == "U" else None


def _string(verb: str, flags: str, precision: int | None, value: str) -> str:
    text = value if precision is None else value[:precision]
    if verb == "s":
        return text
    if verb == "q":
        return f"`{text}`" if "#" in flags and "`" not in text else quote(text)
    digits = text.encode().hex()
    return digits.upper() if verb == "X" else digits


def _signed(text: str, flags: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or text[:1] in "+-":
        return text
    return "+" + text if "+" in flags else " " + text if " " in flags else text


def _padded(text: str, flags: str, width: int, is_number: bool) -> str:
    if len(text) >= width:
        return text
    if "-" in flags:
        return text.ljust(width)
    if "0" in flags and (not is_number or not text.endswith(("Inf", "NaN"))):
        sign = text[0] if text[0] in "+- " and is_number else ""
        return sign + text[len(sign) :].rjust(width - len(sign), "0")
    return text.rjust(width)
