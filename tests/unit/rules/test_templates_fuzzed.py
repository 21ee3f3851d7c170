"""Whatever is written in a template: it gives a text, or is refused, or fails; it never crashes or hangs."""

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.rules.templates import BadTemplate, TemplateFailed, execute, parse_template
from shared.rules.templates.evaluator import LONGEST_OUTPUT
from shared.rules.templates.functions import Surroundings
from shared.rules.templates.names import FUNCTIONS
from shared.rules.templates.values import Data, Sample

SAMPLES = [Sample({"a": "b"}, 1.5), Sample({}, float("nan"))]
VALUES = ["1", "0", "-1", "1.5", "1e300", "1e400", "9999999999999", '"x"', '"%s%d"', '"("', "`a`", "nil", "true",
          ".", "$", "$labels", "$value", ".Labels", ".Value", "$labels.a", '(query "m")', "'c'", "(now)"]  # fmt: skip

operand = st.sampled_from(VALUES)
command = st.one_of(
    operand,
    st.tuples(st.sampled_from(sorted(FUNCTIONS)), st.lists(operand, max_size=3)).map(
        lambda parts: " ".join([parts[0], *parts[1]])
    ),
)
pipe = st.lists(command, min_size=1, max_size=3).map(" | ".join)
action = st.builds(
    lambda word, inner: "{{ " + word + " " + inner + " }}",
    st.sampled_from(["", "", "if", "with", "range", "range $k, $v :=", "$x :=", "else if", 'template "t"']),
    pipe,
)
MARKS = ["{{ end }}", "{{ else }}", "{{- ", " -}}", "text", "{{/* c */}}", "{{ break }}", "{{ $x }}", "{{", "}}"]
piece = st.one_of(action, action, st.sampled_from([*MARKS, '{{ define "t" }}']))


@settings(max_examples=600, deadline=None)
@given(st.lists(piece, max_size=8).map("".join))
def test_any_text_is_expanded_or_refused(text: str) -> None:
    labels = {"a": "b", "instance": "h:1"}
    data = Data(labels, {}, "http://x.example", 2.5)
    try:
        template = parse_template(text, ("$labels", "$value"))
        found = execute(template, data, {"$labels": labels, "$value": 2.5}, Surroundings(lambda _: SAMPLES, 1))
    except (BadTemplate, TemplateFailed):
        return
    assert len(found) <= LONGEST_OUTPUT
