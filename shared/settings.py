"""Settings: one `pantau.yaml`, then `PANTAU_SECTION__KEY` from the environment over it.

A secret may come from a file: `PANTAU_DATABASE__DSN_FILE=/run/secrets/dsn`. What is unknown or wrong is refused with
its place (file and line, or the variable's name) and the reason.
"""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource

from shared.messages.series import LABEL_NAME

PREFIX = "PANTAU_"
DELIMITER = "__"
# Variables that are read elsewhere: where the file, the data and the api are, and what tests are told.
OTHER_VARIABLES = ("PANTAU_CONFIG", "PANTAU_DATA", "PANTAU_URL", "PANTAU_TOKEN")
TEST_VARIABLES = "PANTAU_TEST_"
# The setting itself is a path here: there is none without `_FILE` whose value would be in that file.
PATHS = ("PANTAU_NOTIFICATIONS__ALERTMANAGER_FILE",)
SECTIONS = (
    "kafka",
    "database",
    "log",
    "heartbeat",
    "external",
    "local",
    "mikrotik",
    "whatsapp",
    "heartbeats",
    "postgres",
    "business",
    "scrape",
    "collector",
    "health",
    "alerting",
    "history",
    "notifications",
    "notifier",
    "notifications",
    "api",
)


class BadSettings(ValueError):
    """Settings that can't be used; the text says where and why, one problem a line."""


class Section(BaseModel):
    """A section of the settings: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class KafkaSettings(Section):
    """How to reach the bus."""

    bootstrap: Annotated[str, Field(min_length=1)] = "127.0.0.1:19092"


class DatabaseSettings(Section):
    """How to reach PostgreSQL or TimescaleDB."""

    dsn: SecretStr = SecretStr("postgresql://pantau@127.0.0.1:15432/pantau")


class LogSettings(Section):
    """What the program writes on its standard error."""

    format: Literal["console", "json"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"


class HeartbeatSettings(Section):
    """How often each service says that it lives."""

    interval_seconds: Annotated[float, Field(ge=0.1, le=3_600)] = 5.0


class ExternalSettings(Section):
    """How others know this Pantau: in templates (`$externalURL`, `$externalLabels`) and in what it sends."""

    url: str = "http://127.0.0.1:8080"
    """Where people reach it in a browser; links in notifications and alerts begin with it."""
    labels: dict[str, str] = {}
    """Told apart from other Pantaus by them: added to each alert that goes to an Alertmanager and has no such label."""

    @field_validator("url")
    @classmethod
    def _leads_here(cls, url: str) -> str:
        parts = urlsplit(url)
        leads_nowhere = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
        if leads_nowhere or parts.query or parts.fragment:
            raise ValueError("is not of the form http://HOST[:PORT][/PATH] or https://…")
        return url.rstrip("/")  # as Prometheus has it, so that templates may append /path

    @field_validator("labels")
    @classmethod
    def _are_labels(cls, labels: dict[str, str]) -> dict[str, str]:
        for name in labels:
            if not LABEL_NAME.fullmatch(name) or name == "__name__":
                raise ValueError(f"{name[:80]!r} is not a label name")
        return labels


class AdminSettings(Section):
    """Where a service serves /health/live, /health/ready and /metrics."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)]


class CommonSettings(BaseSettings):
    """What every service needs; a service adds its own section."""

    model_config = {"extra": "ignore", "frozen": True}

    kafka: KafkaSettings = KafkaSettings()
    database: DatabaseSettings = DatabaseSettings()
    log: LogSettings = LogSettings()
    heartbeat: HeartbeatSettings = HeartbeatSettings()
    external: ExternalSettings = ExternalSettings()
    instance: str = f"{socket.gethostname()}:{os.getpid()}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # `load` gathers all sources itself, so that each problem can name its place.
        return (init_settings,)


S = TypeVar("S", bound=CommonSettings)


