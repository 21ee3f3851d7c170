"""What notices say: the words, and that nothing breaks them."""

import html
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from services.notifier.core import markup
from services.notifier.core.cutting import cleaned, cut, length, one_line
from services.notifier.core.mail_html import html as mail_html
from services.notifier.core.markup import Markup
from services.notifier.core.notice import Held
from services.notifier.core.phrases import LANGUAGES
from services.notifier.core.text import text, title
from shared.messages.access import Recipient
from tests.unit.notifier.notices import BEGAN, HOUR, WICKED, notice, told, wording

MARKUPS = {
    name: getattr(markup, name)
    for name in ("PLAIN", "WHATSAPP", "TELEGRAM_HTML", "TELEGRAM_V2", "SLACK", "DISCORD", "TEAMS", "HTML")
}

LONG = "x" * 99


def test_the_specifications_message_in_bahasa_indonesia() -> None:
    alert = told(message="Router bras-1 tidak terjangkau", threshold=90.0, annotations={"subscribers": "1312"})
    page = alert.event.alert_id
    assert text(notice(alert), wording("id", links=True), 4_096) == (
        "🚨 CRITICAL Alert\n"
        "\n"
        "Router bras-1 tidak terjangkau\n"
        "\n"
        "Nilai: 93,25% (ambang 90%)\n"
        "Waktu: Senin 23 Nov 2026 23.05 WIB\n"
        "Terdampak: 1.312 pelanggan, lokasi Depok, router bras-1\n"
        f"Saya tangani: https://pantau.example/a/2?to=None&t={BEGAN + 5_000}\n"
        "Bungkam: https://pantau.example/s/2\n"
        f"Alert: https://pantau.example/alerts/{page}-{BEGAN}"
    )


def test_an_end_says_how_long_it_took() -> None:
    over = told(status="resolved", annotations={"runbook_url": "https://wiki.example/router"})
    said = text(notice(over), wording("en", links=True), 4_096)
    assert said.startswith("✅ CRITICAL Alert resolved\n\nRouter is gone\n\n")
    assert "Time: Tuesday 24 Nov 2026 00:05 WIB\nLasted: 1 h\n" in said
    assert "Runbook: https://wiki.example/router" in said
    assert "Acknowledge" not in said


@pytest.mark.parametrize(
    ("by", "english", "indonesian"),
    [
        ("dependency:mikrotik:edge-1", "12 min: behind mikrotik:edge-1", "12 menit: di belakang mikrotik:edge-1"),
        (f"dependency:{'0a' * 16}", "12 min: behind something that is down", "12 menit: di belakang yang mati"),
        ("suspected:icmp:a", "12 min: until it was known how icmp:a was", "12 menit: sampai keadaan icmp:a jelas"),
        ("silence:9", "12 min: silenced", "12 menit: dibungkam"),
        ("mute-time:malam", "12 min: mute time malam", "12 menit: waktu bungkam malam"),
        ("quiet-hours", "12 min: quiet hours", "12 menit: jam tenang"),
        ("flapping", "12 min: it came and went", "12 menit: naik-turun"),
        (
            f"dependency:http:{'x' * 900}\n*",
            f"12 min: behind http:{'x' * 94}…",
            f"12 menit: di belakang http:{'x' * 94}…",
        ),
    ],
)
def test_what_held_an_alert_back_is_said_where_it_is_told(by: str, english: str, indonesian: str) -> None:
    held = replace(told(), held=Held((by,), BEGAN, BEGAN + 720_000))
    assert f"\nHeld back: {english}\n" in text(notice(held), wording("en"), 4_096)
    assert f"\nDitahan: {indonesian}\n" in text(notice(held), wording("id"), 4_096)
    listed = text(notice(held, told("other")), wording("en"), 4_096)
    assert f"; held back {english}" in listed


