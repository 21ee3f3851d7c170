"""The latest samples as text: the classic format of Prometheus, or OpenMetrics."""

from collections.abc import Iterable, Iterator, Mapping

from services.collector.core.families import CREATED, Family, families
from shared.messages.samples import Sample


def exposition(samples: Iterable[Sample], helps: Mapping[str, str], openmetrics: bool) -> bytes:
    """The page that shows `samples`; `helps` by the name of a family or of its metric."""
    lines: list[str] = []
    for family in families(samples):
        parts = [family] if openmetrics else _classic(family)
        for part in parts:
            lines += _family(part, helps, openmetrics)
    if openmetrics:
        lines.append("# EOF")
    return ("\n".join(lines) + "\n").encode() if lines else b""


def number(value: float) -> str:
    """`value` as both formats write it."""
    text = repr(value)
    return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}.get(text, text)


def _family(family: Family, helps: Mapping[str, str], openmetrics: bool) -> Iterator[str]:
    name, kind = family.name, family.type
    text = helps.get(name) or helps.get(f"{name}_total") or ""
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    if openmetrics:
        text = text.replace('"', '\\"')
    else:
        kind = "untyped" if kind == "unknown" else kind
        name = f"{name}_total" if kind == "counter" else name
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for sample in family.samples:
        yield f"{sample.series} {number(sample.value)}"


def _classic(family: Family) -> list[Family]:
    """The family without its times of creation, and these as a gauge: the classic format knows no such thing."""
    created = f"{family.name}{CREATED}"
    apart = [one for one in family.samples if one.series.partition("{")[0] == created and family.name != created]
    if not apart:
        return [family]
    kept = [one for one in family.samples if one.series.partition("{")[0] != created]
    return [Family(family.name, family.type, kept), Family(created, "gauge", apart)]
