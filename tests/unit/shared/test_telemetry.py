"""What a program writes about itself: one JSON object a line, also for what libraries log. In a process of its own,
since logging is configured once for all."""

import json
import subprocess
import sys
from typing import Any

PROGRAM = """
import logging, structlog
from shared.settings import LogSettings
from shared.telemetry import configure_logging
configure_logging("history", LogSettings(format="json", level="{level}"))
log = structlog.get_logger()
log.debug("detail")
log.info("stored", rows=3)
logging.getLogger("aiokafka.consumer").info("a library's chatter")
logging.getLogger("aiokafka.consumer").warning("partition %s is lost", 2)
try:
    1 / 0
except ZeroDivisionError:
    log.exception("failed")
"""


def lines(level: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(level=level)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_each_line_is_one_json_object_that_names_service_and_level() -> None:
    found = lines("info")
    assert [(one["level"], one["event"]) for one in found] == [
        ("info", "stored"),
        ("warning", "partition 2 is lost"),
        ("error", "failed"),
    ]
    assert found[0]["rows"] == 3
    assert {one["service"] for one in found} == {"history"}
    assert all(one["timestamp"].endswith("Z") for one in found)
    assert "ZeroDivisionError" in found[2]["exception"]


def test_what_goes_to_a_router_is_not_told_at_any_level() -> None:
    program = "import logging; from librouteros import protocol; protocol.log('<---', '=password=secret')"
    told = [sys.executable, "-c", f"{PROGRAM.format(level='debug')}\n{program}\nlogging.debug('over')"]
    done = subprocess.run(told, capture_output=True, text=True, timeout=60, check=True)
    assert "over" in done.stderr
    assert "secret" not in done.stderr


def test_the_level_is_a_floor() -> None:
    assert [one["event"] for one in lines("error")] == ["failed"]
