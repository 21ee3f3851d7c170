"""Which batches show that the world is being watched, and which of them are noted."""

from services.history.core.instants import at
from services.history.core.signs import Sign, sign_of, sign_rows
from shared.messages.samples import Sample, SampleBatch

NOW = 1_795_428_900_000  # 2026-11-23T10:15:00Z


def test_a_collectors_batch_is_a_sign_also_an_empty_one() -> None:
    batch = SampleBatch.of("collector/web-1", [Sample("cpu_usage", NOW - 5, 85.0), Sample("cpu_usage", NOW - 9, 80.0)])
    assert sign_of(batch, NOW) == Sign("collector/web-1", NOW, NOW - 5)
    assert sign_of(SampleBatch.of("collector/web-1", []), NOW) == Sign("collector/web-1", NOW, None)


def test_what_others_send_is_none() -> None:
    for source in ("push/0", "api/web-1:8080", "alerting/cpu", "health/web-1", "collectors/x"):
        assert sign_of(SampleBatch.of(source, [Sample("m", NOW, 1.0)]), NOW) is None


def test_of_each_source_one_a_second_is_noted() -> None:
    steps = (0, 400, 999, 1000, 1100, 2500)
    signs = [Sign(source, NOW + step, None) for step in steps for source in ("collector/a", "collector/b")]
    noted = [(row[0], row[1]) for row in sign_rows(signs, {"collector/b": NOW - 1})]
    assert noted == [
        ("collector/a", at(NOW)),
        ("collector/b", at(NOW + 999)),
        ("collector/a", at(NOW + 1000)),
        ("collector/a", at(NOW + 2500)),
        ("collector/b", at(NOW + 2500)),
    ]


def test_what_was_held_back_is_a_sign_of_each_second_of_its_own_time() -> None:
    signs = [Sign("collector/a", NOW + step, NOW - 60_000 + 400 * step) for step in range(10)]
    noted = [row[2] for row in sign_rows(signs, {})]
    assert noted == [at(NOW - 60_000 + 400 * step) for step in (0, 3, 6, 9)]
