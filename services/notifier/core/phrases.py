"""The words of notices, in the languages that there are."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.notifier.core.wording import Language


@dataclass(frozen=True, slots=True)
class Phrases:
    """One language. What stands in braces is filled in."""

    locale: str
    """CLDR's name, for numbers, dates and zones."""
    date_time: str
    """CLDR's pattern of an instant in full, but for its zone."""
    time: str
    """CLDR's pattern of the time of day."""
    statuses: Mapping[str, str]
    """What is said of an alert behind its severity: `CRITICAL Alert resolved`."""
    counted: Mapping[str, str]
    """How many alerts are in a state."""
    repeated: str
    escalated: str
    missed: str
    test: str
    value: str
    threshold: str
    affected: str
    subscribers: str
    rupiah: str
    time_of: str
    noticed_later: str
    since: str
    lasted: str
    alert: str
    alerts: str
    runbook: str
    acknowledge: str
    silence: str
    more: str
    muted: str
    muted_by: Mapping[str, str]
    held: str
    """What held an alert back before it was told, in front of for how long and by what."""
    held_by: Mapping[str, str]
    """What did, by its kind; in braces what it names."""
    suppressed: str
    """A digest of what was held back."""
    some_held: str
    """How many of a digest were."""
    units_of_time: tuple[str, str, str, str]
    """Days, hours, minutes, seconds, after a number."""
    something: str
    """What lies before an alert where it has no name that people know."""
    scopes: Mapping[str, str]
    """What labels that say where are called; others are called as they are."""


ENGLISH = Phrases(
    locale="en_GB",
    date_time="EEEE d MMM y HH:mm",
    time="HH:mm",
    statuses={"firing": "", "resolved": "resolved", "passed": "has passed"},
    counted={"firing": "{} firing", "resolved": "{} resolved", "passed": "{} passed"},
    repeated="still firing",
    escalated="not acknowledged",
    missed="What was missed",
    test="Test",
    value="Value",
    threshold="threshold {}",
    affected="Affected",
    subscribers="{} subscribers",
    rupiah="Rp {}",
    time_of="Time",
    noticed_later="noticed {} later",
    since="since {}",
    lasted="Lasted",
    alert="Alert",
    alerts="Alerts",
    runbook="Runbook",
    acknowledge="Acknowledge",
    silence="Silence",
    more="and {} more",
    muted="Not told: {}",
    muted_by={
        "silence": "{} silenced",
        "acknowledgement": "{} acknowledged",
        "inhibited": "{} inhibited",
        "dependency": "{} behind something that is down",
        "mute-time": "{} in a mute time",
        "quiet-hours": "{} in quiet hours",
        "flapping": "{} flapping",
        "suspected": "{} waiting to know whether what is before them is down",
    },
    held="Held back",
    held_by={
        "silence": "silenced",
        "inhibited": "inhibited by another alert",
        "dependency": "behind {}",
        "suspected": "until it was known how {} was",
        "mute-time": "mute time {}",
        "quiet-hours": "quiet hours",
        "flapping": "it came and went",
    },
    suppressed="Held back meanwhile",
    some_held="{} of them held back",
    units_of_time=("d", "h", "min", "s"),
    something="something that is down",
    scopes={},
)

INDONESIAN = Phrases(
    locale="id",
    date_time="EEEE d MMM y HH.mm",
    time="HH.mm",
    statuses={"firing": "", "resolved": "teratasi", "passed": "sudah lewat"},
    counted={"firing": "{} aktif", "resolved": "{} teratasi", "passed": "{} sudah lewat"},
    repeated="masih aktif",
    escalated="belum ditangani",
    missed="Yang terlewat",
    test="Uji coba",
    value="Nilai",
    threshold="ambang {}",
    affected="Terdampak",
    subscribers="{} pelanggan",
    rupiah="Rp {}",
    time_of="Waktu",
    noticed_later="diketahui {} kemudian",
    since="sejak {}",
    lasted="Berlangsung",
    alert="Alert",
    alerts="Daftar alert",
    runbook="Panduan",
    acknowledge="Saya tangani",
    silence="Bungkam",
    more="dan {} lainnya",
    muted="Tidak disampaikan: {}",
    muted_by={
        "silence": "{} dibungkam",
        "acknowledgement": "{} sudah ditangani",
        "inhibited": "{} ditekan alert lain",
        "dependency": "{} di belakang yang mati",
        "mute-time": "{} dalam waktu bungkam",
        "quiet-hours": "{} dalam jam tenang",
        "flapping": "{} naik-turun",
        "suspected": "{} menunggu kepastian apa yang di depannya mati",
    },
    held="Ditahan",
    held_by={
        "silence": "dibungkam",
        "inhibited": "ditekan alert lain",
        "dependency": "di belakang {}",
        "suspected": "sampai keadaan {} jelas",
        "mute-time": "waktu bungkam {}",
        "quiet-hours": "jam tenang",
        "flapping": "naik-turun",
    },
    suppressed="Yang ditahan sementara itu",
    some_held="{} di antaranya ditahan",
    units_of_time=("hari", "jam", "menit", "detik"),
    something="yang mati",
    scopes={"site": "lokasi", "area": "wilayah", "service": "layanan", "interface": "antarmuka"},
)

LANGUAGES: Mapping[Language, Phrases] = {"en": ENGLISH, "id": INDONESIAN}
