"""Ports that can't be had are told with the setting that chose them."""

import os
import socket

from infra.local import ports
from infra.local.ports import Listener


def test_free_ports_are_different_and_can_be_bound() -> None:
    found = ports.free(5)
    assert len(set(found)) == 5
    assert ports.conflicts([Listener(f"a.port{port}", port) for port in found]) == []


def test_a_taken_port_is_one_sentence_with_setting_variable_and_holder() -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        (problem,) = ports.conflicts([Listener("collector.exporter.port", port)])
    assert f"Port {port} is in use" in problem
    assert f"process {os.getpid()}" in problem
    assert "set collector.exporter.port in pantau.yaml or PANTAU_COLLECTOR__EXPORTER__PORT" in problem


def test_a_port_that_two_settings_share_is_refused_with_both_names() -> None:
    (port,) = ports.free()
    (problem,) = ports.conflicts([Listener("api.port", port), Listener("local.kafka_port", port)])
    assert "api.port" in problem
    assert "local.kafka_port" in problem


def test_a_port_with_closed_connections_is_free() -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection((ports.LOOPBACK, port))
        accepted, _ = server.accept()
        accepted.close()  # the side that closes first keeps the port in TIME_WAIT
        client.close()
    assert ports.conflicts([Listener("api.port", port)]) == []


def test_answers_tells_whether_somebody_listens() -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        assert ports.answers(port)
    assert not ports.answers(port)
