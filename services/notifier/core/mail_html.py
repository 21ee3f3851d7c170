"""A notice as an HTML mail: one column, styles in the elements, since mail programs drop all others."""

from html import escape

from services.notifier.core.affected import affected
from services.notifier.core.composing import (
    Piece,
    actions,
    composed,
    headline,
    message_of,
    moments,
    runbook_of,
    severity,
    value_of,
)
from services.notifier.core.cutting import cut
from services.notifier.core.notice import Notice, NoticedAlert
from services.notifier.core.phrases import LANGUAGES, Phrases
from services.notifier.core.text import MOST_ALERTS
from services.notifier.core.wording import Wording

_COLOURS = {"critical": "#c92a2a", "warning": "#e67700", "info": "#1864ab"}
_OVER = "#2b8a3e"
_CELL = "padding:2px 12px 2px 0;vertical-align:top"
_BUTTON = "display:inline-block;margin:8px 8px 0 0;padding:8px 14px;border-radius:4px;text-decoration:none"
_HIDDEN = frozenset({"alertname", "severity", "type"})
LONGEST_MESSAGE = 4_000


def html(notice: Notice, wording: Wording) -> str:
    """The document."""
    own = wording.of(notice)
    phrases = LANGUAGES[own.language]
    colour = _COLOURS[severity(notice)] if notice.firing else _OVER
    shown = notice.alerts[:MOST_ALERTS]
    parts = [_alert(notice, one, own, phrases) for one in shown]
    if (left := len(notice.alerts) - len(shown) + notice.merged) > 0:
        parts.append(f"<p>{escape(phrases.more.format(left))}</p>")
    if notice.muted:
        parts.append(f"<p>{_line(composed(notice, own, 0)[-1])}</p>")
    parts.append(f"<p>{_link(phrases.alerts, f'{own.external_url}/alerts')}</p>")
    head = escape(headline(notice, phrases))
    return (
        f'<!doctype html>\n<html lang="{own.language}"><head><meta charset="utf-8"><title>{head}</title></head>\n'
        '<body style="font-family:sans-serif;font-size:15px;line-height:1.4;color:#212529">\n'
        f'<h1 style="margin:0;padding:10px 14px;font-size:18px;color:#fff;background:{colour}">{head}</h1>\n'
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _alert(notice: Notice, alert: NoticedAlert, wording: Wording, phrases: Phrases) -> str:
    event = alert.event
    facts = [(phrases.value, value_of(event, phrases)), *moments(alert, wording, phrases)]
    facts.append((phrases.affected, affected(event.labels, event.annotations, phrases)))
    facts += [(name, value) for name, value in sorted(event.labels.items()) if name not in _HIDDEN]
    rows = "".join(
        f'<tr><td style="{_CELL};color:#666">{escape(name)}</td><td style="{_CELL}">{escape(value)}</td></tr>'
        for name, value in facts
        if value
    )
    colour = _COLOURS[event.severity] if alert.status == "firing" else _OVER
    state = phrases.counted[alert.status].format(event.severity.upper())
    message = escape(cut(message_of(event), LONGEST_MESSAGE)).replace("\n", "<br>\n")
    return (
        f'<div style="margin:14px 0;padding:0 0 0 12px;border-left:4px solid {colour}">\n'
        f'<p style="margin:0 0 6px"><strong>{message}</strong><br><span style="color:#666">{escape(state)}</span></p>\n'
        f'<table style="border-collapse:collapse;font-size:14px">{rows}</table>\n'
        f"{_buttons(notice, alert, wording, phrases)}</div>"
    )


def _buttons(notice: Notice, alert: NoticedAlert, wording: Wording, phrases: Phrases) -> str:
    event = alert.event
    acts = actions(notice, event, wording, phrases) if alert.status == "firing" else []
    links = [*acts, (phrases.alert, wording.alert_url(event))]
    if (runbook := runbook_of(event)) is not None:
        links.append((phrases.runbook, runbook))
    return "".join(_link(name, url, f"{_BUTTON};background:#e9ecef;color:#212529") for name, url in links)


def _link(name: str, url: str, style: str = "") -> str:
    styled = f' style="{style}"' if style else ""
    return f'<a href="{escape(url)}"{styled}>{escape(name)}</a>'


def _line(pieces: tuple[Piece, ...]) -> str:
    return escape("".join(one.text for one in pieces))
