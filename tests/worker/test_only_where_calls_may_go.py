"""Orders whose endpoints lead where no call may go are dead letters, once, and no call is made; others are done."""

import json

import pytest

from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane
from tests.worker.plain_app import PlainApp

POOLS = ("gevent", "threads", "prefork")
NOT_ALLOWED = {
    "mapped": "http://[::ffff:127.0.0.2]:{port}/m/mapped",
    "metadata": "http://169.254.169.254/latest",
    "inside": "https://10.0.0.1/",
    "any": "http://0.0.0.0:{port}/m/any",
}


@pytest.mark.parametrize("pool", POOLS)
def test_they_are_dead_with_the_reason_and_told_until_the_rules_change(lane: LocalLane, pool: str) -> None:
    good, named = lane.merchant("bistro"), lane.merchant("named")
    port = lane.merchants.url.rsplit(":", 1)[1]
    lane.limits = {"egress": {"allow": ["127.0.0.1"], "deny": ["local*"]}}
    lane.known = {name: {"endpoint": endpoint.format(port=port)} for name, endpoint in NOT_ALLOWED.items()}
    lane.known[named] = {"endpoint": lane.merchants.endpoint(named).replace("127.0.0.1", "localhost")}
    told_of = {named, *NOT_ALLOWED}
    lane.configure(good)
    lane.work(4, arguments=["--pool", pool]).ready()
    forbidden = {name: lane.orders(name, 3) for name in told_of}
    done = lane.orders(good, 10)

    lane.until_dead([order for orders in forbidden.values() for order in orders])
    lane.until_done(done)

    letters = [lane.dead[order][0]["headers"] for orders in forbidden.values() for order in orders]
    assert {letter["mr-reason"] for letter in letters} == {"forbidden-address"}
    assert {letter["mr-answer-class"] for letter in letters} == {"forbidden"}
    assert {letter["mr-attempts"] for letter in letters} == {1}
    assert "link-local" not in (metadata := lane.dead[forbidden["metadata"][0]][0]["headers"]["mr-answer"])
    assert "169.254.169.254" in metadata
    assert "spec.egress.allow" in metadata
    assert set(lane.merchants.receipts(lane.run)) == set(done), "no other call was made"
    assert lane.ledger() == {"done": 10, "dead": 15}

    until(lambda: told(lane) == told_of, "a pulse that names all of them and nobody else")
    lane.limits = {"egress": {"allow": ["127.0.0.1"]}}
    lane.configure()
    until(lambda: told(lane) == set(), "a pulse that names nobody")
    lane.until_done(lane.orders(named, 3))


def told(lane: LocalLane) -> set[str]:
    """The merchants that the newest pulse names as leading where no call may go."""

    def newest() -> list[bytes]:
        bodies = []
        while message := lane.channel.basic_get(topology.PULSES, no_ack=True):
            bodies.append(message.body)
        return bodies

    said = json.loads(until(newest, "a pulse")[-1])
    return set(said.get("forbidden", ()))


@pytest.mark.parametrize("pool", POOLS)
def test_a_task_of_an_own_app_that_asks_for_the_guard_is_held_to_the_same(lane: LocalLane, pool: str) -> None:
    shop, merchant = PlainApp(lane), lane.merchant("bistro")
    port = lane.merchants.url.rsplit(":", 1)[1]
    lane.limits = {"egress": {"allow": ["127.0.0.1"]}}
    lane.configure(merchant, concurrency=4)
    shop.work(pool).ready()

    shop.send(merchant, "calls_guarded", f"http://127.0.0.1:{port}/admin/receipts", shop.place)
    refused = [
        shop.send(merchant, "calls_guarded", url, shop.place)
        for url in (f"http://127.0.0.2:{port}/", "http://169.254.169.254/latest", "http://0x7f.2/")
    ]

    lane.until_dead(refused)
    until(shop.notes, "the call that may be made")
    assert shop.notes()[0].startswith("answered ")
    assert {lane.dead[task][0]["headers"]["mr-reason"] for task in refused} == {"forbidden-address"}
    assert "loopback address (127.0.0.2)" in lane.dead[refused[0]][0]["headers"]["mr-answer"]
    assert len(shop.notes()) == 1
