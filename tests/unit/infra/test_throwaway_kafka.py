"""What a Kafka for tests leaves behind for the next ones: once, whole, and for one version."""

from pathlib import Path

import pytest

from infra.local import jars, throwaway_kafka
from infra.local.throwaway_kafka import _leaving_cache, _with_cache


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the cache is kept; there is none yet."""
    monkeypatch.setattr(throwaway_kafka, "cache_directory", lambda: tmp_path)
    monkeypatch.setattr(throwaway_kafka, "_key", lambda _: "now")
    monkeypatch.setattr(jars, "class_path", lambda: "")
    return tmp_path / "kafka-now.aot"


def output_of(options: list[str] | None) -> Path:
    assert options is not None
    (option,) = options
    return Path(option.removeprefix("-XX:AOTCacheOutput="))


def test_one_at_a_time_is_to_leave_it(kept: Path) -> None:
    with _leaving_cache() as first, _leaving_cache() as second:
        assert output_of(first).parent == kept.parent
        assert second is None


def test_it_is_there_for_the_next_ones_when_it_is_whole(kept: Path) -> None:
    former = kept.with_name("kafka-before.aot")
    former.touch()
    with _leaving_cache() as options:
        output_of(options).write_bytes(b"classes")
        assert _with_cache(kept) == []
    assert _with_cache(kept) == [f"-XX:AOTCache={kept}"]
    assert not former.exists()
    with _leaving_cache() as options:
        assert options is None


def test_one_that_was_killed_leaves_it_to_the_next(kept: Path) -> None:
    with _leaving_cache():
        pass
    assert not kept.exists()
    with _leaving_cache() as options:
        assert options is not None
