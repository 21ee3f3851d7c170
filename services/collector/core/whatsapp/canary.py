"""When a canary message is due, and what those sent so far say."""

from collections import Counter
from typing import Literal

from shared.messages.samples import Sample
from shared.whatsapp import metrics as m

Result = Literal["acknowledged", "late", "failed", "unsent"]
RESULTS: tuple[Result, ...] = ("acknowledged", "late", "failed", "unsent")
# One that did not arrive is followed sooner, so that it is soon known that they arrive again.
AGAIN_SECONDS = 300.0


class Canary:
    """The canary of one session."""

    def __init__(self, gateway: str, session: str, every_seconds: float) -> None:
        self._labels = {"gateway": gateway, "session": session}
        self._every_ms = round(every_seconds * 1000)
        self._again_ms = min(self._every_ms, round(AGAIN_SECONDS * 1000))
        self._results: Counter[Result] = Counter(dict.fromkeys(RESULTS, 0))
        self._last: tuple[int, Result] | None = None
        self._latency: float | None = None
        self._success_ms: int | None = None

    def due(self, now_ms: int) -> bool:
        """Whether one is to be sent now."""
        if self._last is None:
            return True
        sent_ms, result = self._last
        return now_ms - sent_ms >= (self._every_ms if result == "acknowledged" else self._again_ms)

    def ended(self, sent_ms: int, result: Result, seconds: float) -> None:
        """The one that was sent at `sent_ms` ended so, after so many seconds."""
        self._results[result] += 1
        self._last = sent_ms, result
        if result == "acknowledged":
            self._latency, self._success_ms = seconds, sent_ms + round(seconds * 1000)

    def samples(self, time_ms: int) -> list[Sample]:
        """What is known; before the first one has ended, only that none has."""
        made = [m.CANARIES.sample(time_ms, self._results[result], result=result, **self._labels) for result in RESULTS]
        if self._last is not None:
            made.append(m.CANARY_UP.sample(time_ms, self._last[1] == "acknowledged", **self._labels))
        if self._latency is not None and self._success_ms is not None:
            made.append(m.CANARY_LATENCY.sample(time_ms, self._latency, **self._labels))
            made.append(m.CANARY_SUCCESS.sample(time_ms, self._success_ms / 1000, **self._labels))
        return made


def judged(ack: int, wanted: Literal["server", "device"]) -> Result | None:
    """What an acknowledgement from -1 to 4 means for one that is to reach `wanted`; None: wait on."""
    if ack < 0:
        return "failed"
    return "acknowledged" if ack >= {"server": 1, "device": 2}[wanted] else None
