"""Faults that `make chaos-worker` plays under thousands of orders, under hundreds: nothing is lost or doubled."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.faults.environment.scale import SMALL
from benchmarks.faults.every_fault import ALL
from benchmarks.faults.experiment import run_fault
from benchmarks.faults.fault import Fault
from benchmarks.progress import quiet
from merchantroute_kit.servers.merchant_sim import MerchantSim
from merchantroute_kit.servers.rabbitmq import RabbitMQ, own_broker
from tests.harness.broker import the_broker

# A killed broker may forget its last acks, and its clients complain about that for long: that fault, and the poison
# order, whose small version is in test_suspect_orders, are played by `make chaos-worker` alone.
SUITE = [fault for fault in ALL if fault.name not in {"broker-restart", "poison-order"} and not fault.needs.cluster]
# Pods that stand still, are blocked, killed or told to end while they start have tests of their own (killed is killed,
# by whatever), and so has a queue that is gone. An alarm over a backlog is the harder one of the two alarms. A second
# blip has to come while an order of five seconds lasts, and on a busy machine the management lists the connection that
# is to be closed up to five seconds late.
EXTENDED = {
    "standstill", "hub-blocked", "memory-limit", "rolling-restart", "blips", "sigterm-at-start", "queue-gone",
    "memory-alarm",
}  # fmt: skip


@pytest.fixture(scope="module")
def harmed() -> Iterator[dict[str, RabbitMQ]]:
    """A broker that may be harmed, once a fault has asked for it; the run's own stays whole."""
    with ExitStack() as stack:
        yield Started(stack)


class Started(dict[str, RabbitMQ]):
    """Starts what is asked for."""

    def __init__(self, stack: ExitStack) -> None:
        super().__init__()
        self._stack = stack

    def __missing__(self, name: str) -> RabbitMQ:
        self[name] = self._stack.enter_context(own_broker())
        return self[name]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=fault.name, marks=[pytest.mark.extended] if fault.name in EXTENDED else [])
        for fault in SUITE
    ],
)
def test_no_order_is_lost_or_doubled_by(
    fault: Fault,
    harmed: dict[str, RabbitMQ],
    merchants: MerchantSim,
    tmp_path: Path,
    pytestconfig: pytest.Config,
) -> None:
    quiet()
    own = harmed["own"] if fault.needs.own_broker else None
    broker = own or the_broker(pytestconfig)

    row = run_fault(
        fault,
        SMALL,
        amqp_url=broker.amqp_url,
        mgmt_url=broker.mgmt_url,
        broker=own,
        merchants=merchants,
        tell=lambda _: None,
        root=tmp_path,
    )

    assert row.failures == ()
    assert (row.lost, row.doubled) == (0, 0)
    assert row.published == row.done + row.dead >= SMALL.orders
