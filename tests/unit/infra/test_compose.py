"""docker-compose.yml and the image, as far as they can be shown without a Docker engine."""

import importlib
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose
from compose_spec.models import ComposeSpecification

from infra.docker import healthcheck
from infra.local import web
from infra.local.kafka import SINGLE_NODE
from infra.local.settings import SERVICES
from shared.messages.topics import DEAD_LETTERS
from shared.settings import BadSettings, CommonSettings, load
from tests import servers

ROOT = Path(__file__).resolve().parents[3]
DOCKER = ROOT / "infra" / "docker"
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
ALL: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: ALL[name] for name in SERVICES}
DOCKERFILE = (DOCKER / "Dockerfile").read_text()


def environment_of(service: dict[str, Any], secrets: Path) -> dict[str, str]:
    """The variables that the container has, with secrets and settings file where this test can read them."""
    variables = {name: str(value) for name, value in service["environment"].items() if name.startswith("PANTAU_")}
    variables = {name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value) for name, value in variables.items()}
    return {
        name: value.replace("/run/secrets", str(secrets)).replace("/etc/pantau", str(DOCKER))
        for name, value in variables.items()
    }


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    subprocess.run([DOCKER / "make-secrets", tmp_path / "secrets"], check=True, capture_output=True)
    return tmp_path / "secrets"


def test_it_is_valid_by_the_compose_specification() -> None:
    # Merge keys (`<<`) are YAML's, resolved before the specification comes in.
    assert sorted(PyCompose.from_yaml(yaml.safe_dump(COMPOSE)).service_names()) == sorted(ALL)
    ComposeSpecification.model_validate(COMPOSE)


@pytest.mark.parametrize(
    ("key", "value"), [("restrat", "always"), ("ports", "8080"), ("depends_on", {"kafka": {"condition": "well"}})]
)
def test_the_specification_refuses_what_is_none_of_it(key: str, value: Any) -> None:
    broken = yaml.safe_load(TEXT)
    broken["services"]["api"][key] = value
    with pytest.raises(ValueError, match=key):
        PyCompose.from_yaml(yaml.safe_dump(broken))


def test_it_runs_the_six_services_and_what_they_need() -> None:
    assert set(ALL) == {*SERVICES, "kafka", "timescaledb", "migrate"}
    assert {name: service["command"] for name, service in OURS.items()} == {
        name: ["python", "-m", f"services.{name}"] for name in SERVICES
    }
    assert len({ALL[name]["image"] for name in [*SERVICES, "migrate"]}) == 1, "one image"


@pytest.mark.parametrize("name", ALL)
def test_every_container_is_confined(name: str) -> None:
    service = ALL[name]
    assert str(service["user"]).split(":")[0] not in ("", "0", "root")
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    assert {"mem_limit", "cpus", "pids_limit"} <= service.keys()
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
    if name != "kafka":  # its image writes its configuration into itself
        assert service["read_only"] is True
        assert any(place.startswith("/tmp:") for place in service["tmpfs"])


@pytest.mark.parametrize("name", ALL)
def test_images_are_pinned_to_a_release(name: str) -> None:
    assert re.fullmatch(r"[a-z/]+:\d+\.\d+\.\d+[a-z0-9-]*", ALL[name]["image"])


def test_what_is_tested_is_what_runs() -> None:
    assert ALL["timescaledb"]["image"] == servers.POSTGRES_IMAGE
    from infra.local.jars import KAFKA

    assert ALL["kafka"]["image"].split(":")[1] == KAFKA.split(":")[2]


@pytest.mark.parametrize("name", [name for name in ALL if name != "migrate"])
def test_every_container_that_stays_says_whether_it_is_well(name: str) -> None:
    check = ALL[name]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= check.keys()


def test_only_the_api_and_the_exporter_are_published_on_loopback() -> None:
    published = {name: service["ports"] for name, service in ALL.items() if "ports" in service}
    assert published == {"api": ["127.0.0.1:8080:8080"], "collector": ["127.0.0.1:9090:9090"]}


def test_alerting_can_be_scaled() -> None:
    service = ALL["alerting"]
    assert not service.keys() & {"container_name", "ports", "hostname", "network_mode", "volumes"}
    assert "PANTAU_INSTANCE" not in service["environment"], "each container is told apart by its own host name"


def test_kafka_and_the_database_are_on_inner_networks_only() -> None:
    inner = {name for name, network in COMPOSE["networks"].items() if network.get("internal")}
    assert set(ALL["kafka"]["networks"]) | set(ALL["timescaledb"]["networks"]) <= inner
    assert "database" not in {*ALL["alerting"]["networks"], *ALL["notifier"]["networks"]}, "the alert path needs none"


