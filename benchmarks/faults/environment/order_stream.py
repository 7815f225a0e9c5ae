"""A stream of orders as a web shop sends them: at a pace, and never too far ahead of the pods.

A publish that fails is repeated under the same id until it is confirmed, however long the broker is away.
"""

import asyncio
from itertools import count

from benchmarks.faults.environment.scale import Scale
from benchmarks.orders import good_order
from merchantroute_kit.accounting.observed_orders import ObservedOrders, Published
from merchantroute_kit.errors import StepFailed
from merchantroute_kit.waiting import until_async
from merchantroute_kit.wire.producer import Producer

_IN_FLIGHT = 200
_LONGEST_WAIT = 1200.0


class OrderStream:
    """The orders `<run>-0`, `<run>-1`, ... of all merchants in turn. `pause` ends when all that began is confirmed."""

    def __init__(
        self, producer: Producer, observed: ObservedOrders, scale: Scale, *, run: str, merchants: list[str]
    ) -> None:
        self._producer, self._observed, self._scale = producer, observed, scale
        self._run, self._merchants = run, merchants
        self._going = asyncio.Event()
        self._going.set()
        self._enough = False
        self._under_way = 0

    async def orders(self) -> None:
        """Publish as many as the scale says, and on until `enough` was called: a fault without load shows nothing."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        async with asyncio.TaskGroup() as group:
            for number in count():
                if self._enough and number >= self._scale.orders:
                    break
                due = max(due, loop.time() - 1.0) + 1 / self._scale.rate
                if due > loop.time():
                    await asyncio.sleep(due - loop.time())
                await until_async(self._may_go_on, "orders to end, so that more can be published", _LONGEST_WAIT)
                self._under_way += 1
                group.create_task(self._one(f"{self._run}-{number}", self._merchants[number % len(self._merchants)]))

    async def pause(self) -> None:
        """Publish nothing until `go_on`."""
        self._going.clear()
        await until_async(lambda: self._under_way == 0, "publishing to pause", _LONGEST_WAIT)

    def go_on(self) -> None:
        """Publish again."""
        self._going.set()

    def enough(self) -> None:
        """Publish no more than the scale says."""
        self._enough = True

    def _may_go_on(self) -> bool:
        return self._going.is_set() and self._under_way < _IN_FLIGHT and self._observed.backlog < self._scale.window

    async def _one(self, order_id: str, merchant: str) -> None:
        try:
            while True:
                try:
                    await self._producer.publish(good_order(order_id), order_id=order_id, merchant=merchant)
                    break
                except StepFailed:
                    continue
            self._observed.publish(Published(order_id, merchant))
        finally:
            self._under_way -= 1
