"""Every timeline in tests/cases gives what it expects, also if the service is restarted all the time."""

from pathlib import Path
from typing import Any

import pytest

from tests.cases.timeline import load, outcome, play

CASES = sorted((Path(__file__).parents[2] / "cases").glob("*.yaml"))
PARTS = ("refused", "held")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_timeline(path: Path) -> None:
    data = load(path)
    assert _as_expected(data, outcome(play(data))) == {}
    restarts = [f"{second}s" for second in range(7, 1_800, 29)]
    again = outcome(play(data | {"restarts": restarts}))
    assert {part: why for part, why in _as_expected(data, again).items() if part != "held"} == {}


def _as_expected(data: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """What is not."""
    wrong = {}
    for what, value in found.items():
        expected = data.get(what, {} if what in PARTS else value)
        if what in PARTS:
            right = expected.keys() == value.keys() and all(part in value[name] for name, part in expected.items())
        else:
            right = expected == value
        if not right:
            wrong[what] = value
    return wrong