def load(kind: type[S], environment: Mapping[str, str] | None = None, config: Path | None = None) -> S:
    """The settings of `kind`, from `config` (else `PANTAU_CONFIG`, else `./pantau.yaml` if there is one) with the
    environment over it. BadSettings with every problem found, each with its place."""
    env = dict(os.environ if environment is None else environment)
    path = config or (Path(env["PANTAU_CONFIG"]) if env.get("PANTAU_CONFIG") else None)
    if path is None and Path("pantau.yaml").exists():
        path = Path("pantau.yaml")
    document = _read_document(path) if path else _Document({}, {}, None)
    variables = _read_environment(env)
    from_environment = _EnvironmentSource(kind, variables)()
    try:
        return kind(**_merge(document.values, from_environment))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        raise BadSettings(
            "\n".join(f"{_place(one['loc'], from_environment, document)}: {_reason(one)}" for one in problems)
        ) from error


class _Document:
    """A parsed settings file that remembers the line of each key."""

    def __init__(self, values: dict[str, Any], lines: dict[tuple[str | int, ...], int], path: Path | None) -> None:
        self.values, self.lines, self.path = values, lines, path


def _read_document(path: Path) -> _Document:
    try:
        text = path.read_text()
    except OSError as error:
        raise BadSettings(f"{path}: can't be read: {error.strerror}") from error
    try:
        root = yaml.compose(text, yaml.SafeLoader)
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadSettings(f"{path}: not YAML: {error}") from error
    if values is None:
        return _Document({}, {}, path)
    if not isinstance(values, dict):
        raise BadSettings(f"{path}: expected sections ({', '.join(SECTIONS)}), found {type(values).__name__}")
    lines: dict[tuple[str | int, ...], int] = {}
    _note_lines(root, (), lines)
    unknown = [
        f"{path}:{lines.get((key,), 1)}: unknown section {key!r}; there are {', '.join(SECTIONS)}"
        for key in values
        if key not in SECTIONS
    ]
    if unknown:
        raise BadSettings("\n".join(unknown))
    return _Document(values, lines, path)


def _note_lines(node: Any, at: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int]) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            lines[(*at, key.value)] = key.start_mark.line + 1
            _note_lines(value, (*at, key.value), lines)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            lines[(*at, number)] = value.start_mark.line + 1
            _note_lines(value, (*at, number), lines)


def _read_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Our variables, with each `…_FILE` replaced by what the file holds."""
    variables: dict[str, str] = {}
    for name, value in env.items():
        if not name.startswith(PREFIX) or name in OTHER_VARIABLES or name.startswith(TEST_VARIABLES):
            continue
        section = name.removeprefix(PREFIX).split(DELIMITER)[0].lower()
        if section not in SECTIONS and section != "instance":
            raise BadSettings(
                f"environment variable {name}: unknown section {section!r}; there are {', '.join(SECTIONS)}"
            )
        if name.endswith("_FILE") and name not in PATHS:
            try:
                variables[name.removesuffix("_FILE").lower()] = Path(value).read_text().strip()
            except OSError as error:
                raise BadSettings(f"environment variable {name}: {value} can't be read: {error.strerror}") from error
        else:
            variables.setdefault(name.lower(), value)
    return variables


class _EnvironmentSource(EnvSettingsSource):
    """pydantic-settings' reading of nested variables, over variables that we prepared."""

    def __init__(self, kind: type[BaseSettings], variables: dict[str, str]) -> None:
        self._variables = variables
        super().__init__(kind, case_sensitive=False, env_prefix=PREFIX, env_nested_delimiter=DELIMITER)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._variables

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """The value of a list or section; what is not JSON is left to the validation, which names its place."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


def _merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _reason(problem: ErrorDetails) -> str:
    """pydantic's words, where they are for the people who write settings."""
    if problem["type"] == "extra_forbidden":
        return "there is no such setting"
    return problem["msg"].removeprefix("Value error, ")


def _place(location: tuple[int | str, ...], from_environment: Any, document: _Document) -> str:
    """Where the value at `location` came from: the variable if one set it, else the file's line. Without a location it
    is about several sections, and the reason says which."""
    if not location:
        return str(document.path or "settings")
    found = from_environment
    for step in location:
        if not isinstance(found, dict) or step not in found:
            break
        found = found[step]
    else:
        return f"environment variable {PREFIX}{DELIMITER.join(str(step).upper() for step in location)}"
    dotted = ".".join(str(step) for step in location)
    if document.path is None:
        return dotted
    known = next((location[:n] for n in range(len(location), 0, -1) if location[:n] in document.lines), None)
    return f"{document.path}:{document.lines[known]}: {dotted}" if known else f"{document.path}: {dotted}"
