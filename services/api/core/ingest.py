"""Samples that people push: what is taken, what is refused and why, and how they are packed for the bus."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StrictFloat,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from services.api.core.bodies import Where
from shared.messages.message import BadMessage, instant_from_text
from shared.messages.samples import MOST_SAMPLES, Sample, SampleBatch
from shared.messages.series import NAME, check_labels, key_of
from shared.messages.topics import SAMPLES

FUTURE_MS = 10 * 60 * 1000
KEPT_MS = SAMPLES.retention_ms or 0
SHARDS = 16
MOST_ERRORS = 20
# A bus message stays well below the broker's 2 MiB.
MOST_TEXT = 512 * 1024


class BadInput(ValueError):
    """A request that can't be taken; `errors` say what is wrong where. `malformed` if it isn't even JSON."""

    def __init__(self, errors: Sequence[Where], *, malformed: bool = False) -> None:
        super().__init__("; ".join(f"{error.where}: {error.reason}" for error in errors))
        self.errors, self.malformed = list(errors), malformed


def text_or_number(value: Any) -> str | int | None:
    """An instant as it may be written; None if there is none. PydanticCustomError otherwise."""
    if value is None or (isinstance(value, str | int) and not isinstance(value, bool)):
        return value
    raise PydanticCustomError("timestamp", "Input should be RFC 3339 text or a whole number of milliseconds")


_TIMESTAMP = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "integer"}, {"type": "null"}]}


class PushedSample(BaseModel):
    """One sample of a custom metric."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    metric_name: Annotated[str, Field(max_length=2048)]
    """Form `[a-zA-Z_:][a-zA-Z0-9_:]*`"""
    value: Annotated[StrictFloat, Field(allow_inf_nan=False)]
    """A finite number"""
    labels: Annotated[dict[str, str], Field(max_length=63)] = {}
    """Names of the form `[a-zA-Z_][a-zA-Z0-9_]*`; an empty value is no label"""
    metric_type: Literal["gauge", "counter", "histogram", "summary", "unknown"] = "gauge"
    timestamp: Annotated[str | int | None, PlainValidator(text_or_number), WithJsonSchema(_TIMESTAMP)] = None
    """RFC 3339 or milliseconds since the epoch, at most 10 minutes ahead and 3 days old; absent: when it arrives"""


class Pushed(NamedTuple):
    """A sample that may be taken; `time_ms` None is for whoever takes it to stamp."""

    series: str
    time_ms: int | None
    value: float
    type: str


_one: TypeAdapter[PushedSample] = TypeAdapter(PushedSample)
_many: TypeAdapter[list[PushedSample]] = TypeAdapter(list[PushedSample])


def check_time(timestamp: str | int | None, now_ms: int) -> int | Where | None:
    """Milliseconds since the epoch, or what is wrong with `timestamp`: none, too old for the bus, or to come."""
    try:
        time_ms = instant_from_text(timestamp) if isinstance(timestamp, str) else timestamp
    except (ValueError, OverflowError):
        return Where(where="timestamp", reason="is neither RFC 3339 nor milliseconds since the epoch")
    if time_ms is not None and time_ms > now_ms + FUTURE_MS:
        return Where(where="timestamp", reason="is more than 10 minutes in the future (a number is milliseconds)")
    if time_ms is not None and time_ms < now_ms - KEPT_MS:
        return Where(where="timestamp", reason="is older than 3 days, which the bus keeps (a number is milliseconds)")
    return time_ms


def read_samples(body: bytes, now_ms: int) -> list[Pushed]:
    """The samples in a JSON body, one object or a list of them. BadInput if any can't be taken: then none is."""
    is_list = body.lstrip()[:1] == b"["
    try:
        pushed = _many.validate_json(body) if is_list else [_one.validate_json(body)]
    except ValidationError as error:
        raise bad_input(error) from None
    taken: list[Pushed] = []
    errors: list[Where] = []
    for number, sample in enumerate(pushed):
        place = f"body[{number}]" if is_list else "body"
        problem = _problem(sample, now_ms)
        if isinstance(problem, Pushed):
            taken.append(problem)
        else:
            errors.append(Where(where=f"{place}.{problem.where}", reason=problem.reason))
            if len(errors) == MOST_ERRORS:
                break
    if errors:
        raise BadInput(errors)
    return taken


def shard_of(series: str) -> int:
    """Which part of the pushed samples a series belongs to: always the same, so that its samples keep their order."""
    return zlib.crc32(series.encode()) % SHARDS


def batches(samples: Iterable[Sample]) -> Iterator[SampleBatch]:
    """Batches for the bus, each of one shard and small enough for a message; a shard's samples keep their order."""
    shards: dict[int, list[Sample]] = {}
    sizes: dict[int, int] = {}
    for sample in samples:
        shard = shard_of(sample.series)
        waiting = shards.setdefault(shard, [])
        size = sizes.get(shard, 0) + len(sample.series.encode()) + 32
        if waiting and (size > MOST_TEXT or len(waiting) == MOST_SAMPLES):
            yield SampleBatch.of(f"push/{shard}", waiting)
            waiting = shards[shard] = []
            size = len(sample.series.encode()) + 32
        waiting.append(sample)
        sizes[shard] = size
    for shard, waiting in shards.items():
        yield SampleBatch.of(f"push/{shard}", waiting)


def _problem(sample: PushedSample, now_ms: int) -> Pushed | Where:
    """The sample if it can be taken, else what is wrong with it."""
    if NAME in sample.labels:
        return Where(where=f"labels.{NAME}", reason="is what metric_name is for")
    labels = {NAME: sample.metric_name, **sample.labels}
    try:
        check_labels(labels)
        series = key_of(labels)
        series.encode()
        if "\0" in series:
            return Where(where="labels", reason="a value holds the character NUL, which the database can't keep")
    except BadMessage as error:
        return Where(where="metric_name" if "metric name" in str(error) else "labels", reason=str(error))
    except UnicodeEncodeError:
        return Where(where="labels", reason="a value holds half of a surrogate pair, which is no text")
    time_ms = check_time(sample.timestamp, now_ms)
    return time_ms if isinstance(time_ms, Where) else Pushed(series, time_ms, sample.value, sample.metric_type)


def bad_input(error: ValidationError) -> BadInput:
    """What pydantic found, each with its place."""
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    if problems[0]["type"] == "json_invalid":
        return BadInput([Where(where="body", reason=problems[0]["msg"])], malformed=True)
    return BadInput([Where(where=place(problem["loc"]), reason=problem["msg"]) for problem in problems[:MOST_ERRORS]])


def place(location: Sequence[Any], root: str = "body") -> str:
    """A path into the body, e.g. `body[3].labels.city`, of pydantic's location."""
    path = root
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{str(step)[:80]}"
    return path
