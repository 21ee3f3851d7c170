"""Settings: file, then environment, then files of secrets; each problem with its place and reason."""

from pathlib import Path

import pytest
from pydantic import Field

from shared.settings import AdminSettings, BadSettings, CommonSettings, Section, load


class Disk(Section):
    enabled: bool = True
    limit: float = Field(default=80.0, ge=0, le=100)


class Collector(Section):
    interval_seconds: float = 30.0
    mounts: list[str] = []
    disk: Disk = Disk()
    admin: AdminSettings = AdminSettings(port=18081)


class Settings(CommonSettings):
    collector: Collector = Collector()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # where no pantau.yaml lies
    return tmp_path / "custom.yaml"


def read(file: Path, text: str = "", **environment: str) -> Settings:
    file.write_text(text)
    return load(Settings, environment, file)


def refusal(file: Path, text: str = "", **environment: str) -> list[str]:
    with pytest.raises(BadSettings) as caught:
        read(file, text, **environment)
    return str(caught.value).splitlines()


def test_without_anything_there_are_defaults(file: Path) -> None:
    settings = load(Settings, {})
    assert settings.collector == Collector()
    assert settings.kafka.bootstrap == "127.0.0.1:19092"


def test_the_environment_is_over_the_file_key_by_key(file: Path) -> None:
    text = "collector:\n  interval_seconds: 10\n  disk: {limit: 70, enabled: false}\nkafka: {bootstrap: 'a:1'}\n"
    settings = read(file, text, PANTAU_COLLECTOR__DISK__LIMIT="60", PANTAU_KAFKA__BOOTSTRAP="b:2")
    assert settings.collector.interval_seconds == 10
    assert settings.collector.disk == Disk(enabled=False, limit=60)
    assert settings.kafka.bootstrap == "b:2"


def test_lists_come_as_json(file: Path) -> None:
    assert read(file, PANTAU_COLLECTOR__MOUNTS='["/", "/srv"]').collector.mounts == ["/", "/srv"]


def test_the_file_is_found_by_variable_or_beside_the_process(file: Path) -> None:
    file.write_text("kafka: {bootstrap: 'named:1'}")
    assert load(Settings, {"PANTAU_CONFIG": str(file)}).kafka.bootstrap == "named:1"
    Path("pantau.yaml").write_text("kafka: {bootstrap: 'beside:1'}")
    assert load(Settings, {}).kafka.bootstrap == "beside:1"
    assert load(Settings, {"PANTAU_CONFIG": str(file)}).kafka.bootstrap == "named:1"


def test_a_secret_comes_from_its_file_whatever_else_is_set(file: Path, tmp_path: Path) -> None:
    secret = tmp_path / "dsn"
    secret.write_text("postgresql://pantau:s3cret@db/pantau\n")
    settings = read(
        file,
        "database: {dsn: 'postgresql://file'}",
        PANTAU_DATABASE__DSN="postgresql://environment",
        PANTAU_DATABASE__DSN_FILE=str(secret),
    )
    assert settings.database.dsn.get_secret_value() == "postgresql://pantau:s3cret@db/pantau"
    assert "s3cret" not in repr(settings)


def test_other_peoples_variables_do_not_matter(file: Path) -> None:
    read(file, HOME="/", PATH="/bin", PANTAU_DATA="/tmp/x", PANTAU_TEST_KAFKA="x:1")


def test_a_section_of_another_service_does_not_matter(file: Path) -> None:
    read(file, "notifier: {receivers: [{name: x, anything: 1}]}", PANTAU_HISTORY__MOST_MESSAGES="5")


def test_every_problem_in_the_file_is_named_with_its_line(file: Path) -> None:
    text = "kafka:\n  bootstrap: a:1\ncollector:\n  intervall: 5\n  disk:\n    enabled: yes please\n    limit: 300\n"
    assert refusal(file, text) == [
        f"{file}:6: collector.disk.enabled: Input should be a valid boolean, unable to interpret input",
        f"{file}:7: collector.disk.limit: Input should be less than or equal to 100",
        f"{file}:4: collector.intervall: there is no such setting",
    ]


def test_a_problem_in_a_list_is_named_with_its_line(file: Path) -> None:
    assert refusal(file, "collector:\n  mounts:\n    - /\n    - {a: b}\n") == [
        f"{file}:4: collector.mounts.1: Input should be a valid string"
    ]


