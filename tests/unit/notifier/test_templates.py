"""Templates of notifications: Alertmanager's data and functions, and what happens to wrong ones."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from services.notifier.core.expanding import check_template, expanded, filled
from services.notifier.core.mail_html import html as mail_html
from services.notifier.core.templates import templates
from services.notifier.core.wording import Wording
from services.notifier.preview import main
from shared.rules.templates import BadTemplate, TemplateFailed
from tests.unit.notifier.notices import WICKED, notice, told, wording

WHAT = notice(
    told(message="Router is gone", annotations={"summary": "gone"}), told("disk_full", "resolved", message="Full")
)


@pytest.mark.parametrize(
    ("template", "gives"),
    [
        ("plain {text}", "plain {text}"),
        ("{{ .Status }} {{ .Receiver }} {{ .ExternalURL }}", "firing ops https://pantau.example"),
        ("{{ len .Alerts.Firing }}/{{ .Alerts.Resolved | len }}", "1/1"),
        (
            "{{ range .Alerts }}{{ .Labels.alertname }}={{ .Status }} {{ end }}",
            "router_down=firing disk_full=resolved ",
        ),
        (
            "{{ range .CommonLabels.SortedPairs }}{{ .Name }}:{{ .Value }};{{ end }}",
            "router:bras-1;severity:critical;site:Depok;",
        ),
        (
            '{{ (index .Alerts 0).Labels.Remove (stringSlice "router" "site") | toJson }}',
            '{"alertname": "router_down", "severity": "critical"}',
        ),
        ('{{ .GroupLabels.SortedPairs.Values | join ", " }}', "bras-1"),
        ("{{ .CommonLabels.Names }}", "[router severity site]"),
        ("{{ (index .Alerts 0).Annotations.summary }}", "gone"),
        ("{{ (index .Alerts 1).Annotations.description }}", "Full"),
        (
            '{{ (index .Alerts 0).StartsAt.Format "Mon, 02 Jan 2006 15:04:05 -0700 MST" }}',
            "Mon, 23 Nov 2026 23:05:00 +0700 WIB",
        ),
        (
            '{{ (index .Alerts 1).EndsAt | tz "UTC" | date "2006-01-02T15:04:05.000Z07:00" }}',
            "2026-11-23T17:05:00.000Z",
        ),
        ('{{ (index .Alerts 0).StartsAt.UTC.Format "3:04 PM _2/1/06" }}', "4:05 PM 23/11/26"),
        ("{{ since (index .Alerts 0).StartsAt }}", "5s"),
        ('{{ "  a " | trimSpace }}{{ "x" | toUpper }}{{ reReplaceAll "b+" "c" "abb" }}', "aXac"),
        ('{{ template "slack.default.title" . }}', "🚨 CRITICAL Alert: 1 firing, 1 resolved – bras-1"),
        (
            '{{ template "__alertmanager" . }} {{ template "pagerduty.default.clientURL" . }}',
            "Pantau https://pantau.example/alerts",
        ),
        (
            '{{ template "__text_alert_list" .Alerts.Resolved }}',
            "Full (alertname=disk_full, router=bras-1, severity=critical, site=Depok)\n",
        ),
        ('{{ define "x" }}[{{ . }}]{{ end }}{{ template "x" .Status }}', "[firing]"),
    ],
)
def test_what_templates_give(template: str, gives: str) -> None:
    assert expanded(template, WHAT, wording("en")) == gives


def test_all_that_pantau_would_say_is_at_hand() -> None:
    assert expanded("{{ .Text }}", WHAT, wording("id")).startswith("🚨 CRITICAL Alert: 1 aktif, 1 teratasi\n")


def test_values_are_escaped_in_html() -> None:
    what = notice(told(message=WICKED))
    assert "<b>" not in expanded("{{ (index .Alerts 0).Message }}", what, wording(), is_html=True)
    safe = '<i>{{ .Status }}</i>{{ safeHtml "<br>" }}'
    assert expanded(safe, what, wording(), is_html=True) == "<i>firing</i><br>"
    page = expanded('{{ template "email.default.html" . }}', what, wording(), is_html=True)
    assert page == mail_html(what, wording())
    assert "&lt;b&gt;bold" in page


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ .Nothing }}", "can't evaluate field Nothing"),
        ('{{ template "nowhere" . }}', "not defined"),
        ("{{ (index .Alerts 9).Status }}", "out of range"),
        ('{{ query "up" }}', "annotation of the rule"),
        ('{{ .CommonLabels.Remove "x" }}', "stringSlice"),
        ("{{ .GroupLabels.Names 1 }}", "wrong number of args"),
        ('{{ tz "Mars/Base" (index .Alerts 0).StartsAt }}', "no time zone"),
        ("{{ range 90000 }}{{ range 90000 }}x{{ end }}{{ end }}", "steps"),
    ],
)
def test_a_template_that_fails_says_why_and_nothing_is_lost(template: str, says: str) -> None:
    with pytest.raises(TemplateFailed, match=says):
        expanded(template, WHAT, wording("en"))
    assert filled(template, WHAT, wording("en"), lambda: "the page").startswith("the page (template: ")


def test_what_is_no_template_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="is no template: 1:4: function 'foo' not defined"):
        check_template("{{ foo }}")
    with pytest.raises(BadTemplate, match=r"own\.tmpl:2:"):
        templates([("own.tmpl", '{{ define "x" }}\n{{ if }}{{ end }}{{ end }}')])


def test_files_define_and_replace() -> None:
    known = templates([("a", '{{ define "mine" }}a{{ end }}'), ("b", '{{ define "mine" }}b {{ .Status }}{{ end }}')])
    plain = wording("en")
    own = Wording(plain.external_url, plain.zone, plain.language, None, known)
    assert expanded('{{ template "mine" . }}', WHAT, own) == "b firing"


def test_a_receiver_is_previewed_without_sending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {
        "global": {"smtp_smarthost": "127.0.0.1:1", "smtp_from": "pantau@isp.example"},
        "route": {"receiver": "ops"},
        "people": [{"name": "ani", "telegram": "12"}],
        "receivers": [
            {
                "name": "ops",
                "email_configs": [{"to": "a@isp.example"}],
                "telegram_configs": [{"bot_token": "1:x", "to": [{"person": "ani"}]}],
            }
        ],
    }
    (tmp_path / "pantau.yaml").write_text(json.dumps({"notifications": config}))
    monkeypatch.setenv("PANTAU_CONFIG", str(tmp_path / "pantau.yaml"))
    app = typer.Typer()
    app.command()(main)
    done = CliRunner().invoke(app, ["ops", "--resolved", "--language", "en", "--template", "<b>{{ .Status }}</b>"])
    assert done.exit_code == 0, done.output
    assert "--- ops/email/0 (resolved)" in done.output
    assert "Subject: ✅ CRITICAL Alert resolved" in done.output
    assert '"text": "<b>resolved</b>"' in done.output
    assert "1:x" not in done.output
    absent = CliRunner().invoke(app, ["nobody"])
    assert absent.exit_code == 1
    assert "there is no receiver 'nobody'" in absent.output
