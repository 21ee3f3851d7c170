"""Templates: Go's language and Prometheus' functions, case by case."""

import pytest

from shared.promql.errors import QueryFailed
from shared.rules.templates import BadTemplate, TemplateFailed, execute, parse_template
from shared.rules.templates.functions import Surroundings
from shared.rules.templates.values import Data, Sample

LABELS = {"__name__": "up", "instance": "web-1.example:9100", "job": "web"}
SAMPLES = [Sample({"instance": "b"}, 21.0), Sample({"instance": "a", "__value__": "str"}, 11.0)]


def query(text: str) -> list[Sample]:
    if text == "bad":
        raise QueryFailed("no answer")
    return [] if text == "nothing" else SAMPLES


def expand(text: str, value: float = 91.25) -> str:
    data = Data(LABELS, {"region": "id"}, "http://pantau.example/root", value)
    variables = {"$labels": LABELS, "$value": value, "$externalLabels": data.ExternalLabels}
    around = Surroundings(query, 1_435_065_584_128, data.ExternalURL)
    return execute(parse_template(text, tuple(variables)), data, variables, around)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("{{ $labels.instance }} is {{ .Value }}", "web-1.example:9100 is 91.25"),
        ("{{$labels.missing}}|{{.Labels.job}}|{{$externalLabels.region}}", "|web|id"),
        ("a {{- /* note */ -}} b", "ab"),
        ("a  {{- 1 -}}  b", "a1b"),
        ('{{ `raw "x"` }}{{ "\\u00e9\\n" }}', 'raw "x"é\n'),
        ("{{ if gt $value 90.0 }}high{{ else if gt $value 50.0 }}mid{{ else }}low{{ end }}", "high"),
        ("{{ if lt .Value 90.0 }}x{{ else if ge $value 91.25 }}mid{{ else }}low{{ end }}", "mid"),
        ("{{ if and $labels.job (not $labels.missing) }}y{{ end }}", "y"),
        ('{{ or $labels.missing "none" }}{{ and 1 0 }}', "none0"),
        ("{{ with $labels.job }}{{ . }}{{ else }}x{{ end }}{{ with $labels.nix }}{{.}}{{ else }}-{{ end }}", "web-"),
        ("{{ with $labels.nix }}{{.}}{{ else with $labels.job }}={{.}}{{ end }}", "=web"),
        ('{{ range query "up" }}{{ .Labels.instance }}={{ .Value }} {{ end }}', "b=21 a=11 "),
        ('{{ range $i, $s := query "up" | sortByLabel "instance" }}{{$i}}{{ $s | value }};{{end}}', "011;121;"),
        ('{{ range query "nothing" }}x{{ else }}none{{ end }}', "none"),
        (
            "{{ range $k, $v := .Labels }}{{ $k }}:{{ $v }},{{ end }}",
            "__name__:up,instance:web-1.example:9100,job:web,",
        ),
        (
            "{{ range 5 }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ end }}",
            "02",
        ),
        ("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $x := 3 }}{{ $x }}{{ end }}{{ $x }}", "32"),
        ('{{ query "up" | first | value | humanize }}', "21"),
        ('{{ query "up" | first | label "instance" }}{{ (index (query "up") 1) | strvalue }}', "bstr"),
        ('{{ (query "up" | first).Labels.instance }}{{ len (query "up") }}', "b2"),
        ('{{ index $labels "job" }}{{ index $labels "nix" }}{{ len "abc" }}', "web3"),
        ('{{ eq 1 2 1 }}{{ ne "a" "b" }}{{ le 1 1 }}{{ not 0 }}', "truetruetruetrue"),
        ('{{ print 1 2 "x" 3 }}|{{ println 1 "a" }}', "1 2x3|1 a\n"),
        (
            '{{ printf "%.2f %5d|%-4s|%q %v %t %x %05.1f%%" 3.14159 42 "ab" "q" 1.5 true 255 2.25 }}',
            '3.14    42|ab  |"q" 1.5 true ff 002.2%',
        ),
        (
            '{{ printf "%d %s" $value 7 }}{{ printf "%s" }}{{ printf "x" 1 }}',
            "%!d(float64=91.25) %!s(int=7)%!s(MISSING)x%!(EXTRA int=1)",
        ),
        (
            "{{ 1000000.0 }} {{ 123456.0 }} {{ 1234567.5 }} {{ 0.00001 }} {{ 0.5 }}",
            "1e+06 123456 1.2345675e+06 1e-05 0.5",
        ),
        ("{{ 0x10 }} {{ 010 }} {{ 'a' }} {{ -3 }} {{ 1e3 }}", "16 8 97 -3 1000"),
        ('{{ define "t" }}<{{ . }}>{{ end }}{{ template "t" $labels.job }}{{ tmpl "t" 5 | toUpper }}', "<web><5>"),
        ('{{ block "t" 7 }}[{{ . }}]{{ end }}', "[7]"),
        ('{{ template "t" (args 1 "b") }}{{ define "t" }}{{ .arg0 }}{{ .arg1 }}{{ end }}', "1b"),
        ('{{ html "<a&b>" }}{{ urlquery "a b&" }}{{ slice "abcdef" 1 3 }}', "&lt;a&amp;b&gt;a+b%26bc"),
        ('{{ print .Labels }}{{ print (query "nothing") }}', "map[__name__:up instance:web-1.example:9100 job:web][]"),
    ],
)
def test_the_language(text: str, expected: str) -> None:
    assert expand(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ range $v := args 0.0 1.0 1234567.0 0.12 -1500.0 }}{{ humanize $v }} {{ end }}", "0 1 1.235M 120m -1.5k "),
        ("{{ humanize1024 0.0 }} {{ humanize1024 1048576.0 }} {{ humanize1024 1000.0 }}", "0 1Mi 1000"),
        ("{{ humanizeDuration 0.0 }} {{ humanizeDuration 60.0 }} {{ humanizeDuration 3600 }}", "0s 1m 0s 1h 0m 0s"),
        ("{{ humanizeDuration 86400.0 }} {{ humanizeDuration -3661.0 }}", "1d 0h 0m 0s -1h 1m 1s"),
        (
            "{{ humanizeDuration 899.99 }} {{ humanizeDuration 0.1 }} {{ humanizeDuration 12.34567 }}",
            "14m 59s 100ms 12.35s",
        ),
        ('{{ humanizeDuration "1.5" }} {{ humanizeDuration .0001 }}', "1.5s 100us"),
        ("{{ humanizePercentage -0.22222 }} {{ humanizePercentage 1 }}", "-22.22% 100%"),
        ("{{ humanizeTimestamp 1435065584.128 }}", "2015-06-23 13:19:44.128 +0000 UTC"),
        ("{{ 1435065584.0 | toTime }}", "2015-06-23 13:19:44 +0000 UTC"),
        ("{{ toDuration 93784.5 }} {{ toDuration 0.0015 }} {{ toDuration 0 }}", "26h3m4.5s 1.5ms 0s"),
        ('{{ parseDuration "1h30m" }} {{ parseDurationTime "1h30m" }}', "5400 1h30m0s"),
        ("{{ now }}", "1.435065584128e+09"),
        ('{{ "aa bb-cc" | title }} {{ toUpper "ab" }} {{ toLower "AB" }}', "Aa Bb-Cc AB ab"),
        ('{{ match "a+" "baac" }} {{ match "^x" "ax" }}', "true false"),
        ('{{ reReplaceAll "(a)b" "x$1" "abab" }} {{ reReplaceAll "(?P<n>.)$" "${n}!" "ok" }}', "xaxa ok!"),
        (
            '{{ stripPort $labels.instance }} {{ stripPort "[::1]:80" }} {{ stripPort "plain" }}',
            "web-1.example ::1 plain",
        ),
        (
            '{{ stripDomain $labels.instance }} {{ stripDomain "10.0.0.1:80" }} {{ stripDomain "a.b" }}',
            "web-1:9100 10.0.0.1:80 a",
        ),
        ("{{ externalURL }} {{ pathPrefix }}", "http://pantau.example/root /root"),
        (
            '{{ graphLink "up > 0" }} {{ tableLink "up" }}',
            "/graph?g0.expr=up+%3E+0&g0.tab=0 /graph?g0.expr=up&g0.tab=1",
        ),
        ('{{ safeHtml "<b>" }}{{ urlQueryEscape "a b" }}', "<b>a+b"),
    ],
)
def test_prometheus_functions(text: str, expected: str) -> None:
    assert expand(text) == expected


