"""How far queries look back."""

import pytest

from shared.promql.query import compile_query
from shared.promql.reach import is_pinned, looks, reach_ms

MINUTE = 60_000
LOOKBACK = 5 * MINUTE


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("m", 5),
        ("m offset 10m", 15),
        ("rate(m[30m])", 30),
        ("rate(m[30m] offset 1h)", 90),
        ("rate(m[30m] anchored)", 35),
        ("max_over_time(rate(m[5m])[1h:1m])", 65),
        ("max_over_time(m[1h:1m] offset 10m)", 75),
        ("m > 1 and rate(n[10m]) > 2", 10),
        ("m offset -10m", 0),
        ("rate(m[5m] @ end())", 5),
        ("rate(m[5m] @ 100)", 0),
        ("1 + 1", 0),
    ],
)
def test_reach(text: str, minutes: int) -> None:
    assert max(reach_ms(compile_query(text), LOOKBACK), 0) == minutes * MINUTE


def test_a_fixed_time_is_told() -> None:
    assert is_pinned(compile_query("m - m @ 1700000000"))
    assert is_pinned(compile_query("max_over_time(rate(m[5m])[1h:] @ 1700000000)"))
    assert not is_pinned(compile_query("m @ start()"))


def test_alternatives_are_selectors_of_their_own() -> None:
    (look,) = looks(compile_query('m{a="1" or b="2"}'), 0, LOOKBACK)
    assert len(look.selectors) == 2
