"""What is in flight is known exactly: a pod waits for it before it ends."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from merchantroute_worker.delivery.deliveries import Deliveries
from tests.unit.worker.delivery.test_settlement import Fixture, Message


class EndsAtOnce:
    """An executor whose threads are faster than their starter: the work is over when `spawn` returns."""

    settles_in_place = True

    def spawn(self, work: Callable[..., None], *arguments: Any, on_end: Callable[[], None]) -> Any:
        work(*arguments)
        on_end()
        return SimpleNamespace(cancel=lambda: None)

    def spawn_outside(self, work: Callable[..., None], *arguments: Any) -> Any:
        work(*arguments)
        return SimpleNamespace(cancel=lambda: None)


def test_work_that_ends_before_its_start_returns_is_not_in_flight() -> None:
    world = Fixture()
    deliveries = Deliveries(
        world.pod, SimpleNamespace(is_green=True, on_close=lambda: None, on_stop=None, limit=1, apply_async=None)
    )
    ports: Any = deliveries
    ports.executor = EndsAtOnce()

    deliveries.start_order(Message(body=b"{soup"))
    assert len(deliveries) == 0
    deliveries.dead_letter(Message(body=b"{soup"), "undecodable", "no JSON")
    assert len(deliveries) == 0
    deliveries.start_task(Message(), lambda _message, _body, ack, _reject, _callbacks: ack(), None, ())
    assert len(deliveries) == 0
