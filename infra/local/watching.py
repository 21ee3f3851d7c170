"""What a person in front of a running stack sees: programs that end or start again, and errors in the logs."""

from collections.abc import Mapping

from infra.local.narration import Narrator
from infra.local.places import Places
from infra.local.supervisor import Control, ProgramState
from infra.local.tail import Tail, is_serious

LONGEST_LINE = 400


class Watch:
    """Tells a narrator what has changed since it was last asked to look."""

    def __init__(self, places: Places, control: Control, narrator: Narrator) -> None:
        self._places, self._control, self._narrator = places, control, narrator
        self._known = {program.name: program for program in control.programs()}
        self._tails = {name: Tail(places.logs / f"{name}.log") for name in self._known}

    def look(self) -> None:
        """Tell what is new. Raises one of `supervisor.UNREACHABLE` when the supervisor is gone."""
        now = {program.name: program for program in self._control.programs()}
        for line in changes(self._known, now):
            self._narrator.say(line)
        self._known = now
        for name in now.keys() - self._tails.keys():
            self._tails[name] = Tail(self._places.logs / f"{name}.log")
        for name, tail in self._tails.items():
            for line in tail.lines():
                if is_serious(line):
                    self._narrator.say(f"{name}: {line[:LONGEST_LINE]}")


def changes(before: Mapping[str, ProgramState], now: Mapping[str, ProgramState]) -> list[str]:
    """Sentences on how the programs' states differ."""
    said = []
    for name, program in now.items():
        old = before.get(name)
        if old is None:
            said.append(f"{name} was added")
            continue
        if (old.pid, old.state) == (program.pid, program.state):
            continue
        if program.pid and old.pid != program.pid:
            why = f" after it had ended (process {old.pid})" if old.pid else ""
            said.append(f"{name} was started{why}: process {program.pid}")
        elif program.state == "BACKOFF":
            said.append(f"{name} ends at once (exit status {program.exit_status}); it will be tried again, ever slower")
        elif program.state in ("STOPPED", "EXITED", "FATAL") and program.state != old.state:
            said.append(f"{name} is {program.state.lower()}")
    said += [f"{name} was removed" for name in before if name not in now]
    return said
