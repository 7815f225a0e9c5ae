"""A pulse counts for a route only from the broker that the route uses, and for pods that the route has."""

from __future__ import annotations

from merchantroute_operator.rabbit.pulses.shared_listener import vhost_of
from merchantroute_operator.reconcile.state.broker_pool import BrokerPool
from merchantroute_operator.reconcile.state.pulse_board import FORGET_AFTER, MOST_UNKNOWN, PulseBoard
from merchantroute_operator.scaling.model import Pulse
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from tests.harness.dialing import loopback
from tests.unit.operator.operator_under_test import KEY
from tests.unit.operator.reconcile.passes.test_suspect_lane import fleet

OURS = BrokerAddress("127.0.0.1", 1, "orders", "p", "/", "http://127.0.0.1:1")
THEIRS = BrokerAddress("127.0.0.1", 2, "tenant", "p", "/", "http://127.0.0.1:2")
TENANT = ("tenant", "own")


def vhost(address: BrokerAddress) -> tuple[BrokerAddress, str]:
    """Under which the pool hears what is said there, whoever uses it."""
    return vhost_of(address), ""


def pulse(pod: str, at: float = 100.0, key: tuple[str, str] = KEY, finished: int = 0) -> Pulse:
    """Of a pod that takes 5,000 s an order."""
    return Pulse(pod, *key, "standard", "stable", 0, at, 10**9, 1, 5000.0 * finished, finished, 0, 0)


async def test_a_pulse_from_another_broker_than_its_routes_is_nobodys() -> None:
    heard: list[str] = []
    pool = BrokerPool("mr-pulses.c", lambda pulse: heard.append(pulse.pod), loopback())
    await pool.use(KEY, OURS)
    await pool.use(TENANT, THEIRS)
    pool._heard(vhost(THEIRS), pulse("forged"))
    pool._heard(vhost(OURS), pulse("ours"))
    pool._heard(vhost(THEIRS), pulse("theirs", key=TENANT))
    pool._heard(vhost(OURS), pulse("of no route", key=("orders", "none")))
    await pool.use(KEY, THEIRS)  # the Secret leads to the other one now
    pool._heard(vhost(OURS), pulse("late"))
    pool._heard(vhost(THEIRS), pulse("moved"))
    await pool.close()
    assert heard == ["ours", "theirs", "moved"]


def test_pods_that_kubernetes_does_not_have_count_for_nothing() -> None:
    board = PulseBoard(lambda: 100.0)
    board.know(KEY, ["pos-1"])
    board.put(pulse("pos-1"))
    board.put(pulse("ghost"))
    assert [each.pod for each in board.of(*KEY)] == ["pos-1"]


def test_a_new_pods_first_pulse_may_be_here_before_the_pod_is_known() -> None:
    board = PulseBoard(lambda: 100.0)
    board.put(pulse("pos-1"))
    board.put(pulse("pos-2"))
    assert board.of(*KEY) == ()
    board.know(KEY, ["pos-1"])
    board.know_pod(KEY, "pos-2", gone=False)
    assert {each.pod for each in board.of(*KEY)} == {"pos-1", "pos-2"}
    board.know_pod(KEY, "pos-1", gone=True)
    assert {each.pod for each in board.of(*KEY)} == {"pos-2"}


def test_invented_names_take_a_bounded_place_and_none_of_a_known_pods() -> None:
    now = 100.0
    board = PulseBoard(lambda: now)
    board.know(KEY, ["pos-1"])
    for number in range(10_000):
        board.put(pulse(f"ghost-{number}"))
    board.put(pulse("pos-1"))
    assert [each.pod for each in board.of(*KEY)] == ["pos-1"]
    assert len(board._routes[KEY].unknown) == MOST_UNKNOWN
    now += FORGET_AFTER + 1
    board.put(pulse("pos-2", at=now))  # those that were there first have been silent for a minute
    board.know(KEY, ["pos-1", "pos-2"])
    assert [each.pod for each in board.of(*KEY)] == ["pos-2"]


def test_what_was_said_of_a_route_goes_with_it() -> None:
    board = PulseBoard(lambda: 100.0)
    board.know(KEY, ["pos-1"])
    board.put(pulse("pos-1"))
    board.forget(KEY)
    board.know(KEY, ["pos-1"])
    assert board.of(*KEY) == ()


def test_a_lane_is_not_scaled_by_pods_that_it_does_not_have() -> None:
    world = fleet(tiers=[{"name": "standard", "scaling": {"maxReplicas": 50}}])
    queue = "mr.orders.pos.standard.stable"
    world.log.clear()
    for turn in range(20):
        world.broker.published[queue] = 2 * turn
        world.broker.held[queue] = 1
        world.board.put(pulse("ghost", at=world.at + 2, finished=turn))
        world.tick()
    assert [line for line in world.log if line.startswith("scale pos-standard")] == []