def test_a_digest_says_whether_it_was_missed_or_held_back() -> None:
    missed = told(status="passed")
    held = replace(missed, held=Held(("silence:9",), BEGAN, BEGAN + 720_000))
    first_lines = {
        language: [
            text(notice(*alerts, occasion="digest"), wording(language), 4_096).splitlines()[0]
            for alerts in ((held, held), (held, missed))
        ]
        for language in LANGUAGES
    }
    assert first_lines == {
        "en": ["📋 Held back meanwhile: 2 passed", "📋 What was missed: 2 passed (1 of them held back)"],
        "id": [
            "📋 Yang ditahan sementara itu: 2 sudah lewat",
            "📋 Yang terlewat: 2 sudah lewat (1 di antaranya ditahan)",
        ],
    }


@pytest.mark.parametrize(
    ("occasion", "status", "english", "indonesian"),
    [
        ("repeat", "firing", "🚨 CRITICAL Alert still firing", "🚨 CRITICAL Alert masih aktif"),
        ("escalation", "firing", "🚨 CRITICAL Alert not acknowledged", "🚨 CRITICAL Alert belum ditangani"),
        ("digest", "passed", "📋 What was missed: 1 passed", "📋 Yang terlewat: 1 sudah lewat"),
        ("change", "passed", "☑️ CRITICAL Alert has passed", "☑️ CRITICAL Alert sudah lewat"),
        ("test", "firing", "🔔 Test: 🚨 CRITICAL Alert", "🔔 Uji coba: 🚨 CRITICAL Alert"),
    ],
)
def test_why_now(occasion: str, status: str, english: str, indonesian: str) -> None:
    what = notice(told(status=status), occasion=occasion)  # type: ignore[arg-type]
    assert text(what, wording("en"), 4_096).splitlines()[0] == english
    assert text(what, wording("id"), 4_096).splitlines()[0] == indonesian
    assert title(what, wording("en")) == f"{english}: Router is gone"


def test_each_person_has_a_language_and_a_zone() -> None:
    ani = Recipient(id="p-1", name="Ani", language="en", zone="Asia/Jayapura")
    said = text(notice(to=ani), wording("id", links=True), 4_096)
    assert "Time: Tuesday 24 Nov 2026 01:05 WIT" in said
    assert "/a/2?to=p-1" in said
    assert "23.05 WIB" in text(
        notice(to=ani.model_copy(update={"zone": "Mars/Base", "language": "id"})), wording(), 4_096
    )


def test_several_alerts_are_a_list_and_say_what_is_left_out() -> None:
    many = [
        told(f"rule_{n}", message=f"Message {n}", labels={"alertname": f"rule_{n}", "router": f"r{n}"})
        for n in range(40)
    ]
    over = told("over", "resolved", message="Over now")
    what = notice(*many, over, silence=3, dependency=1)
    said = text(what, wording("en"), 20_000)
    assert said.startswith(
        "🚨 CRITICAL Alert: 40 firing, 1 resolved\n\n🚨 Message 0 (93.25%; since 23:05; router r0)\n"
    )
    assert "\nand 21 more\n" in said
    assert said.endswith("Not told: 1 behind something that is down, 3 silenced")
    short = text(what, wording("en"), 400)
    assert len(short) <= 400
    assert re.search(r"\nand \d\d more\n", short)
    assert title(what, wording("en")) == "🚨 CRITICAL Alert: 40 firing, 1 resolved – bras-1"


@pytest.mark.parametrize(
    ("expr", "value", "annotations", "shown"),
    [
        ("mikrotik_memory_usage_percent > 95", 95.123456, {}, "95.12%"),
        ("avg_over_time(http_request_duration_seconds[5m]) > 2", 0.25, {}, "250 ms"),
        ("node_uptime_seconds < 900", 754.0, {}, "12 min 34 s"),
        ("sum by (host) (process_memory_bytes) > 1e9", 3.5 * 2**30, {}, "3.5 GiB"),
        ("rate(network_receive_bytes_total[5m]) > 1", 2048.0, {}, "2 KiB/s"),
        ("revenue_today_rupiah < 1e6", 1_250_000.4, {}, "Rp 1,250,000"),
        ("up == 0 and on () vector(1)", 12_345.6, {}, "12,346"),
        ("rate(errors_total[5m]) > 0.1", 0.123456, {}, "0.1235"),
        ("anything > 1", 4.5, {"unit": "dBm"}, "4.5 dBm"),
        ("100 * (a_bytes / b_bytes) > 1", 97.0, {}, "97"),
        ("x > 1", float("inf"), {}, "+∞"),
        ("x > 1", float("nan"), {}, "NaN"),
        ("not a query (", 1e30, {}, "1e+30"),
    ],
)
def test_values_have_units(expr: str, value: float, annotations: dict[str, str], shown: str) -> None:
    what = notice(told(expr=expr, value=value, annotations=annotations))
    assert f"\nValue: {shown}\n" in text(what, wording("en"), 4_096)


