"""Consumes merchants' own queues beside the lane's, on one further channel of the consumer's connection.

Each consumer has a prefetch count of its own: this pod's part of the merchant's share. It cannot be changed while it is
registered, so another part is another consumer tag (see prefetch.py); the broker counts nothing of what the old tag has
fetched. So a queue of which orders wait here is not registered anew: parts change every few seconds, and each change
would fetch so many more. A queue that the broker's node does not know yet
is looked for on another channel first: a `basic.consume` that fails closes its channel, and the broker delivers
everything again that other own queues' consumers hold. Whether the pod may read a queue only `basic.consume` tells; one
that has failed is tried again on a channel of its own.

All of it must happen in the thread that reads the connection.
"""

import logging
import time
from collections.abc import Mapping
from itertools import count
from typing import Any, NamedTuple

from amqp.exceptions import ChannelError
from kombu import messaging

from merchantroute_worker.config.identity import STABLE
from merchantroute_worker.isolation.own_queues import PodPart
from merchantroute_worker.orders.route import Route
from merchantroute_worker.rabbit.ack_flush import BUFFERED_FROM

log = logging.getLogger(__name__)
_CONSUMER: Any = messaging.Consumer  # kombu ships inline types only in part
FASTEST_RETRY, SLOWEST_RETRY = 0.2, 10.0
"""Seconds after which a queue is looked for again, at first and at most."""
AHEAD = 300.0
"""Seconds of a limited rate whose orders are fetched: what waits unacked for half an hour costs the channel."""


class _Consumed(NamedTuple):
    tag: str
    merchant: str
    prefetch: int
    channel: Any


def parts_of(route: Route, tier: str, pod: str, *, operator_away: bool) -> dict[str, PodPart]:
    """The pod's part of every own queue of the route, by merchant; none in flight where it is not named, unless the
    operator is away.
    """
    return {merchant: own.part_of(tier, pod, operator_away=operator_away) for merchant, own in route.own_queues.items()}


def prefetch_of(part: PodPart, slots: int) -> int:
    """How many orders to fetch at most with so many slots; 0 to consume nothing. AMQP's count ends at 65,535."""
    most = min(part.part, slots, 65_535)
    for rate in (part.rate, None if part.group is None else part.group.rate):
        most = most if rate is None else min(most, max(1, int(rate * AHEAD)))
    return most


