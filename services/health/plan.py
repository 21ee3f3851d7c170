"""What the settings say of each check beside what it checks: damping and dependencies."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from services.health.check import Check
from services.health.check_settings import CheckSettings
from services.health.core.damping import Damping
from services.health.core.dependencies import Dependent, ancestors, refusal
from services.health.target_settings import TargetSettings
from services.health.worst import WorstOf

if TYPE_CHECKING:
    from services.health.settings import Settings


class Terms(NamedTuple):
    """How one check's findings are told."""

    damping: Damping = Damping()
    depends_on: tuple[str, ...] = ()
    """What it depends on itself."""
    ancestors: tuple[str, ...] = ()
    """What it depends on, also through others; the nearest first."""


def terms_of(settings: "Settings", checks: Sequence[Check]) -> dict[str, Terms]:
    """The terms of each check, by its name."""
    own = _own_settings(settings, checks)
    parents = {one.check: one.depends_on for one in _dependents(settings, checks, own)}
    return {
        check.name: Terms(own[check.name].damping, parents.get(check.name, ()), ancestors(check.name, parents))
        for check in checks
    }


def check_dependencies(settings: "Settings", checks: Sequence[Check]) -> None:
    """ValueError with place and reason if a check depends on one that isn't there, or on itself."""
    routers = {router.name for router in settings.mikrotik.routers} if settings.health.mikrotik.enabled else set()
    for router in settings.health.mikrotik.behind:
        if router not in routers:
            raise ValueError(f"health.mikrotik.behind: no router {router!r} is checked")
    members = {check.name: check.members if isinstance(check, WorstOf) else () for check in checks}
    problem = refusal(_dependents(settings, checks, _own_settings(settings, checks)), members)
    if problem is not None:
        raise ValueError(problem)


def _own_settings(settings: "Settings", checks: Sequence[Check]) -> dict[str, CheckSettings]:
    """By check, the section of its kind, or the target in it. A sum has none of its own: the defaults."""
    health = settings.health
    targets = {
        f"{kind}:{target.name}": target
        for kind, section in health
        if isinstance(section, list)
        for target in section
        if isinstance(target, TargetSettings)
    }
    found: dict[str, CheckSettings] = {}
    for check in checks:
        section = None if isinstance(check, WorstOf) else getattr(health, check.kind, None)
        found[check.name] = targets.get(check.name) or (
            section if isinstance(section, CheckSettings) else CheckSettings()
        )
    return found


def _dependents(settings: "Settings", checks: Sequence[Check], own: dict[str, CheckSettings]) -> list[Dependent]:
    behind = settings.health.mikrotik.behind
    alone = len(settings.mikrotik.routers) == 1
    dependents = []
    for check in checks:
        _, _, target = check.name.partition(":")
        place = f"health.{check.name.replace(':', '.')}.depends_on"
        parents = list(own[check.name].depends_on)
        if check.kind == "mikrotik" and not isinstance(check, WorstOf):
            router = target or (settings.mikrotik.routers[0].name if alone else "")
            if router in behind:
                place = f"health.mikrotik.behind.{router}"
                parents += behind[router]
        if parents:
            dependents.append(Dependent(check.name, tuple(dict.fromkeys(parents)), place))
    return dependents
