"""The deliveries that wait for a slot, in whatever pool: lets the next one begin when one ends, when parts change, and
when a token falls due.

Whatever waits is unacked, so the broker has it still. Which one begins is `SlotQueue`'s to say.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from merchantroute_worker.bulkhead.bulkhead import Bulkhead
from merchantroute_worker.delivery.delivery import Delivery
from merchantroute_worker.isolation.own_queues import PodPart
from merchantroute_worker.isolation.slot_queue import SlotQueue
from merchantroute_worker.orders.messages import MOST_RETURNS, returns
from merchantroute_worker.runtime.clock import StallAwareClock
from merchantroute_worker.runtime.threads import native_lock, start_daemon

log = logging.getLogger(__name__)
LONGEST_WAIT = 30.0
"""Seconds that an order waits here for its merchant (refused credentials, or 429 where its queue is not led to); longer
ones it waits on the ladder.
"""
LONGEST_PAUSE = 900.0
"""Seconds that an order waits here while its merchant asked for time: RabbitMQ takes back what is unacked for half an
hour. For a longer time the queue is not consumed.
"""


class Entry(NamedTuple):
    """A delivery that has arrived, and how it is begun. `own_task` is an app's own."""

    delivery: Delivery
    begin: Callable[[], None]
    own_task: bool


