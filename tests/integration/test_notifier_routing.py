"""The cases of tests/cases/routing, played to the notifier on a real bus, with the very file that a real Alertmanager
is given in test_routing_peers.py: it tells the same."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from infra.local import ports
from shared import clock
from shared.bus import Outgoing, Producer
from shared.messages.message import content_id
from shared.messages.topics import ALERT_EVENTS, SILENCES
from tests.cases.routing import Case, CaseSilence, Event, cases
from tests.cases.routing.together import LABEL, labels_together, together
from tests.conftest import eventually
from tests.integration.programs import page, running
from tests.integration.recording_webhooks import Recorder, recording
from tests.integration.routing_play import expected, out_of_order, play, told
from tests.unit.notifier.routing_cases import event_of, silence_of

CASES = cases()


class NotifierPlayer:
    """Puts on the bus what alerting and api would."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._began: dict[tuple[str, str], int] = {}

    async def silence(self, case: Case, silence: CaseSilence, start_ms: int) -> None:
        """A silence for this case alone."""
        identity = content_id(case.name, str(silence.matchers))
        message = silence_of(silence, identity, start_ms, {"name": LABEL, "value": case.name})
        await self._producer.send_all([Outgoing(SILENCES, identity, message, identity)])

    async def take(self, events: Sequence[tuple[Case, Event]], start_ms: int) -> None:
        """All that happens at one time."""
        now = clock.now_ms()
        found = []
        for case, event in events:
            for name in event.fire:
                began = self._began[case.name, name] = now + event.began_ms - event.at_ms
                found.append(event_of(case, labels_together(case, name), "firing", began, began))
            for name in event.resolve:
                began = self._began[case.name, name]
                found.append(event_of(case, labels_together(case, name), "resolved", now, began))
        await self._producer.send_all([Outgoing(ALERT_EVENTS, one.alert_id, one, one.id) for one in found])


@pytest_asyncio.fixture(scope="module")
async def played(topics: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Recorder]:
    """All cases at once."""
    directory: Path = tmp_path_factory.mktemp("notifier")
    file, (admin,) = directory / "alertmanager.yml", ports.free()
    settings = {
        "PANTAU_KAFKA__BOOTSTRAP": topics,
        "PANTAU_NOTIFIER__ADMIN__PORT": str(admin),
        "PANTAU_NOTIFICATIONS__ALERTMANAGER_FILE": str(file),
    }

    async def is_ready() -> bool:
        return (await page(f"http://127.0.0.1:{admin}/health/ready"))[0] == 200

    async with recording() as recorder:
        file.write_text(yaml.safe_dump(together(CASES, recorder.url), allow_unicode=True))
        producer = Producer(topics, "test")
        await producer.start()
        try:
            with running("services.notifier", directory / "notifier.log", **settings):
                await eventually(is_ready)
                await play(CASES, NotifierPlayer(producer), recorder)
        finally:
            await producer.stop()
        yield recorder


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_notifier_tells_what_is_expected(case: Case, played: Recorder) -> None:
    assert told(case, played) == expected(case)
    assert out_of_order(case, played) == []
