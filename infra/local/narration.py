"""What a start tells the person who waits: lines, and the progress of downloads."""

import threading
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

STEPS_TOLD = 4
"""Without a terminal, progress is told this often."""


class Narrator:
    """Says things on standard error, from any thread. On a terminal, progress is a bar; elsewhere a few lines."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._bars = Progress(
            TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
        )
        self._tasks: dict[str, TaskID] = {}

    def say(self, text: str) -> None:
        """A line."""
        self._console.print(text, highlight=False, soft_wrap=True)

    def progress(self, what: str) -> Callable[[int, int], None]:
        """A function to be told (done, of) about `what`."""

        def told(done: int, of: int) -> None:
            with self._lock:
                if self._console.is_terminal:
                    self._move_bar(what, done, of)
                elif done and (done == of or (done * STEPS_TOLD) // of > ((done - 1) * STEPS_TOLD) // of):
                    self.say(f"  {what}: {done} of {of}")

        return told

    def close(self) -> None:
        """Take the bars away."""
        with self._lock:
            if self._tasks:
                self._bars.stop()

    def _move_bar(self, what: str, done: int, of: int) -> None:
        if what not in self._tasks:
            if not self._tasks:
                self._bars.start()
            self._tasks[what] = self._bars.add_task(what)
        self._bars.update(self._tasks[what], completed=done, total=of)
