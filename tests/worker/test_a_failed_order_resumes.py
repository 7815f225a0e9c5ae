"""A failed attempt goes to the ladder and comes back; steps that are done are not done again."""

from datetime import UTC, datetime, timedelta

from merchantroute_kit.worker.local_lane import LocalLane


def test_a_retried_order_goes_on_at_the_step_that_failed(lane: LocalLane) -> None:
    lane.limits = {"maxAttempts": 100}
    merchant = lane.merchant("flaky", "error", error_rate=0.3, error_status=408)
    lane.configure(merchant)
    lane.work().ready()

    ids = lane.orders(merchant, 60)

    lane.until_done(ids, 60)
    book = lane.ledger()
    assert (book["done"], book["doubled"], book["copies"]) == (60, 0, 0)
    receipts = lane.merchants.receipts(lane.run)
    for order_id in ids:
        failures = lane.done[order_id][0]["attempts"] - 1
        assert sum(step["receipts"] for step in receipts[order_id].values()) == 3 + failures
    assert book["repeated calls"] > 0


def test_a_connection_reset_after_the_effect_doubles_nothing(lane: LocalLane) -> None:
    lane.limits = {"maxAttempts": 100}
    merchant = lane.merchant("cut", "reset")
    lane.configure(merchant)
    lane.work().ready()

    ids = lane.orders(merchant, 20)
    lane.merchants.behave(merchant, "normal")

    lane.until_done(ids, 60)
    book = lane.ledger()
    assert (book["done"], book["doubled"], book["copies"]) == (20, 0, 0)


def test_an_order_for_later_waits_on_the_ladder_and_is_not_counted(lane: LocalLane) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    lane.work().ready()
    due = datetime.now(UTC) + timedelta(seconds=2.5)

    lane.publish(merchant, f"{lane.run}-late", headers={"eta": due.isoformat()})
    lane.publish(merchant, f"{lane.run}-now")

    lane.until_done(lane.published)
    assert lane.done[f"{lane.run}-late"][0]["finishedAt"] >= (due.timestamp() - 1) * 1000
    assert lane.done[f"{lane.run}-late"][0]["attempts"] == 1
    assert lane.ledger() == {"done": 2}


def test_credentials_are_sent_to_the_merchant(lane: LocalLane) -> None:
    secrets = {
        lane.merchant("bearer"): {"type": "Bearer", "token": "t0ken"},
        lane.merchant("basic"): {"type": "Basic", "username": "us", "password": "pa:ss"},
        lane.merchant("header"): {"type": "Header", "name": "X-Key", "value": "k"},
    }
    for merchant, secret in secrets.items():
        lane.merchants.behave(merchant, "normal", auth=secret)
    lane.configure(*secrets)
    lane.configure(credentials=secrets)
    lane.work().ready()

    ids = [order_id for merchant in secrets for order_id in lane.orders(merchant, 2)]

    lane.until_done(ids)
    assert lane.ledger() == {"done": 6}
