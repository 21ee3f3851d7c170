"""Runs a script's commands and counts what came of them."""

from dataclasses import dataclass, field

from shared.promql.errors import BadQuery, NativeHistogramMet, NativeHistogramsOnly, QueryFailed, QueryRefused
from shared.promql.query import Answer, compile_query
from tests.promqltest.compare import difference, touches_native
from tests.promqltest.notation import BadScript
from tests.promqltest.script import Clear, Eval, Load, read_script
from tests.promqltest.storage import Storage


@dataclass
class Outcome:
    """Cases that passed; that failed, with the reason; that were skipped for native histograms."""

    passed: int = 0
    failures: list[str] = field(default_factory=list)
    skips: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"passed {self.passed} failed {len(self.failures)} skipped {len(self.skips)}"

    def with_more(self, other: "Outcome") -> "Outcome":
        """Both together."""
        return Outcome(self.passed + other.passed, self.failures + other.failures, self.skips + other.skips)


def run_script(text: str) -> Outcome:
    """Run a script from its beginning."""
    outcome, storage = Outcome(), Storage()
    try:
        commands = read_script(text)
    except BadScript as error:
        return Outcome(failures=[str(error)])
    for command in commands:
        match command:
            case Clear():
                storage = Storage()
            case Load():
                storage.load(command.step_ms, command.series, command.converts)
            case Eval():
                _evaluate(command, storage, outcome)
    return outcome


def _evaluate(case: Eval, storage: Storage, outcome: Outcome) -> None:
    if touches_native(case):
        outcome.skips.append(f"{case.line} {case.expr}")
        return
    should_fail = "fail" in case.conditions
    try:
        reason = difference(case, _answer(case, storage))
        if should_fail:
            reason = "expected a failure"
    except (NativeHistogramMet, NativeHistogramsOnly):
        outcome.skips.append(f"{case.line} {case.expr}")
        return
    except (BadQuery, QueryFailed, QueryRefused) as error:
        reason = None if should_fail else f"{type(error).__name__}: {error}"
    except Exception as error:  # noqa: BLE001 a crash of the engine is a failed case like any other
        reason = f"crashed with {type(error).__name__}: {error}"
    if reason is None:
        outcome.passed += 1
    else:
        outcome.failures.append(f"{case.line} {case.expr}\n        {reason}")


def _answer(case: Eval, storage: Storage) -> Answer:
    query = compile_query(case.expr)
    if case.step_ms:
        return query.range(storage, case.start_ms, case.end_ms, case.step_ms)
    return query.instant(storage, case.start_ms)
