"""Merchants whose names nobody answers for, and one that is well, in one pod as the launcher starts it."""

from collections.abc import Iterator

import pytest

from merchantroute_kit.servers.misbehaving import Misbehaving
from merchantroute_kit.worker.local_lane import LocalLane

HUNG = 15


@pytest.fixture
def bad() -> Iterator[Misbehaving]:
    made = Misbehaving()
    yield made
    made.close()


def test_a_healthy_merchant_is_served_while_the_names_of_others_hang(lane: LocalLane, bad: Misbehaving) -> None:
    lane.limits = {"callTimeoutMs": 20_000, "deadlineMs": 20_000}
    healthy = lane.merchant("healthy")
    endpoint = lane.merchants.endpoint(healthy).replace("127.0.0.1", "pos.example")
    lane.known = {f"hung-{n}": {"endpoint": f"http://hung-{n}.example"} for n in range(HUNG)}
    lane.known[healthy] = {"endpoint": endpoint}
    lane.configure(concurrency=HUNG + 5)
    lane.work(HUNG + 5, GEVENTARES_SERVERS="127.0.0.1", GEVENTARES_UDP_PORT=str(bad.ports["names"])).ready()
    waiting = [lane.orders(f"hung-{n}", 1) for n in range(HUNG)]

    lane.until_done(lane.orders(healthy, 20))

    assert len(waiting) == HUNG
    assert set(lane.done) <= set(lane.published[HUNG:])
