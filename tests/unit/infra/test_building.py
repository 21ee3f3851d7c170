"""When the browser application is built again, and with which Node; which jars Kafka is made of."""

import re
from pathlib import Path

import pytest

from infra.local import jars, web
from infra.local.node import new_enough


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.tsx").write_text("render()")
    (tmp_path / "package.json").write_text("{}")
    return tmp_path


def test_a_changed_renamed_or_new_source_means_a_new_build(sources: Path) -> None:
    seen = {web.fingerprint(sources)}
    (sources / "src" / "main.tsx").write_text("render(1)")
    seen.add(web.fingerprint(sources))
    (sources / "src" / "main.tsx").rename(sources / "src" / "index.tsx")
    seen.add(web.fingerprint(sources))
    (sources / "src" / "more.tsx").write_text("")
    seen.add(web.fingerprint(sources))
    assert len(seen) == 4


def test_what_a_build_makes_is_no_source(sources: Path) -> None:
    before = web.fingerprint(sources)
    for made in ("node_modules/react/index.js", "dist/index.html"):
        (sources / made).parent.mkdir(parents=True)
        (sources / made).write_text("made")
    assert web.fingerprint(sources) == before


@pytest.mark.parametrize(
    ("version", "enough"),
    [
        ("v20.19.0\n", True),
        ("v24.1.0", True),
        ("v20.18.3", False),
        ("v18.20.0", False),
        ("", False),
        ("command?", False),
    ],
)
def test_which_node_will_do(version: str, enough: bool) -> None:
    assert new_enough(version) is enough


def test_the_lock_names_kafka_and_its_logging_with_hashes() -> None:
    locked = jars.read_lock(jars.LOCK.read_text())
    names = {f"{jar.group}:{jar.artifact}:{jar.version}" for jar in locked}
    assert {jars.KAFKA, jars.LOGGING} <= names
    assert len({(jar.group, jar.artifact) for jar in locked}) == len(locked)
    assert all(re.fullmatch("[0-9a-f]{64}", jar.sha256) for jar in locked)


def test_a_lock_line_is_a_jar_in_mavens_layout() -> None:
    (jar,) = jars.read_lock("# comment\norg.apache.kafka:kafka_2.13:4.4.0 sha256:ab\n\n")
    assert jar.sha256 == "ab"
    assert jar.path_in_repository == Path("org/apache/kafka/kafka_2.13/4.4.0/kafka_2.13-4.4.0.jar")
