"""What a failed installation tells the person, and what the lock files promise."""

import re
from pathlib import Path

import pytest

from infra import bootstrap

LOG = Path("/somewhere/install.log")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (
            "WARNING: Retrying (Retry(total=1)) after connection broken by 'NewConnectionError'\n"
            "ERROR: No matching distribution found for numpy==2.3.0",
            "can't be reached",
        ),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "broken or was altered"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: No matching distribution found for uvloop==0.22.1", "no build for this Python"),
        ("ERROR: Something new", "Something new"),
    ],
)
def test_one_sentence_with_the_way_out(output: str, words: str) -> None:
    told = bootstrap.explain(output, LOG)
    assert words in told
    assert str(LOG) in told
    assert "\n" not in told


def pins(lock: str) -> set[str]:
    text = (bootstrap.ROOT / lock).read_text()
    return set(re.findall(r"^([A-Za-z0-9._-]+(?:\[[^]]*\])?==\S+)", text, re.MULTILINE))


def test_the_lock_files_are_nested() -> None:
    """The launcher takes the workshop's packages for the product's, too."""
    assert pins("requirements.lock") <= pins("requirements-local.lock") <= pins("requirements-dev.lock")


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-local.lock", "requirements-dev.lock"])
def test_every_pin_has_a_hash(name: str) -> None:
    entries = re.split(r"^(?=[A-Za-z0-9])", (bootstrap.ROOT / name).read_text(), flags=re.MULTILINE)[1:]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)
