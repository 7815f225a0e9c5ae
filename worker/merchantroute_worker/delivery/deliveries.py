"""All deliveries of a pod: starts them in Celery's pool, and ends them with their connection."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from merchantroute_worker.delivery.delivery import Delivery, Stage
from merchantroute_worker.delivery.order import OrderDelivery
from merchantroute_worker.delivery.task import Handler, TaskDelivery
from merchantroute_worker.delivery.unread import defer_unread
from merchantroute_worker.delivery.waiting import Entry, WaitingDeliveries
from merchantroute_worker.orders.task_message import Limits
from merchantroute_worker.pod import Pod
from merchantroute_worker.pools import executors
from merchantroute_worker.pools.attempt_runners import AttemptRunner, InChildProcess, InProcess
from merchantroute_worker.runtime.threads import sleep

log = logging.getLogger(__name__)
POLL_INTERVAL = 0.05


class Deliveries:
    """The deliveries in flight of one consumer. `pool` is Celery's; its warm shutdown waits for the work that runs in
    it, and for the outcomes that are still being made safe.

    What arrives after the signal to end is started too: it was on its way before the consumer was cancelled, there is a
    slot for it, and the broker would count its return as a delivery. What came from an own queue and waits is returned:
    it may wait for more than a slot.
    """

    def __init__(self, pod: Pod, pool: Any) -> None:
        self._pod = pod
        self.executor = executors.executor_for(pool)
        in_children = not (getattr(pool, "is_green", False) or hasattr(pool, "executor"))
        self._runner: AttemptRunner = InChildProcess(pool) if in_children else InProcess(pod.client)
        # The list is filled once the work was started, and it may have ended by then: so the entry is made before.
        self._in_flight: dict[Delivery, list[executors.Handle]] = {}
        self.waiting = WaitingDeliveries(self._in_flight, pool.limit, self._soon, pod.bulkhead, pod.clock)
        self._close_pool, self._stop_pool = pool.on_close, pool.on_stop
        pool.on_close, pool.on_stop = _nothing, self._stop

    def start_order(self, message: Any) -> None:
        """Start the delivery of an order of the built-in task."""
        order = OrderDelivery(self._pod, message, self._runner)
        self._start(order, self._spawn, order, order.run)

    def start_task(
        self, message: Any, handle: Handler, body: Any, callbacks: Any, limits: Limits = (None, None)
    ) -> None:
        """Start the delivery of an app's own task; `handle` is Celery's strategy for it, `limits` are the app's own."""
        task = TaskDelivery(self._pod, message, self._run_settlement, lambda: self._remove(task), limits)
        self._start(task, self._spawn_task, task, handle, body, callbacks, own_task=True)

    def defer_unknown_task(self, message: Any, explanation: str) -> None:
        """Let a message wait whose task this app does not have: another pod's may."""
        delivery = Delivery(self._pod, message)
        end = partial(defer_unread, dead_reason="unknown-task", explanation=explanation)
        self._start(delivery, self._spawn, delivery, end, delivery, "unknown-task")

    def dead_letter(self, message: Any, reason: str, explanation: str) -> None:
        """Send a message that Celery cannot turn into a task to dead letters."""
        delivery = Delivery(self._pod, message)
        self._start(delivery, self._spawn, delivery, delivery.dead_letter, reason, explanation)

    def hand_back(self, *, ending: bool = False) -> None:
        """Cancel the deliveries that still make calls; the broker delivers their messages again. `ending` means that
        the grace period is over but the connection still stands: the suspect lane's order is then republished, so that
        this delivery does not count against it.
        """
        self.waiting.clear()
        for delivery in self._cancel(list(self._in_flight), connection_lost=not ending):
            if ending and self._pod.identity.alone:
                Delivery(self._pod, delivery.message).return_to_suspect_lane()

    def channel_lost(self, channel: Any) -> None:
        """Cancel what came through this channel, which the broker has closed: it delivers all of it again."""
        self.waiting.forget_channel(channel)
        of_channel = [each for each in list(self._in_flight) if each.message.channel is channel]
        self._cancel(of_channel, connection_lost=True)

    def return_waiting(self, deliveries: list[Delivery]) -> None:
        """Give back what waited for more than a slot, so that other pods have it at once."""
        for delivery in deliveries:
            if delivery.hand_back(connection_lost=False):
                delivery.reject()

    def resize(self, slots: int) -> bool:
        """Change the number of slots; False where that needs new pods."""
        resized = self.executor.resize(slots)
        if resized:
            self.waiting.resize(slots)
        return resized

    def abandon(self) -> None:
        """Cancel all deliveries, including those that hold an outcome they cannot make safe."""
        for delivery in list(self._in_flight):
            delivery.stage = Stage.HANDED_BACK
        self.executor.abandon()

    def __len__(self) -> int:
        return len(self._in_flight)

    def _cancel(self, deliveries: list[Delivery], *, connection_lost: bool) -> list[Delivery]:
        calling = [each for each in deliveries if each.hand_back(connection_lost=connection_lost)]
        if calling:
            log.warning("%s orders in flight are handed back to the broker", len(calling))
        for delivery in calling:
            for handle in self._in_flight.get(delivery, ()):
                handle.cancel()
        return calling

    def _start(self, delivery: Delivery, begin: Any, *arguments: Any, own_task: bool = False) -> None:
        waiting = self.waiting
        if waiting.in_use or len(self._in_flight) >= waiting.slots:
            waiting.add(Entry(delivery, partial(begin, *arguments), own_task))
        else:
            begin(*arguments)

    def _soon(self, work: Callable[[], None]) -> None:
        self.executor.soon(work)

    def _spawn_task(self, task: TaskDelivery, handle: Handler, body: Any, callbacks: Any) -> None:
        handles = self._in_flight[task] = []
        handles.append(self.executor.spawn_outside(task.run, handle, body, callbacks))

    def _spawn(self, delivery: Delivery, work: Any, *arguments: Any) -> None:
        handles = self._in_flight[delivery] = []
        handles.append(self.executor.spawn(work, *arguments, on_end=partial(self._remove, delivery)))

    def _remove(self, delivery: Delivery) -> None:
        self._in_flight.pop(delivery, None)
        if self.waiting.in_use:
            self.waiting.ended(delivery)

    def _run_settlement(self, work: Any, *arguments: Any) -> None:
        """Run a settlement where it may wait for the broker. With prefork, Celery calls back from one thread that
        serves all children; with gevent, inside the task's time limit.
        """
        if self.executor.settles_in_place:
            work(*arguments)
        else:
            self.executor.spawn_outside(work, *arguments)

    def _stop(self) -> None:
        # First the work, then the pool. Celery closes a pool as soon as it begins to end, before the consumer; billiard
        # then takes no attempt more, and says nothing.
        while (self.waiting.has_work or len(self._pod.acks)) and not self._pod.grace_is_over:
            sleep(POLL_INTERVAL)
        self._close_pool()
        self._stop_pool()
        self.executor.close()


def _nothing() -> None:
    pass
