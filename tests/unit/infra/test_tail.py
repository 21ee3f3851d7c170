"""Log files are read while they grow and are rotated."""

from pathlib import Path

import pytest

from infra.local.tail import Tail, is_serious, last_lines_of


def test_only_complete_new_lines_are_handed_out(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    log.write_text("old\n")
    tail = Tail(log)
    with log.open("a") as file:
        file.write("one\ntw")
        file.flush()
        assert tail.lines() == ["one"]
        file.write("o\n")
    assert tail.lines() == ["two"]
    assert tail.lines() == []


def test_a_rotation_loses_nothing(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    log.write_text("")
    tail = Tail(log)
    with log.open("a") as file:
        file.write("last of the old\n")
    log.rename(tmp_path / "api.log.1")
    log.write_text("first of the new\n")
    assert tail.lines() == ["last of the old", "first of the new"]


def test_a_file_that_appears_later_is_read_from_its_beginning(tmp_path: Path) -> None:
    tail = Tail(tmp_path / "api.log")
    assert tail.lines() == []
    (tmp_path / "api.log").write_text("hello\n")
    assert tail.lines() == ["hello"]


@pytest.mark.parametrize("count", [0, 1, 7, 20_000, 50_000])
def test_the_last_lines_across_blocks(tmp_path: Path, count: int) -> None:
    lines = [f"line {number} {'.' * (number % 50)}" for number in range(20_000)]
    log = tmp_path / "big.log"
    log.write_text("\n".join(lines) + "\n")
    assert last_lines_of(log, count) == (lines[-count:] if count else [])


def test_no_file_has_no_lines(tmp_path: Path) -> None:
    assert last_lines_of(tmp_path / "none.log", 5) == []


@pytest.mark.parametrize(
    ("line", "serious"),
    [
        ("2026-11-23T11:24:42.748151Z [error    ] Group Coordinator Request failed", True),
        ('{"event": "x", "level": "critical"}', True),
        ("2026-11-23 11:26:03.821 ERROR  out of disk (LogManager)", True),
        ("2026-11-23 11:24:39.279 UTC [23275] FATAL:  the database system is starting up", True),
        ("2026-11-23T11:24:42.748151Z [info     ] no error here", False),
        ("2026-11-23 11:26:03.821 WARN  an ERROR is only mentioned (X)", False),
    ],
)
def test_serious_lines(line: str, serious: bool) -> None:
    assert is_serious(line) is serious