def test_a_value_that_the_rule_asks_for_says_nothing() -> None:
    assert "Value" not in text(notice(told(expr="mikrotik_up == 0", value=0.0, threshold=0.0)), wording("en"), 4_096)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://", "https://x\n.example", "ftp://x.example", "x" * 2_000, "https://[x"]
)
def test_a_runbook_must_lead_somewhere(url: str) -> None:
    assert "Runbook" not in text(notice(told(annotations={"runbook_url": url})), wording("en"), 9_000)


@pytest.mark.parametrize(
    ("markup", "shows"),
    [
        ("TELEGRAM_HTML", "a &lt;b&gt;bold&lt;/b&gt; *star*"),
        ("TELEGRAM_V2", r"a <b\>bold</b\> \*star\* \_line\_ \`code\` @everyone <\!channel\> \[x\]\(http://evil\)"),
        ("SLACK", "@everyone &lt;!channel&gt; [x](http://evil) &amp;"),
        ("DISCORD", r"a \<b\>bold\</b\> \*star\* \_line\_ \`code\` @" + "\u200beveryone"),
        ("TEAMS", r"\[x\](http://evil)"),
        ("PLAIN", WICKED),
    ],
)
def test_a_label_is_never_markup(markup: str, shows: str) -> None:
    assert shows in text(notice(told(message=WICKED)), wording("en"), 9_000, MARKUPS[markup])


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag not in ("br", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


TEXTS = st.text(st.sampled_from("ab 🚨é&<>\"'*_`[]()\\@#-\n\r\t.!|~👩‍👩‍👧\u202e\x00"), max_size=300)


@settings(max_examples=60, deadline=None)
@given(message=TEXTS, label=TEXTS, limit=st.integers(60, 700), count=st.integers(1, 4))
def test_nothing_is_too_long_or_broken(message: str, label: str, limit: int, count: int) -> None:
    labels = {"alertname": "x", "router": label}
    alerts = [told(f"r{number}", message=message, labels=labels) for number in range(count)]
    for chosen in MARKUPS.values():
        said = text(notice(*alerts), wording("id", links=True), limit, chosen)
        assert length(said) <= limit
        assert not re.search("[\u202e\x00\r]", said)
    tagged = text(notice(*alerts), wording("id", links=True), limit, MARKUPS["TELEGRAM_HTML"])
    tags = _Tags()
    tags.feed(tagged)
    assert not tags.open
    assert tags.seen <= {"b", "a"}
    assert "&" not in re.sub(r"&(amp|lt|gt|quot|#x27);", "", tagged)
    marked = text(notice(*alerts), wording("id", links=True), limit, MARKUPS["TELEGRAM_V2"])
    assert not re.search(r"(?<!\\)(\\\\)*\\$", marked)


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS)
def test_the_mails_page_holds_only_our_elements(message: str, label: str) -> None:
    tags = _Tags()
    what = notice(told(message=message, labels={"alertname": "x", "router": label}), told("b", "resolved"))
    tags.feed(mail_html(what, wording("id", links=True)))
    assert not tags.open
    own = {"html", "head", "meta", "title", "body", "h1", "div", "p", "strong", "br", "span", "table", "tr", "td", "a"}
    assert tags.seen <= own


