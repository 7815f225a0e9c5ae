"""The schedule of a run, and its replay: which order is published when, and publishing them at that pace.

Two streams of the sample, each cycled and evenly spaced, are merged by time.
The hung merchant's orders run at their own rate, through every phase alike, so that the phases differ in nothing but
the merchant's behaviour.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from itertools import count, cycle

from merchantroute_kit.accounting.observed_orders import Published
from merchantroute_kit.wire.producer import Producer
from merchantroute_samples.lines import Line


def schedule(lines: Iterable[Line], *, merchant: str, rate: float, other_rate: float) -> Iterator[tuple[float, Line]]:
    """(seconds since the start, line), for ever: `merchant` at `rate`, everybody else together at `other_rate`."""
    known = list(lines)
    own = [line for line in known if line.merchant == merchant]
    others = [line for line in known if line.merchant != merchant]
    return merge(_spaced(own, rate), _spaced(others, other_rate), key=lambda due: due[0])


def _spaced(lines: list[Line], rate: float) -> Iterator[tuple[float, Line]]:
    if lines and rate > 0:
        yield from zip((number / rate for number in count()), cycle(lines), strict=False)


class Replay:
    """Replays a schedule ((seconds, line), ...) as `<run>-<number>`; `take` is told of each confirmed order.

    The number counts on when the sample's lines are cycled, so every id is used once.
    """

    def __init__(
        self,
        producer: Producer,
        run: str,
        due: Iterator[tuple[float, Line]],
        take: Callable[[Published], None],
        *,
        in_flight: int = 200,
    ) -> None:
        self._producer, self._run, self._due, self._take = producer, run, due, take
        self._number = 0
        self._window = asyncio.Semaphore(in_flight)

    async def phase(self, name: str, seconds: float) -> None:
        """Publish what is due in the next `seconds`. Returns when the last of them is confirmed, or StepFailed."""
        try:
            await self._publish(name, seconds)
        except ExceptionGroup as group:
            raise group.exceptions[0] from None

    async def _publish(self, name: str, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        begun, first = loop.time(), None
        async with asyncio.TaskGroup() as group:
            for due, line in self._due:
                first = due if first is None else first
                wait = begun + due - first - loop.time()
                if wait > 0:
                    await asyncio.sleep(wait)
                self._number += 1
                await self._window.acquire()
                group.create_task(self._one(line, f"{self._run}-{self._number}", name))
                if due - first >= seconds:
                    break

    async def _one(self, line: Line, order: str, phase: str) -> None:
        try:
            at = await self._producer.publish(line.body(order), order_id=order, merchant=line.merchant)
            self._take(Published(order, line.merchant, phase, line.malformed, at))
        finally:
            self._window.release()
