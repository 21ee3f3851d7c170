import pytest

from services.collector.core.mikrotik.interfaces import Counted, rates
from services.collector.core.mikrotik.readings import health, is_unclean, netwatch, queues, served
from services.collector.core.mikrotik.values import addresses, flag, number, seconds, two_rates

NOW = 1_790_000_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0s", 0),
        ("1w2d3h4m5s", 788_645),
        ("3h5s", 10_805),
        ("10m", 600),
        ("1d02:03:04", 93_784),
        ("2w1d00:00:01", 1_296_001),
    ],
)
def test_time_spans(text: str, expected: int) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "never", "5", "3s2h", "-1s", "1d2"])
def test_what_is_no_time_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no time span"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("12", 12), ("-7.5", -7.5), ("24.1V", 24.1), ("31 C", 31), ("95%", 95), ("3000RPM", 3000)]
)
def test_numbers(text: str, expected: float) -> None:
    assert number(text) == expected


@pytest.mark.parametrize("text", ["", "nan", "inf", "1e5x7", "0x10", "1-2", "V24"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no number"):
        number(text)


def test_flags() -> None:
    assert flag("true")
    assert flag("yes")
    assert not flag("false")
    with pytest.raises(ValueError, match="neither"):
        flag("maybe")


def test_pairs_of_rates() -> None:
    assert two_rates("2000000/10M") == (2e6, 1e7)
    assert two_rates("512k/0bps") == (512_000.0, 0.0)
    for text in ("", "5", "5/6/7", "a/b"):
        with pytest.raises(ValueError, match="pair of rates"):
            two_rates(text)


@pytest.mark.parametrize(
    ("ranges", "count"),
    [("10.0.0.2-10.0.0.9", 8), ("10.0.0.2-10.0.0.9,10.0.1.0/24", 264), ("10.0.0.7", 1), ("fd00::1-fd00::ff", 255)],
)
def test_pools_are_counted(ranges: str, count: int) -> None:
    assert addresses(ranges) == count


@pytest.mark.parametrize("ranges", ["", "10.0.0.9-10.0.0.2", "10.0.0.1-x"])
def test_a_range_that_is_none_is_refused(ranges: str) -> None:
    with pytest.raises(ValueError, match=r"range|address|appear"):
        addresses(ranges)


def told(row: dict[str, str]) -> dict[str, float]:
    return {sample.series.partition("{")[0]: sample.value for sample in health("r", NOW, [row])}


def test_version_sixs_sensors_are_known_by_their_names() -> None:
    row = {"voltage": "24.1", "cpu-temperature": "51", "fan1-speed": "3210", "psu1-state": "ok", "psu1-current": "0.4"}
    assert told(row) == {
        "mikrotik_voltage_volts": 24.1,
        "mikrotik_temperature_celsius": 51.0,
        "mikrotik_fan_speed_rpm": 3210.0,
        "mikrotik_hardware_ok": 1.0,
        "mikrotik_current_amperes": 0.4,
    }


def test_version_sevens_are_known_by_their_units_and_what_has_none_is_left_out() -> None:
    assert told({"name": "sfp-heat", "value": "41", "type": "C"}) == {"mikrotik_temperature_celsius": 41.0}
    assert told({"name": "psu2-state", "value": "fail", "type": ""}) == {"mikrotik_hardware_ok": 0.0}
    assert told({"name": "mode", "value": "auto", "type": ""}) == {}


def test_only_the_fullest_queues_are_told_and_one_without_a_limit_is_never_full() -> None:
    rows = [
        {"name": "a", "rate": "0/9000000", "max-limit": "0/10000000"},
        {"name": "b", "rate": "1900000/0", "max-limit": "2M/10M"},
        {"name": "c", "rate": "0/8500000", "max-limit": "5000000/10000000"},
        {"name": "d", "rate": "5000000/5000000", "max-limit": "0/0"},
        {"name": "e", "rate": "1/1", "max-limit": "1000/1000"},
    ]
    values = {sample.series: sample.value for sample in queues("r", NOW, rows, near_percent=80, top=2)}
    assert values == {
        'mikrotik_queues_near_limit{router="r"}': 3,
        'mikrotik_queue_usage_percent{dynamic="false",queue="b",router="r"}': 95,
        'mikrotik_queue_usage_percent{dynamic="false",queue="a",router="r"}': 90,
    }


def test_queues_that_many_share_are_told_before_those_of_one_subscriber() -> None:
    rows = [
        {"name": f"<pppoe-{n}>", "rate": "0/10000000", "max-limit": "0/10M", "dynamic": "true"} for n in range(5)
    ] + [{"name": "backhaul", "rate": "0/81000000", "max-limit": "0/100M", "dynamic": "false"}]
    values = [sample.series for sample in queues("r", NOW, rows, near_percent=80, top=2)]
    assert values == [
        'mikrotik_queues_near_limit{router="r"}',
        'mikrotik_queue_usage_percent{dynamic="false",queue="backhaul",router="r"}',
        'mikrotik_queue_usage_percent{dynamic="true",queue="<pppoe-0>",router="r"}',
    ]


def test_servers_of_one_name_are_one() -> None:
    rows = [
        {"service-name": "isp", "interface": "vlan20", "disabled": "false"},
        {"service-name": "isp", "interface": "vlan10", "disabled": "false"},
        {"service-name": "old", "interface": "vlan99", "disabled": "true"},
        {"interface": "ether5"},
    ]
    assert served(rows, "service-name") == {"isp": "vlan10,vlan20", "": "ether5"}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("router was rebooted without proper shutdown, probably power outage", True),
        ("router was rebooted without proper shutdown by watchdog timer", True),
        ("System rebooted because of kernel failure", True),
        ("router rebooted by admin", False),
        ("login failure for user admin from 10.0.0.9 via api", False),
    ],
)
def test_what_the_log_says_of_a_start(message: str, expected: bool) -> None:
    assert is_unclean([{"message": "user pantau logged in"}, {"message": message}, {}]) is expected


def rate(before: Counted | None, after: Counted) -> list[float]:
    return [sample.value for sample in rates("r", NOW, before, after)]


def counted(uptime: float, at: float, value: float) -> Counted:
    return Counted(uptime, at, {("ether1", "rx-byte"): value})


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (counted(160, 60.5, 6_050), [100.0]),  # our clock is the finer one
        (counted(220, 60.0, 12_000), [100.0]),  # the router's time passes faster: a sped-up simulation
        (counted(100, 60.0, 6_000), []),
        (counted(5, 60.0, 6_000), []),  # started anew
        (counted(160, 60.0, -1), []),  # the counter was reset
    ],
)
def test_rates(after: Counted, expected: list[float]) -> None:
    assert rate(counted(100, 0.0, 0.0), after) == expected
    assert rate(None, after) == []


def test_a_host_that_has_not_been_tried_yet_says_nothing() -> None:
    rows = [{"host": f"10.0.0.{number}", "status": status} for number, status in enumerate(("up", "unknown", "down"))]
    assert [(one.series.partition("host=")[2][1:9], one.value) for one in netwatch("r", NOW, rows)] == [
        ("10.0.0.0", 1.0),
        ("10.0.0.2", 0.0),
    ]
