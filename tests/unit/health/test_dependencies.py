"""Which checks may depend on which."""

from services.health.core.dependencies import Dependent, ancestors, refusal

CHECKS: dict[str, tuple[str, ...]] = {
    "mikrotik:core-1": (),
    "mikrotik:edge-7": (),
    "http:portal": (),
    "http:billing": (),
    "http": ("http:portal", "http:billing"),
}


def said(**depends_on: list[str]) -> str | None:
    names = {"portal": "http:portal", "billing": "http:billing", "core": "mikrotik:core-1", "edge": "mikrotik:edge-7"}
    return refusal([Dependent(names[one], tuple(on), f"place of {one}") for one, on in depends_on.items()], CHECKS)


def test_a_chain_may_be() -> None:
    assert said(portal=["mikrotik:edge-7"], edge=["mikrotik:core-1"], billing=["mikrotik:edge-7"]) is None


def test_a_name_that_no_check_has_is_refused_with_those_there_are() -> None:
    problem = said(portal=["mikrotik:core-9"])
    assert problem is not None
    assert problem.startswith("place of portal: there is no check 'mikrotik:core-9'")
    assert "mikrotik:core-1" in problem


def test_a_circle_is_refused_with_its_path() -> None:
    problem = said(portal=["mikrotik:edge-7"], edge=["mikrotik:core-1"], core=["http:portal"])
    assert problem == (
        "place of portal: goes in a circle: http:portal -> mikrotik:edge-7 -> mikrotik:core-1 -> http:portal"
    )


def test_nobody_depends_on_itself() -> None:
    assert said(core=["mikrotik:core-1"]) == "place of core: goes in a circle: mikrotik:core-1 -> mikrotik:core-1"


def test_nobody_depends_on_the_sum_that_it_is_part_of() -> None:
    assert said(portal=["http"]) == "place of portal: goes in a circle: http:portal -> http -> http:portal"
    assert said(core=["http"]) is None


def test_ancestors_are_told_once_the_nearest_first() -> None:
    edges = {"site": ["edge", "dns"], "edge": ["core"], "dns": ["core"], "core": ["uplink"]}
    assert ancestors("site", edges) == ("edge", "dns", "core", "uplink")
    assert ancestors("uplink", edges) == ()
