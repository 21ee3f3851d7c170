"""Templates of routes, from what is left in the scope."""

from types import SimpleNamespace
from typing import Any

import pytest
from pantau.routes import template_of


@pytest.mark.parametrize(
    ("path", "own", "parameters", "expected"),
    [
        ("/health", "/health", {}, "/health"),
        ("/customers/7", "/customers/{id}", {"id": 7}, "/customers/{id}"),
        ("/shops/12/customers/7", "/customers/{id}", {"shop": 12, "id": 7}, "/shops/{shop}/customers/{id}"),
        # Converted, it is not found in the path: ids must not become part of a label.
        ("/shops/0012/customers/7", "/customers/{id}", {"shop": 12, "id": 7}, "/{mount}/customers/{id}"),
    ],
)
def test_values_never_become_part_of_a_template(path: str, own: str, parameters: dict[str, Any], expected: str) -> None:
    scope = {"path": path, "route": SimpleNamespace(path_format=own), "path_params": parameters, "root_path": ""}
    assert template_of(scope) == expected


def test_without_a_route_there_is_no_template() -> None:
    assert template_of({"path": "/x", "root_path": ""}) is None
