"""What is said of a notice, in lines of pieces; markup and length come later."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from urllib.parse import urlsplit

from services.notifier.core.affected import affected, places
from services.notifier.core.cutting import cleaned, cut, one_line
from services.notifier.core.figures import duration, instant, quantity, time_of_day
from services.notifier.core.notice import Held, Notice, NoticedAlert, Status
from services.notifier.core.phrases import LANGUAGES, Phrases
from services.notifier.core.units import unit_of
from services.notifier.core.wording import Wording
from shared.messages.alerts import SEVERITIES, AlertEvent

RUNBOOK = "runbook_url"
LONGEST_URL = 1_000
LONGEST_SUBJECT = 100
STATUSES: tuple[Status, ...] = ("firing", "resolved", "passed")
_SIGNS = {"firing": "🚨", "resolved": "✅", "passed": "☑️"}
_ALERT_ID = re.compile("[0-9a-f]{32}")
_DIGEST, _TEST = "📋", "🔔"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text; with a URL it leads there."""

    text: str
    bold: bool = False
    url: str | None = None
    is_message: bool = False
    """What is shortened first where room is scarce."""


Line = tuple[Piece, ...]


def headline(notice: Notice, phrases: Phrases) -> str:
    """`🚨 CRITICAL Alert`, with what more there is to know at first sight."""
    counts = Counter(one.status for one in notice.alerts)
    counts["passed"] += notice.merged
    tally = ", ".join(phrases.counted[one].format(counts[one]) for one in STATUSES if counts[one])
    if notice.occasion == "digest":
        held = sum(one.held is not None for one in notice.alerts)
        if held == len(notice.alerts) and not notice.merged:
            return f"{_DIGEST} {phrases.suppressed}: {tally}"
        of_them = f" ({phrases.some_held.format(held)})" if held else ""
        return f"{_DIGEST} {phrases.missed}: {tally}{of_them}"
    leading = notice.alerts[0].status if len(+counts) == 1 else "firing" if counts["firing"] else "resolved"
    words = [_SIGNS[leading], severity(notice).upper(), "Alert"]
    if notice.occasion == "escalation":
        words.append(phrases.escalated)
    elif notice.occasion == "repeat" and leading == "firing":
        words.append(phrases.repeated)
    elif phrases.statuses[leading]:
        words.append(phrases.statuses[leading])
    shown = " ".join(words)
    if len(notice.alerts) > 1:
        shown = f"{shown}: {tally}"
    return f"{_TEST} {phrases.test}: {shown}" if notice.occasion == "test" else shown


def severity(notice: Notice) -> str:
    """The gravest of what fires; where nothing does, of what did."""
    return max((one.event.severity for one in notice.firing or notice.alerts), key=SEVERITIES.index)


def message_of(event: AlertEvent) -> str:
    """What the alert says; its rule's name where it says nothing."""
    return cleaned(event.message) or event.rule


def composed(notice: Notice, wording: Wording, shown: int) -> list[Line]:
    """The lines, with the first `shown` of the alerts."""
    phrases = LANGUAGES[wording.language]
    lines: list[Line] = [(Piece(headline(notice, phrases), bold=True),), ()]
    if len(notice.alerts) == 1 and not notice.merged:
        lines += _in_full(notice, notice.alerts[0], wording, phrases)
    else:
        lines += _listed(notice, shown, wording, phrases)
    if notice.muted:
        lines += [(), (Piece(_muted(notice, phrases)),)]
    return lines


def value_of(event: AlertEvent, phrases: Phrases, with_threshold: bool = True) -> str:
    """The value with its unit and the threshold; empty where the rule asks for one value, which then says nothing."""
    if event.threshold is not None and event.value == event.threshold:
        return ""
    unit = unit_of(event.expr, event.annotations)
    shown = quantity(event.value, unit, phrases)
    if event.threshold is None or not with_threshold:
        return shown
    return f"{shown} ({phrases.threshold.format(quantity(event.threshold, unit, phrases))})"


def began_ms(event: AlertEvent) -> int:
    """Since when it fires, or fired."""
    return event.episode if event.fired_at is None else event.fired_at


def moments(alert: NoticedAlert, wording: Wording, phrases: Phrases) -> list[tuple[str, str]]:
    """When it began or ended, and how long it took."""
    event = alert.event
    at = began_ms(event) if alert.status == "firing" else event.instant
    time = instant(at, wording.zone, phrases)
    if event.late_ms > 0:
        time += f" ({phrases.noticed_later.format(duration(event.late_ms, phrases))})"
    found = [(phrases.time_of, time)]
    if alert.status != "firing":
        found.append((phrases.lasted, duration(event.instant - began_ms(event), phrases)))
    if alert.held is not None:
        found.append((phrases.held, _held(alert.held, phrases)))
    return found


