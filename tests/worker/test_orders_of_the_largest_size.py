"""An order as large as the broker takes is worked as any other; grown by its journal, it ends in dead letters."""

import json

from merchantroute_kit.worker.local_lane import LocalLane

LARGEST = 16 * 1024 * 1024  # RabbitMQ's default max_message_size, in bytes
ROOM = 100  # bytes, less than a journal needs


def as_large_as_can_be(order_id: str) -> bytes:
    order = {"id": order_id, "items": [{"name": "soup", "quantity": 1, "unit_price": 250}], "total": 250, "note": ""}
    body = json.dumps([[], {"order": order}, {}]).encode()
    note = b"x" * (LARGEST - ROOM - len(body))
    return body.replace(b'"note": ""', b'"note": "' + note + b'"')


def test_an_order_that_its_journal_makes_too_large_is_dead_and_others_go_on(lane: LocalLane) -> None:
    lane.limits = {"maxAttempts": 5}
    broken, well = lane.merchant("broken", "error", error_status=408), lane.merchant("well")
    lane.known["closed"] = {"endpoint": "http://127.0.0.1:9"}  # the port discard, where nobody listens
    lane.configure(broken, well)
    lane.work().ready()
    large = f"{lane.run}-large"
    body = as_large_as_can_be(large)
    lane.publish("closed", large, body=body)

    retried = lane.orders(broken, 10)
    done = lane.orders(well, 20)

    lane.until_dead([large], 60)
    letter = lane.dead[large][0]
    assert (letter["headers"]["mr-reason"], letter["body"] == body) == ("too-large", True)
    lane.until_done(done)
    lane.until_dead(retried, 60)
    assert {each["headers"]["mr-reason"] for order in retried for each in lane.dead[order]} == {"attempts-exhausted"}
    assert lane.ledger()["lost"] == 0
