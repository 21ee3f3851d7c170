"""Events stay small enough for the bus, and whole where they may."""

from hypothesis import given, settings
from hypothesis import strategies as st

from services.alerting.core import events
from services.alerting.core.terms import Terms
from shared.messages.alerts import AlertEvent, Evidence, EvidenceSample, EvidenceSeries
from shared.messages.rules import AlertingRule, RuleGroup
from shared.rules.rule import Decision
from shared.rules.state import Alert, Transition
from tests.cases.timeline import START_MS

TEXTS = st.sampled_from(["", "x", "\x01", "€", "🦀", '"\\', "a\n"]).flatmap(
    lambda part: st.integers(0, 9_000).map(lambda times: part * times)
)


def event_of(text: str, annotations: int, series: int, samples: int) -> AlertEvent:
    rule = AlertingRule(name="r", expr="m > 1")
    group = RuleGroup(name="g", rules=[rule], version=1, origin="api", updated_by="x", updated_at=START_MS)
    labels = {"alertname": "r", "host": text[:100]}
    alert = Alert("a", labels, "firing", START_MS, 1, START_MS, START_MS, -1.7976931348623157e308, 0)
    seen = [EvidenceSample(time=START_MS, value=-1.7976931348623157e308, late=False)] * samples
    evidence = Evidence(
        series=[
            EvidenceSeries(
                series=f"m{number}{text[:200]}",
                samples=seen,
                total_samples=2**40,
                partition=2**31 - 1,
                offset=2**62,
                accepted_at=START_MS,
            )
            for number in range(series)
        ]
    )
    texts = {f"a{number}": text for number in range(annotations)}
    decision = Decision("g", rule, Transition(alert, "firing", "inactive"), texts, text, evidence)
    return events.event(group, 1.0, decision, START_MS, Terms())


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.integers(0, 9), st.integers(0, 20), st.integers(0, 50))
def test_no_event_is_larger_than_64_kb(text: str, annotations: int, series: int, samples: int) -> None:
    one = event_of(text, annotations, series, samples)
    assert len(one.encode()) <= 64 * 1024
    assert AlertEvent.decode(one.encode()) == one


def test_evidence_gives_way_first_and_no_more_than_needed() -> None:
    assert len(event_of("short", 3, 8, 50).evidence.series[0].samples) == 50
    thinned = event_of("x" * 9_000, 5, 20, 50)
    assert thinned.annotations == dict.fromkeys((f"a{number}" for number in range(5)), "x" * 9_000)
    assert 0 < len(thinned.evidence.series[0].samples) <= 10