@pytest.mark.parametrize(("value", "expected"), [(float("inf"), "+Inf +Inf +Inf"), (float("nan"), "NaN NaN NaN")])
def test_what_is_no_number_stays_so(value: float, expected: str) -> None:
    assert expand("{{ $value }} {{ humanize $value }} {{ humanizeDuration $value }}", value) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a\n  {{ nothing }}", "2:6: function 'nothing' not defined"),
        ("{{ $x }}", "1:4: undefined variable '$x'"),
        ("{{ if true }}", "1:1: if without end"),
        ("{{ end }}", "1:1: unexpected {{end}}"),
        ("{{ }}", "missing value"),
        ("{{ 1 | 2 }}", "a function is needed"),
        ('{{ "open }}', "in action"),
        ("{{ $value ", "1:1: unclosed action"),
        ("{{/* x }}", "in action"),
        ("{{ (print 1 }}", "unclosed left paren"),
        ("{{ break }}", "outside of range"),
        ("{{ if 1 }}{{ else }}{{ else }}{{ end }}", "second else"),
        ("{{ if 1 }}" * 60, "nested more than"),
        ("{{ " + "(" * 60 + "1" + ")" * 60 + " }}", "nested more than"),
        ("x" * 70_000, "at most 65536"),
    ],
)
def test_what_is_no_template_is_refused_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(BadTemplate) as refused:
        expand(text)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{{ query "nothing" | first }}', "1:22: error calling first: first() called on vector with no elements"),
        ('{{ query "bad" }}', "error calling query: no answer"),
        ("{{ gt $value 5 }}", "error calling gt: incompatible types for comparison"),
        ("{{ .Nothing }}", "can't evaluate field Nothing"),
        ("{{ toUpper 5 }}", "expected string; got int"),
        ("{{ toUpper }}", "wrong number of args"),
        ('{{ humanize "x" }}', "invalid syntax"),
        ('{{ index (query "up") 9 }}', "index out of range"),
        ("{{ range 3.5 }}{{ end }}", "can't iterate"),
        ('{{ match "(" "a" }}', "regular expression"),
        ('{{ template "t" }}', "not defined"),
        ('{{ define "t" }}{{ template "t" }}{{ end }}{{ template "t" }}', "include each other"),
        ("{{ range 1000 }}{{ range 1000 }}{{ end }}{{ end }}", "steps"),
        ("{{ range 9000 }}0123456789{{ end }}", "writes more than"),
        ("{{ $labels.job 1 }}", "can't give argument"),
        ("{{ humanizeTimestamp 1e30 }}", "overflows"),
    ],
)
def test_what_fails_says_where_and_why(text: str, reason: str) -> None:
    with pytest.raises(TemplateFailed) as failed:
        expand(text)
    assert reason in str(failed.value)
