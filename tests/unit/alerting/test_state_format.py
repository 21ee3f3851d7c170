"""After an update that keeps its state in another form, nothing is taken from what was filled for the form before."""

import pytest

from services.alerting.core import snapshots
from services.alerting.core.fold import Fold
from services.alerting.core.inputs import STATE_FORMAT, Marker, Progress
from services.alerting.core.snapshots import OtherFormat
from services.alerting.core.terms import Terms
from services.alerting.core.timeline import Timeline

NOW = 1_700_000_100_000


def test_windows_that_were_filled_for_another_format_count_as_not_filled() -> None:
    timeline = Timeline(Terms())
    timeline.advance(Marker(1, [Progress(0, NOW, 7)], state_format=STATE_FORMAT - 1))
    assert (timeline.watermark_ms, timeline.rules_revision) == (NOW, -1)
    timeline.advance(Marker(1, [Progress(0, NOW, 7)]))
    assert timeline.rules_revision == 7


def test_a_snapshot_of_another_format_is_told_apart_from_a_broken_one() -> None:
    manifest = snapshots.take(Fold(Terms()), 5, None, "a", lambda _: None).manifest
    other = snapshots.Manifest(STATE_FORMAT + 1, *(getattr(manifest, name) for name in manifest.__struct_fields__[1:]))
    with pytest.raises(OtherFormat, match=f"format is {STATE_FORMAT + 1}"):
        snapshots.decode_manifest(snapshots.encode_manifest(other))