@given(st.text(max_size=60), st.integers(1, 60))
def test_a_cut_text_is_the_beginning_of_the_whole(said: str, limit: int) -> None:
    shown = cut(said, limit)
    assert length(shown) <= limit
    assert shown == said or said.startswith(shown.removesuffix("…"))


@pytest.mark.parametrize(
    ("said", "limit", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("🚨🚨🚨", 4, "🚨…"),
        ("ae\u0301x", 3, "a…"),  # an accent stays with its letter
        ("👩\u200d👩\u200d👧 ok", 6, "…"),  # a family stays together
        ("🇮🇩🇮🇩🇮🇩", 8, "🇮🇩…"),  # and a flag
        ("x", 0, ""),
    ],
)
def test_what_is_seen_as_one_character_stays_one(said: str, limit: int, shown: str) -> None:
    assert cut(said, limit) == shown


def test_what_deceives_the_eye_is_taken_out() -> None:
    assert cleaned("a\x00b\u202ec\r\nd\u2028e\ud800") == "abc\nd\ne?"
    assert one_line(" a\r\n\tb ") == "a b"


def test_times_far_off_are_shown_nevertheless() -> None:
    assert "Lasted: 0 s" in text(notice(told(status="resolved", fired_at=BEGAN + 9 * HOUR)), wording("en"), 4_096)
    assert "Time: " in text(notice(told(fired_at=10**17)), wording("en"), 4_096)
    assert html.unescape(mail_html(notice(told(fired_at=-5)), wording("en"))).count("1970") == 1


def test_a_markup_that_is_used_up_by_its_headline() -> None:
    upper = Markup(str.upper, str, lambda text, url: text)
    assert text(notice(told(message="x" * 900)), wording("en"), 10, upper) == "🚨 CRITIC…"


# As WhatsApp's clients format: from a mark at the left edge of a word to one at a right edge, within a line.
WHATSAPP_FORMATS = re.compile(r"(?<![^\W_])([*_~])(?=\S)[^\n]*?(?<=\S)\1(?![^\W_])|`|^>", re.MULTILINE)
MARKS = st.text(alphabet="ab1 *_~`>#-+.)|<[](\\\n", max_size=40)


@settings(max_examples=300, deadline=None)
@given(said=MARKS)
def test_nothing_is_formatted_in_whatsapp(said: str) -> None:
    shown = markup.WHATSAPP.escape(said)
    assert WHATSAPP_FORMATS.search(shown) is None
    assert len(shown) == len(said), "no unseen characters that would be copied too"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("cpu_usage_high at 5 * 3", "cpu_usage_high at 5 * 3"),
        ("*.example.net is *down*", "∗.example.net is ∗down∗"),
        ("_internal_ ~not~ `ok`", "ˍinternalˍ ∼not∼ 'ok'"),
        ("> said\nit > 3", "› said\nit > 3"),
        ("https://h/_a_/*b*?c=~d~ *e*", "https://h/_a_/*b*?c=~d~ ∗e∗"),
    ],
)
def test_whatsapp_shows_names_as_they_are(said: str, shown: str) -> None:
    assert markup.WHATSAPP.escape(said) == shown


@settings(max_examples=300, deadline=None)
@given(said=MARKS)
def test_nothing_is_formatted_where_markdown_is(said: str) -> None:
    lines = [line.strip() for line in said.split("\n") if line.strip()]
    for line in lines:  # indented code and lazy continuations come from blanks, which no line of ours begins with
        found = MarkdownIt("commonmark").enable("strikethrough").parse(markup.DISCORD.escape(line))
        assert [token.type for token in found] == ["paragraph_open", "inline", "paragraph_close"], line
        assert {token.type for token in found[1].children or ()} == {"text"}, line
        assert "".join(token.content for token in found[1].children or ()) == line


@pytest.mark.parametrize("said", ["> quoted", "a\n> b", "-# small", "1) one"])
def test_lines_begin_nothing(said: str) -> None:
    assert not re.search(r"(?m)^(&gt;|>)", markup.SLACK.escape(said))
    assert not re.search(r"(?m)^(>|-#|1\))", markup.DISCORD.escape(said))
