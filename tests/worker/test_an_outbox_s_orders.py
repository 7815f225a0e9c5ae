"""Orders of an outbox whose relays are killed at any moment: each is done, with each effect once."""

import random
import signal
from contextlib import ExitStack
from pathlib import Path

from merchantroute_kit.servers.postgresql import postgresql
from merchantroute_kit.waiting import until
from merchantroute_kit.worker.local_lane import LocalLane
from tests.harness.outbox_shop import Shop

SEED = 20261128
ROUNDS, ORDERS, RELAYS = 2, 100, 2


def test_whatever_is_committed_is_done_once_though_relays_are_killed(lane: LocalLane, tmp_path: Path) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    lane.work().ready()
    dice = random.Random(SEED)
    with postgresql() as database:
        shop = Shop("sqlalchemy_shop", database, lane.vhost.amqp_url, "orders/pos", merchant)
        shop.create()
        for number in range(ROUNDS):
            lane.published += shop.enqueue(f"{lane.run}-{number}-", ORDERS)
            shop.enqueue_in_vain(f"{lane.run}-undone-", 3)
            with ExitStack() as running:
                relays = [running.enter_context(shop.relay(tmp_path / "relays.log")) for _ in range(RELAYS)]
                left = dice.randrange(len(shop.rows()))
                shop.until_at_most(left)
                for relay in relays:
                    relay.send_signal(signal.SIGKILL)
                    relay.wait(60)
        with shop.relay(tmp_path / "relays.log"):
            until(lambda: not shop.rows(), "the last relay to empty the table")

    lane.until_done(lane.published, 120)
    until(lambda: lane.queued() == 0, "copies to be done too")
    ledger = lane.ledger()
    assert ledger["done"] == ROUNDS * ORDERS
    assert {ledger[name] for name in ("lost", "dead", "doubled", "done without its effects")} == {0}
    assert set(lane.done) == set(lane.published)