def runbook_of(event: AlertEvent) -> str | None:
    """The annotation's URL, if it is one that leads somewhere."""
    url = event.annotations.get(RUNBOOK, "").strip()
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    leads = parts.scheme in ("http", "https") and parts.hostname and url.isprintable() and " " not in url
    return url if leads and len(url) <= LONGEST_URL else None


def actions(notice: Notice, event: AlertEvent, wording: Wording, phrases: Phrases) -> list[tuple[str, str]]:
    """What can be done about an alert that fires with one tap: words and URLs."""
    if wording.links is None or notice.occasion == "test":
        return []
    person = None if notice.recipient is None else notice.recipient.id
    return [
        (phrases.acknowledge, wording.links.acknowledge_url(event, notice.planned_ms, person)),
        (phrases.silence, wording.links.silence_url(event, notice.planned_ms, person)),
    ]


def _in_full(notice: Notice, alert: NoticedAlert, wording: Wording, phrases: Phrases) -> list[Line]:
    event = alert.event
    facts = [(phrases.value, value_of(event, phrases)), *moments(alert, wording, phrases)]
    facts.append((phrases.affected, affected(event.labels, event.annotations, phrases)))
    acts = actions(notice, event, wording, phrases) if alert.status == "firing" else []
    links = [*acts, (phrases.alert, wording.alert_url(event)), (phrases.runbook, runbook_of(event))]
    return [
        (Piece(message_of(event), is_message=True),),
        (),
        *((Piece(f"{name}: {text}"),) for name, text in facts if text),
        *((Piece(name, url=url),) for name, url in links if url),
    ]


def _listed(notice: Notice, shown: int, wording: Wording, phrases: Phrases) -> list[Line]:
    labels = notice.common_labels
    common = ", ".join(places(labels, phrases))
    lines: list[Line] = [(Piece(common),), ()] if common else []
    lines += chain.from_iterable(_item(notice, one, labels, wording, phrases) for one in notice.alerts[:shown])
    if (left := len(notice.alerts) - shown + notice.merged) > 0:
        lines.append((Piece(phrases.more.format(left)),))
    lines += [(), (Piece(f"{phrases.time_of}: {instant(notice.planned_ms, wording.zone, phrases)}"),)]
    lines.append((Piece(phrases.alerts, url=f"{wording.external_url}/alerts"),))
    return lines


def _item(
    notice: Notice, alert: NoticedAlert, common: Mapping[str, str], wording: Wording, phrases: Phrases
) -> list[Line]:
    event = alert.event
    said = [value_of(event, phrases, with_threshold=False)]
    since = time_of_day(began_ms(event), wording.zone, phrases, notice.planned_ms)
    said.append(phrases.since.format(since))
    if alert.status != "firing":
        said[-1] += f", {duration(event.instant - began_ms(event), phrases)}"
    if alert.held is not None:
        said.append(f"{phrases.held.lower()} {_held(alert.held, phrases)}")
    own = {name: value for name, value in event.labels.items() if common.get(name) != value}
    said += places(own, phrases)
    head: Line = (
        Piece(f"{_SIGNS[alert.status]} "),
        Piece(one_line(message_of(event)), bold=alert.status == "firing", is_message=True),
        Piece(f" ({'; '.join(part for part in said if part)})"),
    )
    links = actions(notice, event, wording, phrases) if alert.status == "firing" else []
    return [head, *((Piece("   "), Piece(name, url=url)) for name, url in links[:1])]


def _held(held: Held, phrases: Phrases) -> str:
    """`12 min: behind mikrotik:edge-1`."""
    kind, _, subject = held.by[0].partition(":")
    named = phrases.something if _ALERT_ID.fullmatch(subject) else cut(one_line(subject), LONGEST_SUBJECT)
    by = phrases.held_by.get(kind, kind).format(named)
    return f"{duration(held.until_ms - held.since_ms, phrases)}: {by}"


def _muted(notice: Notice, phrases: Phrases) -> str:
    told = [phrases.muted_by.get(by, f"{{}} {by}").format(count) for by, count in sorted(notice.muted.items())]
    return phrases.muted.format(", ".join(told))
