"""`python -m bench._sampled REPORT MODULE`: run a module, and see where its threads' CPU time goes.

After every few milliseconds of CPU time a signal interrupts it, and what each thread has used of a processor since is
booked on the functions that it is in. A table of them is in REPORT, now and then and when the module ends.
"""

import atexit
import runpy
import signal
import sys
import threading
import time
from collections import Counter
from functools import cache
from pathlib import Path
from types import CodeType, FrameType

LOOK_SECONDS = 0.004
SHOWN = 70
WRITE_SECONDS = 10.0


class Samples:
    """CPU seconds by function: its own, and with what it calls."""

    def __init__(self) -> None:
        self.own: Counter[str] = Counter()
        self.whole: Counter[str] = Counter()
        self.threads: Counter[str] = Counter()
        self._used: dict[int, float] = {}

    def look(self, interrupted: FrameType | None) -> None:
        """Book what was used since the last look; `interrupted` is where the main thread is."""
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        main = threading.main_thread().ident
        for thread, current in sys._current_frames().items():
            if thread not in names:
                continue
            frame = interrupted if thread == main else current
            used = time.clock_gettime(time.pthread_getcpuclockid(thread))
            spent = used - self._used.get(thread, used)
            self._used[thread] = used
            if spent > 0:
                self.threads[names[thread]] += spent  # type: ignore[assignment]
                self._book(frame, spent)

    def _book(self, frame: FrameType | None, spent: float) -> None:
        seen: set[str] = set()
        while frame is not None:
            name = _place(frame.f_code)
            if not seen:
                self.own[name] += spent  # type: ignore[assignment]
            if name not in seen:
                self.whole[name] += spent  # type: ignore[assignment]
            seen.add(name)
            frame = frame.f_back

    def report(self) -> str:
        """The tables."""
        total = sum(self.threads.values()) or 1.0
        lines = [f"{seconds:8.2f} s  thread {name}" for name, seconds in self.threads.most_common()]
        for title, table in (("own", self.own), ("with callees", self.whole)):
            lines += ["", f"CPU, {title}:"]
            lines += [
                f"{seconds:8.2f} s {100 * seconds / total:5.1f} %  {name}" for name, seconds in table.most_common(SHOWN)
            ]
        return "\n".join(lines) + "\n"


@cache
def _place(code: CodeType) -> str:
    return f"{'/'.join(Path(code.co_filename).parts[-3:])}:{code.co_qualname}"


def main() -> None:
    """Run what the command line names."""
    report, module, *arguments = sys.argv[1:]
    samples = Samples()
    written, looking = time.perf_counter(), False

    def look(_number: int, frame: FrameType | None) -> None:
        nonlocal written, looking
        if looking:  # interrupted by the next signal
            return
        looking = True
        samples.look(frame)
        if time.perf_counter() - written > WRITE_SECONDS:  # who is killed has told up to then
            Path(report).write_text(samples.report())
            written = time.perf_counter()
        looking = False

    signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, LOOK_SECONDS, LOOK_SECONDS)

    def end() -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        Path(report).write_text(samples.report())

    atexit.register(end)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
