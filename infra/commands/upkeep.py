"""migrate, dead-letters, config check: looking after a Pantau, embedded or not."""

import asyncio
import base64
import subprocess
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from infra.commands.options import DEFAULT_DATA, Config, Data, err, fail, out, places
from infra.local import target
from infra.local.settings import SERVICES, chosen_file, configuration
from shared.messages.dead_letters import DeadLetter
from shared.messages.message import BadMessage
from shared.messages.topics import DEAD_LETTERS
from shared.settings import BadSettings

ANSWER_MS = 10_000
SHOWN_BYTES = 200

config_app = typer.Typer(no_args_is_help=True, help="The settings.")


def migrate(data: Data = DEFAULT_DATA, config: Config = None) -> None:
    """Bring the database's schema and Kafka's topics up to date."""
    try:
        environment = target.environment(places(data), config)
    except BadSettings as error:
        fail(str(error), 2)
    for module in ("infra.migrations", "infra.topics"):
        status = subprocess.run([sys.executable, "-m", module], env=environment).returncode
        if status:
            raise typer.Exit(status)


@config_app.command("check")
def check_config(config: Config = None) -> None:
    """Say whether the settings of all services are good, or what is wrong where."""
    try:
        file = chosen_file(config)
        loaded = configuration(file)
    except BadSettings as error:
        fail(str(error))
    out.print(f"The settings are good: {file or 'no settings file, only defaults and the environment'}.", markup=False)
    for name in SERVICES:
        out.print(f"  {name:<10} {loaded.endpoint(name).url}", markup=False)


def dead_letters(
    data: Data = DEFAULT_DATA,
    config: Config = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="The newest so many.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, with the whole message.")] = False,
) -> None:
    """Messages that could not be processed, with where they were and why; the newest last."""
    try:
        bootstrap = target.settings(places(data), config).kafka.bootstrap
        letters = asyncio.run(_read(bootstrap, limit))
    except BadSettings as error:
        fail(str(error), 2)
    except (KafkaError, OSError, TimeoutError) as error:
        fail(f"The bus can't be read: {error}")
    for letter in letters:
        if as_json:
            print(letter.model_dump_json())
        else:
            out.print(_told(letter), markup=False)
    if not letters:
        err.print("There are no dead letters.")


async def _read(bootstrap: str, limit: int) -> list[DeadLetter]:
    """The newest `limit` letters, by time."""
    consumer = AIOKafkaConsumer(
        DEAD_LETTERS.name, bootstrap_servers=bootstrap, enable_auto_commit=False, request_timeout_ms=ANSWER_MS
    )
    try:
        await consumer.start()  # without a group it is given all partitions
        partitions = consumer.assignment()
        first, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        letters: list[DeadLetter] = []
        for partition in partitions:
            start = max(first[partition], ends[partition] - limit)
            consumer.seek(partition, start)
        while any([await consumer.position(one) < ends[one] for one in partitions]):
            for records in (await consumer.getmany(timeout_ms=1_000)).values():
                found = [_decoded(record.value or b"", record.partition, record.offset) for record in records]
                letters += [letter for letter in found if letter is not None]
    except UnknownTopicOrPartitionError as error:
        raise KafkaError(f"there is no topic {DEAD_LETTERS.name}; ./pantau migrate makes it") from error
    finally:
        await consumer.stop()
    return sorted(letters, key=lambda letter: letter.at)[-limit:]


def _decoded(value: bytes, partition: int, offset: int) -> DeadLetter | None:
    """The letter; None, and said, if it is none: one message of garbage must not hide the others."""
    try:
        return DeadLetter.decode(value)
    except BadMessage as error:
        err.print(f"{DEAD_LETTERS.name}/{partition}@{offset} is no dead letter: {error}", markup=False)
        return None


def _told(letter: DeadLetter) -> str:
    at = datetime.fromtimestamp(letter.at / 1000, UTC).isoformat(timespec="seconds")
    value = base64.b64decode(letter.value_base64 or "")[:SHOWN_BYTES]
    return (
        f"{at}  {letter.topic}/{letter.partition}@{letter.offset}  {letter.consumer}: {letter.error}: {letter.reason}\n"
        f"    {letter.value_bytes} bytes: {value!r}"
    )
