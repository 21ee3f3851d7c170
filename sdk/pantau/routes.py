"""The template of a request's route, e.g. `/customers/{id}`, from what Starlette and FastAPI leave in the scope."""

from collections.abc import Iterable, Mapping, Set
from typing import Any


def template_of(scope: Mapping[str, Any], outer_root: str = "") -> str | None:
    """The template, with what mounts and included routers stand before it; None if no route matched.

    `scope` went through the application, whose routing has filled it in; `outer_root` is its `root_path` before that.
    """
    route, parameters = scope.get("route"), scope.get("path_params") or {}
    if route is None and (endpoint := scope.get("endpoint")) is not None:
        # Starlettes that don't leave the route leave the endpoint.
        route = _route_to(endpoint, getattr(scope.get("app"), "routes", ()), parameters.keys())
    own = getattr(route, "path_format", None)
    if not isinstance(own, str):
        return None
    root = scope.get("app_root_path", outer_root)
    mounted = scope.get("root_path", "").removeprefix(root)
    if hasattr(route, "routes"):
        # A mount: what is mounted is no router, or none of its routes matched.
        return f"{_named(mounted, parameters)}/{{path}}"
    path = scope["path"].removeprefix(root)
    if path == own:
        return own
    # The route knows its own part only. What stands before that part is in the path, with values of parameters.
    try:
        tail = own.format(**parameters)
    except (KeyError, IndexError, ValueError):
        tail = own
    before = path[: -len(tail)] if path.endswith(tail) else mounted
    if not before:
        return own
    return _named(before, {name: value for name, value in parameters.items() if f"{{{name}}}" not in own}) + own


def _named(path: str, parameters: Mapping[str, Any]) -> str:
    """`path` with the names of the parameters in the place of their values."""
    steps = path.split("/")
    for name, value in parameters.items():
        if str(value) not in steps:
            # It was converted beyond recognition; better no prefix than one with ids in it.
            return "/{mount}"
        steps[steps.index(str(value))] = f"{{{name}}}"
    return "/".join(steps)


def _route_to(endpoint: Any, routes: Iterable[Any], known: Set[str]) -> Any:
    for route in routes:
        # Several routes may lead there; it is one of those whose parameters were found.
        if getattr(route, "endpoint", None) is endpoint and getattr(route, "param_convertors", {}).keys() <= known:
            return route
        found = _route_to(endpoint, getattr(route, "routes", None) or (), known)
        if found is not None:
            return found
    return None
