"""The page behind a link in a message: one alert and one button. It needs no script, no login and no cookie."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Literal
from zoneinfo import ZoneInfo

from services.api.core.alerts import Told
from shared.links import Action

Language = Literal["id", "en"]
Outcome = Literal["ask", "done", "used", "over", "expired", "unknown", "often", "away", "refused"]
STATUS: Mapping[Outcome, int] = {
    "ask": 200,
    "done": 200,
    "used": 409,
    "over": 410,
    "expired": 410,
    "unknown": 404,
    "often": 429,
    "away": 503,
    "refused": 409,
}
MOST_LABELS = 20

_TITLES: Mapping[Language, Mapping[Outcome, str]] = {
    "en": {
        "ask": "Alert",
        "done": "Done",
        "used": "This link has been used already",
        "over": "This alert is over",
        "expired": "This link has expired",
        "unknown": "This link is not known here",
        "often": "Too many attempts",
        "away": "Not possible right now",
        "refused": "Not possible",
    },
    "id": {
        "ask": "Peringatan",
        "done": "Berhasil",
        "used": "Tautan ini sudah dipakai",
        "over": "Peringatan ini sudah selesai",
        "expired": "Tautan ini sudah kedaluwarsa",
        "unknown": "Tautan ini tidak dikenal di sini",
        "often": "Terlalu banyak percobaan",
        "away": "Belum bisa dilakukan sekarang",
        "refused": "Tidak dapat dilakukan",
    },
}
_DETAILS: Mapping[Language, Mapping[Outcome, str]] = {
    "en": {
        "ask": "",
        "done": "In force until {until}, or until the alert is over.",
        "used": "Each link works once. Nothing more was changed.",
        "over": "There is nothing left to do. If it comes back, there will be a new message.",
        "expired": "Log in to deal with the alert.",
        "unknown": "It may have been cut off on its way: open it from the message again.",
        "often": "Wait a minute, then try again.",
        "away": "The message bus can't be reached. Try again in a moment: that does no harm.",
        "refused": "There are as many silences as are allowed. Log in to end some.",
    },
    "id": {
        "ask": "",
        "done": "Berlaku sampai {until}, atau sampai peringatan ini selesai.",
        "used": "Setiap tautan hanya berlaku sekali. Tidak ada yang diubah lagi.",
        "over": "Tidak ada yang perlu dilakukan. Jika muncul lagi, akan ada pesan baru.",
        "expired": "Masuk ke aplikasi untuk menangani peringatan ini.",
        "unknown": "Mungkin tautannya terpotong: buka lagi dari pesannya.",
        "often": "Tunggu satu menit, lalu coba lagi.",
        "away": "Bus pesan tidak dapat dihubungi. Coba lagi sebentar lagi: itu aman.",
        "refused": "Jumlah pembungkaman sudah mencapai batas. Masuk ke aplikasi untuk mengakhiri sebagian.",
    },
}
_BUTTONS: Mapping[Language, Mapping[Action, str]] = {
    "en": {"acknowledge": "I take care of it", "silence": "Silence it for {hours}"},
    "id": {"acknowledge": "Saya tangani", "silence": "Bungkam selama {hours}"},
}
_EFFECTS: Mapping[Language, Mapping[Action, str]] = {
    "en": {
        "acknowledge": "Nobody else is called, and it is not told again until it is over.",
        "silence": "What has the same labels is told to nobody for that long.",
    },
    "id": {
        "acknowledge": "Tidak ada orang lain yang dihubungi, dan tidak diulang sampai selesai.",
        "silence": "Yang labelnya sama tidak diberitahukan kepada siapa pun selama itu.",
    },
}
_WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {"since": "Since", "as": "You act as", "hours": "{hours:g} hours", "open": "Open Pantau"},
    "id": {"since": "Sejak", "as": "Anda bertindak sebagai", "hours": "{hours:g} jam", "open": "Buka Pantau"},
}
_SEVERITIES: Mapping[Language, Mapping[str, str]] = {
    "en": {"critical": "Critical", "warning": "Warning", "info": "Info"},
    "id": {"critical": "Kritis", "warning": "Peringatan", "info": "Info"},
}
_STYLE = """
:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5 }
body { margin: 0 auto; max-width: 34rem; padding: 1.25rem; overflow-wrap: anywhere }
h1 { font-size: 1.35rem; margin: 0 0 .5rem }
.severity { font-weight: 600; border-left: .4rem solid; padding-left: .6rem }
.critical { border-color: #d6293e } .warning { border-color: #e8a400 } .info { border-color: #2f7ed8 }
dl { display: grid; grid-template-columns: auto 1fr; gap: .15rem .8rem; font-size: .9rem; margin: 1rem 0 }
dt { opacity: .7 } dd { margin: 0 }
button { font: inherit; font-size: 1.1rem; font-weight: 600; width: 100%; padding: .9rem; margin-top: .5rem;
  border: 0; border-radius: .6rem; background: #1b6ac9; color: #fff; cursor: pointer }
button:focus-visible { outline: .2rem solid #f5b400; outline-offset: .15rem }
.note { font-size: .9rem; opacity: .8 }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    # Nothing but its own style, and a form that goes back to where it came from.
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


@dataclass(frozen=True)
class View:
    """What a page is made of."""

    outcome: Outcome
    language: Language
    zone: ZoneInfo
    external_url: str
    alert: Told | None = None
    action: Action = "acknowledge"
    recipient: str = ""
    silence_hours: float = 0.0
    until_ms: int | None = None


def page(view: View) -> str:
    """The page as HTML. What comes from labels and messages is text in it, whatever it holds."""
    language, title = view.language, _TITLES[view.language][view.outcome]
    parts = []
    if view.outcome != "ask":
        parts.append(f"<h1>{escape(title)}</h1><p>{escape(_detail(view))}</p>")
    if view.alert is not None:
        parts.append(_alert(view.alert, view, is_heading=view.outcome == "ask"))
    if view.outcome == "ask":
        parts.append(_form(view))
    parts.append(f'<p class="note"><a href="{escape(view.external_url)}">{escape(_WORDS[language]["open"])}</a></p>')
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · Pantau</title><style>{_STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>"
    )


def language_of(accept: str, default: Language) -> Language:
    """The first language of an `Accept-Language` header that there is a page in."""
    for part in accept.split(",")[:20]:
        name = part.partition(";")[0].strip().lower().partition("-")[0]
        if name in ("id", "in", "ms"):
            return "id"
        if name == "en":
            return "en"
    return default


def _detail(view: View) -> str:
    until = "" if view.until_ms is None else _time(view.until_ms, view.zone)
    return _DETAILS[view.language][view.outcome].format(until=until)


def _alert(alert: Told, view: View, *, is_heading: bool) -> str:
    words, tag = _WORDS[view.language], "h1" if is_heading else "h2"
    since = alert.episode if alert.fired_at is None else alert.fired_at
    severity = _SEVERITIES[view.language].get(alert.severity, alert.severity)
    rows = [(words["since"], _time(since, view.zone))]
    rows += [(name, value) for name, value in sorted(alert.labels.items()) if name != "alertname"][:MOST_LABELS]
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)
    return (
        f'<p class="severity {escape(alert.severity)}">{escape(severity)}</p><{tag}>{escape(alert.rule)}</{tag}>'
        f"<p>{escape(alert.message)}</p><dl>{listed}</dl>"
    )


def _form(view: View) -> str:
    words = _WORDS[view.language]
    button = _BUTTONS[view.language][view.action].format(hours=words["hours"].format(hours=view.silence_hours))
    signed = f"{words['as']} {view.recipient}. " if view.recipient else ""
    note = signed + _EFFECTS[view.language][view.action]
    return (
        f'<form method="post"><button type="submit">{escape(button)}</button></form><p class="note">{escape(note)}</p>'
    )


def _time(at_ms: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at_ms / 1000, zone).strftime("%d/%m/%Y %H:%M %Z")
