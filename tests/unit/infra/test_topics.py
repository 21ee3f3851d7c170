"""What has to be done so that a broker's topics are the catalogue's."""

from dataclasses import replace

from infra.topics import Existing, plan
from shared.messages.topics import RULES, SAMPLES, TOPICS, Topic


def as_catalogued(topic: Topic, **config: str) -> Existing:
    return Existing(topic.partitions, topic.broker_config() | config)


def test_everything_is_created_on_an_empty_broker() -> None:
    changes = plan(TOPICS, {}, brokers=1)
    assert [(change.topic, change.kind) for change in changes] == [(topic, "create") for topic in TOPICS]
    assert all(change.config == change.topic.broker_config() for change in changes)


def test_nothing_is_to_do_when_all_is_as_it_should_be() -> None:
    assert plan(TOPICS, {topic.name: as_catalogued(topic) for topic in TOPICS}, brokers=1) == []


def test_a_setting_that_differs_is_adjusted_and_the_operators_own_are_kept() -> None:
    there = as_catalogued(SAMPLES, **{"retention.ms": "1", "segment.ms": "600000"})
    (change,) = plan([SAMPLES], {SAMPLES.name: there}, brokers=1)
    assert change.kind == "config"
    assert change.config == SAMPLES.broker_config() | {"segment.ms": "600000"}
    assert change.said == f"retention.ms: 1 -> {SAMPLES.retention_ms}"


def test_partitions_are_added_and_never_taken_away() -> None:
    more, fewer = replace(SAMPLES, partitions=8), replace(SAMPLES, partitions=2)
    there = {SAMPLES.name: as_catalogued(SAMPLES)}
    (change,) = plan([more], there, brokers=1)
    assert (change.kind, change.topic.partitions, change.said) == ("partitions", 8, "4 -> 8 partitions")
    assert plan([fewer], there, brokers=1) == []


def test_three_brokers_must_hold_a_message_twice_before_it_is_accepted() -> None:
    (one,) = plan([RULES], {}, brokers=2)
    (three,) = plan([RULES], {}, brokers=3)
    assert "min.insync.replicas" not in one.config
    assert three.config["min.insync.replicas"] == "2"
