"""A dead order is carried to its end after a replay: pods take it for new, and its finished steps for finished."""

from urllib.parse import quote

from click.testing import CliRunner

from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane
from merchantroute_worker.cli.main import main


def dead(lane: LocalLane, *arguments: str) -> str:
    """`merchantroute dead …` about this lane's route."""
    route = f"{topology.NAMESPACE}/{topology.ROUTE}"
    env = {"MR_BROKER": lane.vhost.amqp_url, "MR_ROUTE": route}
    result = CliRunner(env=env).invoke(main, ["dead", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def until_buried(lane: LocalLane, count: int) -> None:
    """Wait for so many dead letters, without taking them as `Lane.look` does."""

    def there() -> bool:
        return int(lane.channel.queue_declare(topology.DEAD, passive=True).message_count) == count

    until(there, f"{count} dead letters")


def test_orders_whose_attempts_were_used_up_are_done_once_the_merchant_is_well(lane: LocalLane) -> None:
    lane.limits = {"maxAttempts": 2}
    merchant = lane.merchant("ill", "error", error_status=408)
    lane.configure(merchant)
    lane.work().ready()
    ids = lane.orders(merchant, 10)
    until_buried(lane, 10)
    assert "10 letters in mr.orders.pos.dead: attempts-exhausted 10" in dead(lane, "list")

    lane.merchants.behave(merchant, "normal", latency={"p50_ms": 10, "p99_ms": 20})
    dead(lane, "replay", "--yes", "--rate", "max")

    lane.until_done(ids)
    assert lane.ledger() == {"done": 10, "repeated calls": 10}  # each was called twice in vain before it was dead
    assert {lane.done[each][0]["attempts"] for each in ids} == {1}


def test_steps_that_were_done_before_are_not_done_again(lane: LocalLane) -> None:
    """Some attempts get a step further, so that orders die between two steps."""
    lane.limits = {"maxAttempts": 1}
    merchant = lane.merchant("flaky", "error", error_rate=0.4, error_status=408)
    lane.configure(merchant)
    lane.work().ready()
    ids = lane.orders(merchant, 40)

    def settled() -> bool:
        lane.look_at_completions()
        buried = int(lane.channel.queue_declare(topology.DEAD, passive=True).message_count)
        return len(lane.done) + buried == 40 and buried > 0

    until(settled, "every order is done or dead")
    before = lane.merchants.receipts(lane.run)
    lane.merchants.behave(merchant, "normal", latency={"p50_ms": 10, "p99_ms": 20})
    dead(lane, "replay", "--yes", "--rate", "max")

    lane.until_done(ids)
    after = lane.merchants.receipts(lane.run)
    halfway = [(each, step) for each in ids for step, seen in before.get(each, {}).items() if seen["effects"]]
    assert halfway
    assert all(after[each][step]["receipts"] == before[each][step]["receipts"] for each, step in halfway)


def test_a_connection_that_is_cut_during_its_second_life_does_not_cost_the_order(lane: LocalLane) -> None:
    """A pod acks what comes again if it remembers an outcome for it: it must not mean the one of the first life."""
    lane.limits = {"maxAttempts": 1, "callTimeoutMs": 60_000, "deadlineMs": 120_000}
    merchant = lane.merchant("ill", "error", error_status=408)
    lane.configure(merchant)
    lane.work().ready()
    (order,) = lane.orders(merchant, 1)
    until_buried(lane, 1)

    lane.merchants.behave(merchant, "hang")
    dead(lane, "replay", order, "--yes")
    until(lambda: lane.unacked() == 1, "a pod has the order again")
    lane.merchants.behave(merchant, "normal", latency={"p50_ms": 10, "p99_ms": 20})
    cut(lane)

    lane.until_done([order])
    assert lane.ledger()["lost"] == 0


def cut(lane: LocalLane) -> None:
    """End the connection on which the pod consumes, from the broker's side."""

    def consuming() -> str | None:
        channels = lane.vhost.api("GET", f"vhosts/{lane.vhost.name}/channels")
        # A channel that the broker has not counted yet has [] in place of its connection.
        found = [each for each in channels if each.get("messages_unacknowledged") and each["connection_details"]]
        return found[0]["connection_details"]["name"] if found else None

    name = until(consuming, "the broker tells who consumes")
    lane.vhost.api("DELETE", f"connections/{quote(str(name), safe='')}")
