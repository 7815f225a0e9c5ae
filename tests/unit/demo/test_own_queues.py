"""The story tells of own queues in a sentence each, when something about them changes."""

from typing import Any

from merchantroute_demo.route import OwnQueue, own_queues
from merchantroute_demo.screen import changes
from merchantroute_operator.naming import own_queue


def status(stage: str, share: int) -> dict[str, Any]:
    own = {"merchant": "hut", "tier": "standard", "why": "Slow", "stage": stage, "since": "x", "share": share}
    return {"metadata": {"namespace": "orders", "name": "pos"}, "status": {"ownQueues": [own]}}


def test_the_queue_is_named_as_the_operator_names_it() -> None:
    found = own_queues(status("Open", 1))
    assert found == {"hut": OwnQueue("hut", own_queue("orders", "pos", "hut"), "Slow", "Open", 1)}
    assert own_queues({"metadata": {"namespace": "orders", "name": "pos"}}) == {}


def test_each_change_is_a_sentence_and_no_change_is_none() -> None:
    opening, opened, grown, closing = (
        own_queues(status(*each)) for each in (("Opening", 1), ("Open", 1), ("Open", 4), ("Closing", 4))
    )
    name = own_queue("orders", "pos", "hut")
    assert list(changes({}, opening)) == []
    assert list(changes(opening, opened)) == [f"hut has a queue of its own (Slow): {name}, 1 order at a time"]
    assert list(changes(opened, opened)) == []
    assert list(changes(opened, grown)) == ["hut: 4 orders at a time"]
    assert list(changes(grown, closing)) == ["hut is well again: no new orders enter its queue, which drains"]
    assert list(changes(closing, {})) == ["hut has no queue of its own any more"]
