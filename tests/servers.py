"""Real servers for tests: one that you name, else a container where a Docker engine answers, else an embedded one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from infra.local import postgres, throwaway_kafka

KAFKA_VARIABLE = "PANTAU_TEST_KAFKA"
POSTGRES_VARIABLE = "PANTAU_TEST_POSTGRES_DSN"
POSTGRES_IMAGE = "timescale/timescaledb:2.23.0-pg17"


@cache
def docker_answers() -> bool:
    """Whether a Docker engine runs here (the client alone is no engine)."""
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=2)
        try:
            return bool(client.ping())
        finally:
            client.close()
    except DockerException:
        return False


@contextmanager
def kafka_server(directory: Path) -> Iterator[str]:
    """The bootstrap address of a Kafka."""
    if named := os.environ.get(KAFKA_VARIABLE):
        yield named
    elif docker_answers():
        from testcontainers.community.kafka import KafkaContainer

        with KafkaContainer().with_kraft() as container:
            yield container.get_bootstrap_server()
    else:
        with throwaway_kafka.running(directory) as bootstrap:
            yield bootstrap


@contextmanager
def postgres_server(directory: Path) -> Iterator[str]:
    """The connection URL of a PostgreSQL whose role may create databases."""
    if named := os.environ.get(POSTGRES_VARIABLE):
        yield named
    elif docker_answers():
        from testcontainers.community.postgres import PostgresContainer

        with PostgresContainer(POSTGRES_IMAGE, driver=None) as container:
            yield container.get_connection_url()
    else:
        with postgres.running(directory) as dsn:
            yield dsn
