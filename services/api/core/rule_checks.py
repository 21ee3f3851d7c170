"""What would be wrong with rule groups in force, beyond what each says by itself."""

from collections.abc import Iterable, Mapping

from shared.messages.rules import RuleGroup
from shared.promql.durations import duration_text
from shared.promql.query import LOOKBACK_MS, compile_query
from shared.promql.reach import reach_ms
from shared.rules.dependencies import wire
from shared.rules.errors import BadRule

# A bus message is at most 2 MiB; the group's audit entry holds it twice, before and after.
LONGEST_GROUP = 512 * 1024


def check_group(group: RuleGroup, kept_ms: int) -> None:
    """BadRule if the group is too long for the bus, or looks further back than history keeps samples."""
    size = len(group.encode())
    if size > LONGEST_GROUP:
        raise BadRule(f"group {group.name!r} has {size} bytes: at most {LONGEST_GROUP}; make several groups of it")
    for place, rule in enumerate(group.rules):
        reach = reach_ms(compile_query(rule.expr), LOOKBACK_MS) + group.query_offset_ms
        if reach > kept_ms:
            raise BadRule(
                f"group {group.name!r}: rule {rule.name!r} (number {place + 1}): expr: it looks {duration_text(reach)}"
                f" back, and history keeps samples for {duration_text(kept_ms)} (history.retention.samples)"
            )


def check_cycles(changed: Iterable[RuleGroup], in_force: Mapping[str, RuleGroup]) -> None:
    """BadRule with the path if one of the changed groups would close a cycle of groups that read one another."""
    new = {group.name: group for group in changed}
    groups = {**in_force, **new}
    latest = max((group.updated_at for group in groups.values()), default=0) + 1
    order = {name: group.updated_at for name, group in groups.items()}
    order |= {name: latest + number for number, name in enumerate(new)}
    wiring = wire(groups, order)
    for name in new:
        if wiring[name].cycle:
            path = " -> ".join(wiring[name].cycle)
            raise BadRule(
                f"group {name!r} would close a cycle of groups, each of which reads what the next one makes: {path}"
            )
