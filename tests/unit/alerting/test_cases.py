"""Every timeline in tests/cases gives the transitions that it expects."""

from pathlib import Path

import pytest

from tests.cases.timeline import play, told

CASES = sorted((Path(__file__).parents[2] / "cases").glob("*.yaml"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_timeline(path: Path) -> None:
    simulation, expected = play(path)
    assert [told(event) for event in simulation.events] == expected