@pytest.mark.parametrize("name", SERVICES)
def test_services_start_after_the_bus_is_well_and_migrated(name: str) -> None:
    assert ALL[name]["depends_on"] == {
        "kafka": {"condition": "service_healthy"},
        "migrate": {"condition": "service_completed_successfully"},
    }


@pytest.mark.parametrize("name", SERVICES)
def test_the_variables_are_settings_that_exist_and_mean_what_they_should(name: str, secrets: Path) -> None:
    service = OURS[name]
    kind = importlib.import_module(f"services.{name}.settings").Settings
    settings = load(kind, environment_of(service, secrets))
    section = getattr(settings, name)
    assert settings.kafka.bootstrap == "kafka:9092"
    assert settings.log.format == "json"
    served = section if name == "api" else section.admin
    assert (served.host, served.port) == ("0.0.0.0", int(service["environment"]["HEALTH_PORT"]))
    if "database_dsn" in service.get("secrets", []):
        assert settings.database.dsn.get_secret_value().endswith("@timescaledb:5432/pantau")
    with pytest.raises(BadSettings):
        load(kind, environment_of(service, secrets) | {f"PANTAU_{name.upper()}__NO_SUCH_KEY": "1"})


def test_who_uses_the_database_is_given_its_secret_as_a_file(secrets: Path) -> None:
    users = {name for name, service in ALL.items() if "database_dsn" in service.get("secrets", [])}
    assert users == {"migrate", "collector", "health", "history", "api"}
    assert all("database" in ALL[name]["networks"] for name in users)
    for service in ALL.values():
        for variable, value in service.get("environment", {}).items():
            assert not re.search(r"PASSWORD$|DSN$|SECRET$|TOKEN$", variable), "secrets come from files"
            if variable.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in service["secrets"]
    assert load(CommonSettings, environment_of(ALL["migrate"], secrets)).database.dsn


def test_secrets_agree_are_private_and_are_kept(secrets: Path) -> None:
    written = {one: (secrets / one).read_text() for one in ("database_password", "database_dsn", "links_key")}
    password, dsn = written["database_password"], written["database_dsn"]
    assert (len(password), len(written["links_key"])) == (48, 64)
    assert (
        dsn == f"postgresql://{ALL['timescaledb']['environment']['POSTGRES_USER']}:{password}@timescaledb:5432/pantau"
    )
    assert secrets.stat().st_mode & 0o077 == 0
    again = subprocess.run([DOCKER / "make-secrets", secrets], check=True, capture_output=True, text=True)
    assert again.stdout.count("kept") == 2
    assert {one: (secrets / one).read_text() for one in written} == written
    assert (DOCKER / "secrets" / ".gitignore").read_text().splitlines()[1] == "*"


def test_kafka_differs_from_its_defaults_as_the_embedded_one_does() -> None:
    environment = {name: str(value).lower() for name, value in ALL["kafka"]["environment"].items()}
    shapes = (
        r"(num|log|offsets\.topic\.num|transaction\.state\.log\.num|share\.coordinator\.state\.topic\.num|delete)\."
    )
    for line in SINGLE_NODE.splitlines():
        key, value = line.split("=", 1)
        if not re.match(shapes, key):
            assert environment["KAFKA_" + key.upper().replace(".", "_")] == value.lower(), key
    longest = int(DEAD_LETTERS.broker_config()["max.message.bytes"])
    assert int(environment["KAFKA_REPLICA_FETCH_MAX_BYTES"]) >= longest


def test_the_image_is_built_with_the_launchers_own_steps() -> None:
    assert f"RUN npm {' '.join(web.INSTALL)}\n" in DOCKERFILE
    assert f"RUN npm {' '.join(web.BUILD)}\n" in DOCKERFILE
    assert "infra/bootstrap.py services" in DOCKERFILE
    assert DOCKERFILE.rindex("USER 10001:10001") > DOCKERFILE.rindex("FROM")
    assert all(re.search(r":\d+\.\d+\.\d+", line) for line in DOCKERFILE.splitlines() if line.startswith("FROM"))
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        assert all((ROOT / one).exists() for one in source.split()), source


def test_what_the_healthcheck_says_is_what_the_service_says(monkeypatch: pytest.MonkeyPatch) -> None:
    status = 503

    class Ready(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health/ready" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Ready) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("HEALTH_PORT", str(server.server_port))
        assert healthcheck.main() == 1
        status = 200
        assert healthcheck.main() == 0
        server.shutdown()
        thread.join()
    assert healthcheck.main() == 1
