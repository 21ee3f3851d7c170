"""Trees of chance: alerts take the way through them that Alertmanager's amtool says."""

import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.routing.configuration import parse_routing
from shared.routing.tree import matching
from tests.integration.alertmanager_peer import AMTOOL, needs_alertmanager

pytestmark = [pytest.mark.peers, needs_alertmanager]

LABELS, VALUES = "abc", ("x", "y", "xy", "x y", "é")
PATTERNS = ("x", "x|y", "x.*", ".*", ".+", "", "[^x]*", "(?i)X")
TREES = 30


def tree(chance: random.Random) -> dict[str, Any]:
    """A configuration; each route has a receiver of its own."""
    names: list[str] = []
    route = _route(chance, names, 0)
    return {"route": route, "receivers": [{"name": name} for name in names]}


def _route(chance: random.Random, names: list[str], depth: int) -> dict[str, Any]:
    names.append(f"r{len(names)}")
    route: dict[str, Any] = {"receiver": names[-1]}
    if depth:
        route |= _matchers(chance)
        route["continue"] = chance.random() < 0.4
    if depth < 4:
        route["routes"] = [
            _route(chance, names, depth + 1) for _ in range(chance.choice((0, 1, 2, 4) if depth else (4,)))
        ]
    return route


def _matchers(chance: random.Random) -> dict[str, Any]:
    label = chance.choice(LABELS)
    kind = chance.choice(("match", "match_re", "matchers", "matchers", "matchers"))
    if kind == "match":
        return {"match": {label: chance.choice(VALUES)}}
    if kind == "match_re":
        return {"match_re": {label: chance.choice(PATTERNS)}}
    equal, pattern = chance.choice(("=", "!=")), chance.choice(("=~", "!~"))
    texts = [f'{label}{equal}"{chance.choice(VALUES)}"', f'{label}{pattern}"{chance.choice(PATTERNS)}"']
    return {"matchers": chance.sample(texts, chance.choice((1, 1, 2)))}


@pytest.mark.parametrize("seed", range(TREES))
def test_alerts_take_the_way_that_amtool_says(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    configuration = tree(chance)
    labels = {name: chance.choice(VALUES) for name in LABELS if chance.random() < 0.8}
    file = tmp_path / "alertmanager.yml"
    file.write_text(yaml.safe_dump(configuration, allow_unicode=True))
    assert AMTOOL is not None
    pairs = [f"{name}={value}" for name, value in labels.items()]
    command = [AMTOOL, "config", "routes", "test", f"--config.file={file}", *pairs]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = matching(parse_routing(file.read_text(), "chance").root, labels)
    assert [route.receiver for route in found] == done.stdout.strip().split(",")