def test_a_problem_in_the_environment_is_named_by_its_variable(file: Path) -> None:
    text = "collector: {interval_seconds: 5}"
    assert refusal(file, text, PANTAU_COLLECTOR__INTERVAL_SECONDS="often") == [
        "environment variable PANTAU_COLLECTOR__INTERVAL_SECONDS: Input should be a valid number, unable to parse "
        "string as a number"
    ]
    assert refusal(file, PANTAU_COLLECTOR__INTERVALL="5") == [
        "environment variable PANTAU_COLLECTOR__INTERVALL: there is no such setting"
    ]


@pytest.mark.parametrize("value", ["abc", "[1", '"text"'])
def test_what_should_be_json_and_is_not_is_named_by_its_variable(file: Path, value: str) -> None:
    (line,) = refusal(file, PANTAU_COLLECTOR__MOUNTS=value)
    assert line.startswith("environment variable PANTAU_COLLECTOR__MOUNTS: ")
    (line,) = refusal(file, PANTAU_KAFKA=value)
    assert line.startswith("environment variable PANTAU_KAFKA: ")


def test_unknown_sections_are_named_with_those_that_exist(file: Path) -> None:
    (line,) = refusal(file, "kafka: {}\ncolector: {}\n")
    assert line.startswith(f"{file}:2: unknown section 'colector'; there are kafka, database,")
    (line,) = refusal(file, PANTAU_COLECTOR__X="1")
    assert line.startswith("environment variable PANTAU_COLECTOR__X: unknown section 'colector'; there are kafka")


def test_files_that_are_not_there_or_not_yaml(file: Path, tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"absent\.yaml: can't be read: No such file"):
        load(Settings, {}, tmp_path / "absent.yaml")
    assert "not YAML" in refusal(file, "kafka: [")[0]
    assert "expected sections" in refusal(file, "- kafka\n")[0]
    (line,) = refusal(file, PANTAU_DATABASE__DSN_FILE=str(tmp_path / "absent"))
    assert line.startswith("environment variable PANTAU_DATABASE__DSN_FILE: ")
    assert line.endswith("can't be read: No such file or directory")


def test_an_empty_file_and_an_empty_section_are_defaults(file: Path) -> None:
    assert read(file, "# nothing\n").collector == Collector()


def test_no_secret_is_in_a_refusal(file: Path) -> None:
    lines = refusal(file, "database: {dsn: [s3cret]}\n", PANTAU_COLLECTOR__INTERVAL_SECONDS="s3cret")
    assert "s3cret" not in "\n".join(lines)
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PANTAU_COLLECTOR__ADMIN__PORT", "70000"),
        ("PANTAU_COLLECTOR__ADMIN__PORT", "-1"),
        ("PANTAU_HEARTBEAT__INTERVAL_SECONDS", "0"),
        ("PANTAU_KAFKA__BOOTSTRAP", ""),
        ("PANTAU_LOG__LEVEL", "loud"),
    ],
)
def test_values_that_could_not_work_are_refused(file: Path, variable: str, value: str) -> None:
    (line,) = refusal(file, **{variable: value})
    assert line.startswith(f"environment variable {variable}: ")


def test_external_url_and_labels_come_from_file_and_environment(file: Path) -> None:
    settings = read(
        file,
        "external: {url: 'https://pantau.example/watch/', labels: {site: jkt}}",
        PANTAU_EXTERNAL__LABELS='{"replica": "a"}',
    )
    assert settings.external.url == "https://pantau.example/watch"
    assert settings.external.labels == {"site": "jkt", "replica": "a"}


@pytest.mark.parametrize("url", ["pantau.example", "ftp://pantau.example", "http://", "http://h/?a=b", "http://h/#x"])
def test_an_external_url_that_leads_nowhere_is_refused(file: Path, url: str) -> None:
    assert refusal(file, f"external: {{url: '{url}'}}") == [
        f"{file}:1: external.url: is not of the form http://HOST[:PORT][/PATH] or https://…"
    ]


@pytest.mark.parametrize("name", ["a-b", "1a", "__name__", ""])
def test_an_external_label_needs_a_label_name(file: Path, name: str) -> None:
    (line,) = refusal(file, f"external: {{labels: {{'{name}': x}}}}")
    assert line == f"{file}:1: external.labels: {name!r} is not a label name"