class OwnQueueConsumers:
    """The consumers of own queues. `consumer` is a LeanConsumer, whose `deliveries` get the messages. `stopped` are the
    channels and queues of those that were consumed to the end, and of which the broker may buffer acks.
    """

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._deliveries = consumer.deliveries
        self._tags = count(1)
        self._channel: Any = None
        self._probe: Any = None
        self._failed: set[str] = set()
        self._consumed: dict[str, _Consumed] = {}
        self._pauses: dict[str, tuple[float, float]] = {}
        self._retry_at: float | None = None
        self._taken = (0, 0.0)  # the generation, and since when
        self._away_in = 0  # the generation since which the operator is away
        self._paused: frozenset[str] = frozenset()  # merchants that asked for so long that nothing waits here
        self.stopped: list[tuple[Any, str]] = []

    def __len__(self) -> int:
        return len(self._consumed)

    def configure(self, route: Route) -> None:
        """Take the parts of a new configuration. In the thread that reads it: they bound what begins from now on."""
        identity = self._consumer.mr_pod.identity
        if identity.alone:
            return
        if route.generation != self._taken[0]:
            self._taken = (route.generation, time.monotonic())
        self._take_parts(route)
        if route.own_queues or self._consumed:
            self._consumer.call_soon(self.apply)

    def connected(self) -> None:
        """The consumer has a new connection: consume everything again."""
        self._channel = self._probe = None
        self._forget(list(self._consumed))
        self._failed.clear()
        self._pauses.clear()
        self.apply()

    def retry(self, now: float) -> None:
        """Look again for the queues that were not there, once it is time (monotonic seconds), whether the operator has
        left this pod without a part for so long that it is away, and for merchants that ask for a long time.
        """
        self._look_for_operator(now)
        due = self._retry_at is not None and now >= self._retry_at
        if due or self._deliveries.waiting.paused_for_long() != self._paused:
            self.apply()

    def apply(self) -> None:
        """Consume what the configuration names, with this pod's part of each; nothing else."""
        self._retry_at = None
        if self._consumer.connection is None or self._consumer.mr_pod.stopping.is_set():
            return
        self._paused = self._deliveries.waiting.paused_for_long()
        wanted = self._wanted()
        for queue, consumed in list(self._consumed.items()):
            merchant, prefetch = wanted.get(queue, (consumed.merchant, 0))
            if prefetch < consumed.prefetch or (prefetch > consumed.prefetch and not self._waits(merchant)):
                self._cancel(queue, consumed)
        for queue, (merchant, prefetch) in wanted.items():
            if queue not in self._consumed and not self._waits(merchant):
                self._try_to_consume(queue, merchant, prefetch)
        self._failed.intersection_update(wanted)
        self._pauses = {queue: pause for queue, pause in self._pauses.items() if queue in wanted}
        self._deliveries.return_waiting(self._deliveries.waiting.take_back())
        self._deliveries.return_waiting(self._deliveries.waiting.take_back(list(self._paused)))

    def stop(self) -> None:
        """Consume no more, and give back what waits. What has begun goes on, and is acked on this channel."""
        self.stopped = [(one.channel, queue) for queue, one in self._consumed.items() if one.prefetch >= BUFFERED_FROM]
        try:
            for queue, consumed in list(self._consumed.items()):
                self._cancel(queue, consumed)
        finally:
            self._deliveries.return_waiting(self._deliveries.waiting.take_back_all())

    def _parts(self, route: Route) -> dict[str, PodPart]:
        identity = self._consumer.mr_pod.identity
        return parts_of(route, identity.tier, identity.pod, operator_away=self._away_in == route.generation)

    def _take_parts(self, route: Route) -> None:
        files = self._consumer.mr_pod.files
        self._deliveries.waiting.configure(self._parts(route))
        # The thread that reads the files may have taken newer ones meanwhile, and their parts must be the last.
        while files.current is not route:
            route = files.current
            self._deliveries.waiting.configure(self._parts(route))

    def _look_for_operator(self, now: float) -> None:
        pod = self._consumer.mr_pod
        generation, since = self._taken
        if self._away_in == generation or now - since < pod.identity.unnamed_after or pod.identity.lane != STABLE:
            return
        route = pod.files.current
        before = self._parts(route)
        self._away_in = generation
        if self._parts(route) != before:
            fields = {"generation": generation, "seconds": round(now - since)}
            log.warning("the operator has not named this pod: it works own queues all the same", extra={"data": fields})
            self.configure(route)

    def _waits(self, merchant: str) -> bool:
        """Whether orders of its queue wait here; then it is looked at again soon."""
        waits = self._deliveries.waiting.of_own(merchant) > 0
        if waits:
            self._retry_by(time.monotonic() + FASTEST_RETRY)
        return waits

    def _wanted(self) -> Mapping[str, tuple[str, int]]:
        pod = self._consumer.mr_pod
        if pod.identity.alone or not pod.files.generation:
            return {}
        parts = self._parts(pod.files.current)
        slots = self._deliveries.waiting.slots
        those = ((merchant, part) for merchant, part in parts.items() if merchant not in self._paused)
        wanted = ((merchant, part, prefetch_of(part, slots)) for merchant, part in those)
        return {part.queue: (merchant, prefetch) for merchant, part, prefetch in wanted if prefetch}

    def _try_to_consume(self, queue: str, merchant: str, prefetch: int) -> None:
        due, pause = self._pauses.get(queue, (0.0, FASTEST_RETRY))
        now = time.monotonic()
        if now < due:
            self._retry_by(due)
            return
        problem = self._missing(queue) or self._consume(queue, merchant, prefetch)
        if problem is None:
            self._pauses.pop(queue, None)
            return
        if queue not in self._pauses:
            fields = {"merchant": merchant, "queue": queue, "reason": str(problem)}
            log.warning("an own queue cannot be consumed yet", extra={"data": fields})
        self._pauses[queue] = (now + pause, min(2 * pause, SLOWEST_RETRY))
        self._retry_by(now + pause)

    def _retry_by(self, due: float) -> None:
        self._retry_at = due if self._retry_at is None else min(due, self._retry_at)

    def _missing(self, queue: str) -> Exception | None:
        if self._probe is None:
            self._probe = self._consumer.connection.channel()
        try:
            self._probe.queue_declare(queue, passive=True)
        except ChannelError as error:
            self._probe = None
            return error
        return None

    def _consume(self, queue: str, merchant: str, prefetch: int) -> Exception | None:
        """Consume a queue, and give what the broker says against it."""
        apart = queue in self._failed
        channel = self._consumer.connection.channel() if apart or self._channel is None else self._channel
        if not apart:
            self._channel = channel
        tag = f"own-{next(self._tags)}"
        self._deliveries.waiting.own_tags[tag] = merchant
        self._consumed[queue] = _Consumed(tag, merchant, prefetch, channel)
        try:
            channel.basic_qos(0, prefetch, False)
            channel.basic_consume(queue, consumer_tag=tag, callback=self._receiver(channel), on_cancel=self._cancelled)
        except ChannelError as error:
            self._failed.add(queue)
            self._channel_lost(channel)
            return error
        self._failed.discard(queue)
        return None

    def _cancel(self, queue: str, consumed: _Consumed) -> None:
        try:
            consumed.channel.basic_cancel(consumed.tag)
        except ChannelError as error:
            log.warning("an own queue's consumer could not be cancelled: %s", error)
            self._channel_lost(consumed.channel)
        self._forget([queue])

    def _cancelled(self, tag: str) -> None:
        """The broker has cancelled a consumer: its queue was deleted."""
        for queue, consumed in list(self._consumed.items()):
            if consumed.tag == tag:
                log.info("an own queue is gone", extra={"data": {"merchant": consumed.merchant, "queue": queue}})
                self._forget([queue])
                self._deliveries.waiting.keep(consumed.merchant)
                self._pauses[queue] = (time.monotonic() + FASTEST_RETRY, 2 * FASTEST_RETRY)
                self._retry_by(self._pauses[queue][0])

    def _receiver(self, channel: Any) -> Any:
        """The lane's consumer bound to another channel: it decodes, and acks go to where the message came from."""
        consumer = self._consumer
        receiver = _CONSUMER(
            channel,
            accept=consumer.app.conf.accept_content,
            on_decode_error=consumer.on_decode_error,
            on_message=consumer.task_consumer.on_message,
        )
        return receiver._receive_callback  # noqa: SLF001 - kombu has consumers of declared queues only

    def _channel_lost(self, channel: Any) -> None:
        """The broker has closed a channel, and delivers again what came through it."""
        lost = [queue for queue, consumed in self._consumed.items() if consumed.channel is channel]
        self._deliveries.channel_lost(channel)
        self._forget(lost)
        if channel is self._channel:
            self._channel = None
        if lost:
            self._retry_by(time.monotonic())

    def _forget(self, queues: list[str]) -> None:
        for queue in queues:
            consumed = self._consumed.pop(queue, None)
            if consumed is not None:
                self._deliveries.waiting.own_tags.pop(consumed.tag, None)
