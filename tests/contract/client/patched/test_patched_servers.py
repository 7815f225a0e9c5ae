"""The client in a server that gevent has patched: requests are greenlets, and so is the client's thread."""

import time
from collections.abc import Callable

import gevent
import pytest
from gevent import monkey

from merchantroute_worker.client import NotSafe
from tests.contract.client.broker_with_route import BrokerWithRoute
from tests.contract.client.relay import Relay


def test_greenlets_share_one_connection_and_none_holds_up_the_others(
    place: BrokerWithRoute, relay: Callable[..., Relay]
) -> None:
    assert monkey.is_module_patched("threading")
    between = relay()
    turns: list[float] = []

    def other_requests() -> None:
        while True:
            turns.append(time.monotonic())
            gevent.sleep(0.001)

    with place.client(between.port, within=60) as client:
        others = gevent.spawn(other_requests)
        published = [gevent.spawn(client.publish, {}, merchant="bistro", order_id=str(n)) for n in range(200)]
        receipts = [greenlet.get(timeout=60) for greenlet in published]
        others.kill()

    assert {receipt.order_id for receipt in receipts} == {str(n) for n in range(200)}
    assert {arrived.properties["correlation_id"] for arrived in place.arrived()} == {str(n) for n in range(200)}
    assert between.accepted == 1
    assert len(turns) > 2


def test_a_silent_broker_holds_a_request_within_its_bound_and_nobody_else(
    bare: BrokerWithRoute, relay: Callable[..., Relay]
) -> None:
    with bare.client(relay(silent=True).port) as client:
        waiting = gevent.spawn(client.publish, {}, merchant="bistro", order_id="x", within=1.0)
        gevent.sleep(0.1)
        assert not waiting.ready()

        with pytest.raises(NotSafe, match="it has not arrived"):
            waiting.get(timeout=30)


def test_a_request_that_the_server_times_out_takes_its_order_back(
    place: BrokerWithRoute, relay: Callable[..., Relay]
) -> None:
    silent = relay(silent=True)
    with place.client(silent.port, within=60) as client:
        with pytest.raises(gevent.Timeout), gevent.Timeout(0.2):
            client.publish({}, merchant="bistro", order_id="x")
        silent.close()
        relay(silent.port)

        client.publish({}, merchant="bistro", order_id="next")

    assert [arrived.properties["correlation_id"] for arrived in place.arrived()] == ["next"]
