"""Samples put into history by hand, for tests that read it."""

import json
from collections.abc import Iterable, Mapping, Sequence

import psycopg

from shared.messages.message import instant_to_text
from shared.messages.series import NAME, labels_of
from shared.messages.topics import SAMPLES

Samples = Mapping[str, Sequence[tuple[int, float]]]
"""By series key: times in ms, and values."""


def store(dsn: str, samples: Samples) -> None:
    """The samples, beside what is there."""
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        ids = {}
        for key in samples:
            labels = dict(labels_of(key))
            row = cursor.execute(
                "INSERT INTO series (key, metric, labels) VALUES (%s, %s, %s) ON CONFLICT (digest) DO UPDATE"
                " SET type = 'gauge' RETURNING id",
                (key, labels.pop(NAME), json.dumps(labels)),
            ).fetchone()
            assert row is not None
            ids[key] = row[0]
        with cursor.copy("COPY samples (time, series_id, value) FROM STDIN") as copy:
            for key, pairs in samples.items():
                for time_ms, value in pairs:
                    copy.write_row((instant_to_text(time_ms), ids[key], value))


def store_signs(dsn: str, times_ms: Iterable[int], complete_until_ms: int) -> None:
    """Signs of a collector at these times, and history complete until then."""
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO collector_signs (source, accepted_at) VALUES ('collector/web-1', %s) ON CONFLICT DO NOTHING",
            [(instant_to_text(one),) for one in times_ms],
        )
        cursor.executemany(
            "INSERT INTO history_offsets (topic, partition, next_offset, complete_until) VALUES (%s, %s, 1, %s)"
            " ON CONFLICT (topic, partition) DO UPDATE SET complete_until = excluded.complete_until",
            [(SAMPLES.name, partition, instant_to_text(complete_until_ms)) for partition in range(SAMPLES.partitions)],
        )
