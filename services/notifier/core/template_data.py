"""What templates of notifications work on: Alertmanager's data, with the same names, and the texts that Pantau would
write."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from services.notifier.core.composing import began_ms, message_of
from services.notifier.core.go_time import Moment
from services.notifier.core.mail_html import html
from services.notifier.core.notice import Notice, NoticedAlert
from services.notifier.core.postable import Outside, generator_url
from services.notifier.core.template_functions import Safe
from services.notifier.core.text import text, title
from services.notifier.core.wording import Wording
from shared.rules.templates.values import Struct

LONGEST_TEXT = 16_384


class Pair(Struct):
    """A label or annotation."""

    seen: ClassVar[frozenset[str]] = frozenset({"Name", "Value"})

    def __init__(self, name: str, value: str) -> None:
        self.Name, self.Value = name, value


class Pairs(list[Pair], Struct):
    """Labels or annotations in their order."""

    called: ClassVar[frozenset[str]] = frozenset({"Names", "Values", "String"})

    def Names(self) -> list[str]:  # noqa: N802 - Alertmanager's name
        """The names."""
        return [one.Name for one in self]

    def Values(self) -> list[str]:  # noqa: N802 - Alertmanager's name
        """The values."""
        return [one.Value for one in self]

    def String(self) -> str:  # noqa: N802 - Alertmanager's name
        """`a=b, c=d`."""
        return ", ".join(f"{one.Name}={one.Value}" for one in self)


class KV(dict[str, object], Struct):
    """Labels or annotations by name."""

    called: ClassVar[frozenset[str]] = frozenset({"SortedPairs", "Remove", "Names", "Values", "String"})

    def SortedPairs(self) -> Pairs:  # noqa: N802 - Alertmanager's name
        """`alertname` first, then by name."""
        names = sorted(self, key=lambda name: (name != "alertname", name))
        return Pairs(Pair(name, str(self[name])) for name in names)

    def Remove(self, names: object) -> "KV":  # noqa: N802 - Alertmanager's name
        """Without some."""
        if isinstance(names, str) or not isinstance(names, Sequence):
            raise ValueError("takes a list of names, such as stringSlice gives")
        return KV({name: value for name, value in self.items() if name not in names})

    def Names(self) -> list[str]:  # noqa: N802 - Alertmanager's name
        """The names in their order."""
        return self.SortedPairs().Names()

    def Values(self) -> list[str]:  # noqa: N802 - Alertmanager's name
        """The values in the order of names."""
        return self.SortedPairs().Values()

    def String(self) -> str:  # noqa: N802 - Alertmanager's name
        """`a=b, c=d`."""
        return self.SortedPairs().String()


class Alert(Struct):
    """One alert."""

    seen: ClassVar[frozenset[str]] = frozenset(
        {
            *("Status", "Labels", "Annotations", "StartsAt", "EndsAt", "GeneratorURL", "Fingerprint"),
            *("Message", "Severity", "Value", "AlertURL", "HeldBy", "HeldSince", "HeldUntil"),
        }
    )

    def __init__(self, alert: NoticedAlert, wording: Wording) -> None:
        event = alert.event
        self.Status = "firing" if alert.status == "firing" else "resolved"
        self.Labels = KV(event.labels)
        # Where rules have no such annotations, templates that were written for others still say something.
        self.Annotations = KV({"summary": message_of(event), "description": message_of(event)} | event.annotations)
        self.StartsAt = Moment(began_ms(event), wording.zone)
        self.EndsAt = Moment(0 if alert.status == "firing" else event.instant, wording.zone)
        self.GeneratorURL = generator_url(event.expr, Outside(wording.external_url))
        self.Fingerprint = event.fingerprint
        self.Message, self.Severity, self.Value = message_of(event), event.severity, event.value
        self.AlertURL = wording.alert_url(event)
        held = alert.held
        self.HeldBy = [] if held is None else list(held.by)
        self.HeldSince = Moment(0 if held is None else held.since_ms, wording.zone)
        self.HeldUntil = Moment(0 if held is None else held.until_ms, wording.zone)


class Alerts(list[Alert], Struct):
    """Several."""

    called: ClassVar[frozenset[str]] = frozenset({"Firing", "Resolved"})

    def Firing(self) -> "Alerts":  # noqa: N802 - Alertmanager's name
        """Those that fire."""
        return Alerts(one for one in self if one.Status == "firing")

    def Resolved(self) -> "Alerts":  # noqa: N802 - Alertmanager's name
        """Those that have ended."""
        return Alerts(one for one in self if one.Status == "resolved")


class NoticeData(Struct):
    """Alertmanager's `Data`; `Title`, `Text`, `Html` and `Occasion` are ours."""

    seen: ClassVar[frozenset[str]] = frozenset(
        {
            *("Receiver", "Status", "Alerts", "GroupLabels", "CommonLabels", "CommonAnnotations", "ExternalURL"),
            *("NotificationReason", "Occasion"),
        }
    )
    called: ClassVar[frozenset[str]] = frozenset({"Title", "Text", "Html"})

    def __init__(self, notice: Notice, wording: Wording) -> None:
        self._notice, self._wording = notice, wording
        self.Receiver, self.Status, self.Occasion = notice.receiver, notice.status, notice.occasion
        self.NotificationReason = notice.occasion
        self.Alerts = Alerts(Alert(one, wording) for one in notice.alerts)
        self.GroupLabels, self.CommonLabels = KV(notice.group_labels), KV(notice.common_labels)
        self.CommonAnnotations = KV(_common(one.Annotations for one in self.Alerts))
        self.ExternalURL = wording.external_url

    def Title(self) -> str:  # noqa: N802 - beside Alertmanager's names
        """The title that Pantau would write."""
        return title(self._notice, self._wording)

    def Text(self) -> str:  # noqa: N802 - beside Alertmanager's names
        """The text that Pantau would write."""
        return text(self._notice, self._wording, LONGEST_TEXT)

    def Html(self) -> Safe:  # noqa: N802 - beside Alertmanager's names
        """The page that Pantau would mail."""
        return Safe(html(self._notice, self._wording))


def _common(maps: Iterable[Mapping[str, object]]) -> dict[str, object]:
    first, *others = maps
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}
