"""Test scripts through the engine: the project's own, and Prometheus' where they lie beside the project."""

from pathlib import Path

import pytest

from tests.promqltest.run import run_script

OWN = Path(__file__).parent / "scripts"
PROMETHEUS = Path(__file__).resolve().parents[4] / "shared" / "promqltest"


@pytest.mark.parametrize("script", sorted(OWN.glob("*.test")), ids=lambda path: path.stem)
def test_our_script(script: Path) -> None:
    outcome = run_script(script.read_text(encoding="utf-8"))
    assert not outcome.failures
    assert not outcome.skips
    assert outcome.passed


@pytest.mark.skipif(not PROMETHEUS.exists(), reason="Prometheus' test scripts are not beside the project")
@pytest.mark.parametrize("script", sorted(PROMETHEUS.glob("*.test")), ids=lambda path: path.stem)
def test_script_of_prometheus(script: Path) -> None:
    assert not run_script(script.read_text(encoding="utf-8")).failures


def test_a_script_can_fail() -> None:
    outcome = run_script(
        "load 1m\n  a 1 2\n\neval instant at 1m a\n  a 3\n\neval instant at 1m a\n  expect fail\n\n"
        "eval instant at 1m a\n  a 2\n\neval instant at 1m a\n\n"
        "eval instant at 1m rate(a[2m])\n  expect no_info\n  {} 1\n"
    )
    assert outcome.passed == 1
    assert len(outcome.failures) == 4


def test_what_meets_a_native_histogram_is_skipped_and_counted() -> None:
    outcome = run_script(
        "load 1m\n  h {{schema:0 sum:1 count:1}}x3\n  f 1 2 3\n\neval instant at 1m f\n  f 2\n\neval instant at 1m h\n"
        "  h {{schema:0 sum:1 count:1}}\n\neval instant at 1m count(h)\n  {} 1\n\neval instant at 20m h\n"
    )
    assert (outcome.passed, len(outcome.failures), len(outcome.skips)) == (2, 0, 2)
