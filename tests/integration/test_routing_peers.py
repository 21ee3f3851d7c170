"""The cases of tests/cases/routing, played to a real Alertmanager: it tells what they expect, as our tree does. And
what its amtool accepts or refuses, our loader does too."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from services.notifier.settings import Settings
from shared import clock
from shared.routing.configuration import parse_routing
from shared.routing.errors import BadRouting
from shared.settings import BadSettings, load
from tests.cases.routing import Case, CaseSilence, Event, cases
from tests.cases.routing.refused import REFUSED, REFUSED_BY_CHANNELS
from tests.cases.routing.together import LABEL, labels_together, together
from tests.integration.alertmanager_peer import Peer, PeerAlert, accepts, alertmanager, needs_alertmanager
from tests.integration.recording_webhooks import Recorder, recording
from tests.integration.routing_play import expected, out_of_order, play, told

CASES = [case.of_alertmanager for case in cases()]
HOUR_MS = 3_600_000

pytestmark = [pytest.mark.peers, needs_alertmanager]


class AlertmanagerPlayer:
    """Posts alerts as Prometheus would."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._began: dict[tuple[str, str], int] = {}

    async def silence(self, case: Case, silence: CaseSilence, start_ms: int) -> None:
        """A silence for this case alone."""
        matchers = [*silence.matchers, {"name": LABEL, "value": case.name}]
        await self._peer.post_silence(matchers, start_ms + silence.starts_ms, start_ms + silence.ends_ms)

    async def take(self, events: Sequence[tuple[Case, Event]], start_ms: int) -> None:
        """All that happens at one time, in one request."""
        now = clock.now_ms()
        alerts = []
        for case, event in events:
            for name in event.fire:
                began = self._began[case.name, name] = now + event.began_ms - event.at_ms
                alerts.append(PeerAlert(labels_together(case, name), began, now + HOUR_MS))
            for name in event.resolve:
                alerts.append(PeerAlert(labels_together(case, name), self._began[case.name, name], now))
        await self._peer.post_alerts(alerts)


@pytest_asyncio.fixture(scope="module")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Recorder]:
    """All cases at once."""
    async with (
        recording() as recorder,
        alertmanager(together(CASES, recorder.url), tmp_path_factory.mktemp("peer")) as peer,
    ):
        await play(CASES, AlertmanagerPlayer(peer), recorder)
        yield recorder


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_alertmanager_tells_what_is_expected(case: Case, played: Recorder) -> None:
    assert told(case, played) == expected(case)
    assert out_of_order(case, played) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_amtool_and_we_take_each_case(case: Case, tmp_path: Path) -> None:
    text = yaml.safe_dump(dict(case.configuration), allow_unicode=True)
    is_accepted, said = accepts(text, tmp_path)
    assert is_accepted, said
    assert set(parse_routing(text, case.name).receivers) == {one["name"] for one in case.configuration["receivers"]}


@pytest.mark.parametrize("name", REFUSED_BY_CHANNELS)
def test_amtool_and_our_channels_refuse_what_is_broken(name: str, tmp_path: Path) -> None:
    is_accepted, said = accepts(REFUSED_BY_CHANNELS[name], tmp_path)
    assert not is_accepted, said
    file = tmp_path / "alertmanager.yml"
    file.write_text(REFUSED_BY_CHANNELS[name])
    with pytest.raises(BadSettings, match=rf"ALERTMANAGER_FILE: {file}:\d+: "):
        load(Settings, {"PANTAU_NOTIFICATIONS__ALERTMANAGER_FILE": str(file)})


@pytest.mark.parametrize("name", REFUSED)
def test_amtool_and_we_refuse_what_is_broken(name: str, tmp_path: Path) -> None:
    is_accepted, said = accepts(REFUSED[name], tmp_path)
    assert not is_accepted, said
    with pytest.raises(BadRouting):
        parse_routing(REFUSED[name], "am.yml")