class WaitingDeliveries:
    """The waiting deliveries of one consumer. `in_flight` is the caller's, with an entry for each delivery that has
    begun; `soon` runs something where it may block. `in_use` is False while there is neither an own queue nor anything
    that waits: a delivery that arrives then may begin, if a slot is free, without asking.
    """

    def __init__(
        self,
        in_flight: dict[Delivery, Any],
        slots: int,
        soon: Callable[[Callable[[], None]], None],
        bulkhead: Bulkhead,
        clock: StallAwareClock,
    ) -> None:
        self.in_use = False
        self.own_tags: dict[str, str] = {}
        """The merchants whose own queues are consumed, by consumer tag."""
        self._in_flight, self._soon, self._bulkhead, self._clock = in_flight, soon, bulkhead, clock
        self._queue: SlotQueue[Entry] = SlotQueue(slots)
        self._counted: dict[Delivery, str] = {}
        self._parts: Mapping[str, PodPart] = {}
        self._lock = native_lock()
        self._timer = threading.Event()
        self._timer_started = False
        self._due: float | None = None

    @property
    def slots(self) -> int:
        """How many deliveries may be in flight."""
        return self._queue.slots

    def resize(self, slots: int) -> None:
        """Change the number of slots."""
        self._queue.slots = slots
        self.begin_next()

    def configure(self, parts: Mapping[str, PodPart]) -> None:
        """Take these parts of merchants' own queues from now on."""
        with self._lock:
            begun: Counter[str] = Counter()
            for delivery in list(self._in_flight):
                merchant = delivery.incoming.routing_key
                if merchant in parts and not self._queue.counts(merchant):
                    begun[merchant] += 1
                    self._counted[delivery] = merchant
            self._queue.configure(parts, begun, time.monotonic())
            self._parts = parts
            wall = time.time()
            pauses = {name: part.paused_until - wall for name, part in parts.items() if part.paused_until > wall}
            rated = {name for name, part in parts.items() if part.rate is not None}
            self._bulkhead.refusals.take_fleet(pauses, rated, self._clock.now())
            self._measure()
        self.begin_next()

    def add(self, entry: Entry) -> None:
        """Let a delivery begin, now or later."""
        delivery = entry.delivery
        merchant = self.own_tags.get(delivery.message.delivery_info.get("consumer_tag", ""))
        if merchant is None and not self._waits and len(self._in_flight) < self._queue.slots:
            with self._lock:
                self._count(delivery, time.monotonic())
            entry.begin()
            return
        with self._lock:
            delivery.from_own_queue = merchant is not None
            self._queue.add(entry, merchant)
            self._measure()
        self.begin_next()

    def ended(self, delivery: Delivery) -> None:
        """Count a delivery as ended, and let the next one begin. Does not block: gevent's hub may call it."""
        merchant = self._counted.pop(delivery, None)
        if merchant is not None:
            with self._lock:
                self._queue.ended(merchant, from_own=delivery.from_own_queue)
        if not (delivery.from_own_queue or delivery.has_worked):
            with self._lock:
                self._queue.ended_without_work()
        if self._waits:
            self._soon(self.begin_next)

    def begin_next(self) -> None:
        """Begin all deliveries that can begin now."""
        while (entry := self._next()) is not None:
            try:
                entry.begin()
            except Exception:
                # Left unacked: the broker delivers it again. A pool that has been closed takes no work.
                log.exception("a message could not be begun", extra={"data": entry.delivery.log_fields("error")})
                self._in_flight.pop(entry.delivery, None)
                self.ended(entry.delivery)

    def take_back(self, merchants: list[str] | None = None) -> list[Delivery]:
        """Remove what waits of these merchants' own queues, or of those that have no part here any more."""
        with self._lock:
            taken = self._queue.take_back(merchants)
            self._measure()
        return [entry.delivery for entry in taken]

    def take_back_all(self) -> list[Delivery]:
        """Remove what waits of all own queues."""
        return self.take_back(self._queue.waiting_in_own)

    def forget_channel(self, channel: Any) -> None:
        """Forget what waits and came through this channel, which is closed: the broker delivers it again."""
        with self._lock:
            for merchant in self._queue.waiting_in_own:
                for entry in self._queue.take_back([merchant]):
                    if entry.delivery.message.channel is not channel:
                        self._queue.add(entry, merchant)
            self._measure()

    def keep(self, merchant: str) -> None:
        """Let what waits of a merchant's own queue begin as the lane's does: the queue is gone, and nobody else has
        these orders.
        """
        with self._lock:
            for entry in self._queue.take_back([merchant]):
                entry.delivery.from_own_queue = False
                self._queue.add(entry)
            self._measure()
        self.begin_next()

    def clear(self) -> None:
        """Forget whatever waits: its connection is lost, and the broker delivers it again."""
        with self._lock:
            self._queue.clear()
            self._measure()

    @property
    def has_work(self) -> bool:
        """Whether a delivery is in flight, or one of the lane's queue waits. One that is about to begin is either."""
        with self._lock:
            return bool(self._in_flight or self._queue.waiting_of_lane)

    def of_own(self, merchant: str) -> int:
        """How many deliveries of the merchant's own queue wait."""
        return self._queue.waiting_of(merchant)

    @property
    def of_all_own(self) -> int:
        """How many deliveries of own queues wait."""
        return sum(map(self._queue.waiting_of, self._queue.waiting_in_own))

    def part(self, merchant: str) -> PodPart | None:
        """The merchant's own queue with this pod's part of it, None without one."""
        return self._parts.get(merchant)

    def paused_for_long(self) -> frozenset[str]:
        """The merchants with an own queue whose orders are not to wait here: they asked for a long time."""
        refusals, now = self._bulkhead.refusals, self._clock.now()
        if not refusals:
            return frozenset()
        bound = (name for name, part in self._parts.items() if part.bound)
        return frozenset(name for name in bound if refusals.paused_in_fleet(name, now) > LONGEST_PAUSE)

    def _measure(self) -> None:
        self.in_use = bool(self._parts) or self._waits
        if not self.in_use:
            self._counted.clear()

    @property
    def _waits(self) -> bool:
        return bool(self._queue.waiting_of_lane or self._queue.waiting_in_own)

    def _next(self) -> Entry | None:
        now = time.monotonic()
        with self._lock:
            entry = self._queue.next(len(self._in_flight), now, self._admit)
            if entry is not None:
                self._count(entry.delivery, now)
            self._measure()
            due = self._queue.due(now)
        if entry is None and due is not None and due != self._due:
            self._due = due
            self._start_timer()
            self._timer.set()
        return entry

    def _count(self, delivery: Delivery, now: float) -> None:
        # Before it is begun: the next one that asks for a slot must see that this one is taken.
        self._in_flight[delivery] = []
        merchant = delivery.incoming.routing_key
        if self._queue.counts(merchant):
            self._counted[delivery] = merchant
            if not delivery.from_own_queue:
                led_on = returns(delivery.incoming) < MOST_RETURNS
                delivery.beyond_part = not self._queue.begins_from_lane(merchant, now, led_on=led_on)

    def _admit(self, entry: Entry) -> float:
        merchant, now = entry.delivery.incoming.routing_key, self._clock.now()
        part = self._parts.get(merchant)
        wait = self._bulkhead.wait_in_own_queue(merchant, now, own_task=entry.own_task)
        entry.delivery.admitted = wait <= 0
        if wait <= LONGEST_WAIT:
            return wait
        # Led back to this queue by the ladder, it would only go round.
        waits_here = part is not None and part.bound and not self._bulkhead.refusals.refuses_credentials(merchant)
        return wait if waits_here else 0.0

    def _start_timer(self) -> None:
        if not self._timer_started:
            self._timer_started = True
            start_daemon(self._run_timer, "tokens")

    def _run_timer(self) -> None:
        while True:
            due = self._due
            self._timer.wait(None if due is None else max(0.0, due - time.monotonic()))
            self._timer.clear()
            if self._due is not None and self._due <= time.monotonic():
                self._due = None
                self.begin_next()
