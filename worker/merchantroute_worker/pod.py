"""The state of one worker process, created once and shared by everything that runs in it."""

import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, tzinfo
from typing import Protocol

from merchantroute_worker.bulkhead.bulkhead import Bulkhead
from merchantroute_worker.bulkhead.rule import Limits
from merchantroute_worker.calls.http_client import Client
from merchantroute_worker.config.files import ConfigurationFiles
from merchantroute_worker.config.identity import Identity, from_environment
from merchantroute_worker.isolation.own_queues import PodPart
from merchantroute_worker.orders import suspicion
from merchantroute_worker.orders.envelope import DeliveryKey
from merchantroute_worker.orders.route import Route
from merchantroute_worker.outcomes.ack_batch import Acks, BatchedAcks, ImmediateAcks
from merchantroute_worker.outcomes.completions import Completions
from merchantroute_worker.rabbit.address import BrokerAddress
from merchantroute_worker.rabbit.publisher import PULSES, Publisher
from merchantroute_worker.runtime.bounded_set import BoundedSet
from merchantroute_worker.runtime.clock import EVERY, StallAwareClock
from merchantroute_worker.runtime.threads import sleep, start_daemon, until_beat
from merchantroute_worker.telemetry import tracing_setup
from merchantroute_worker.telemetry.counters import BlockedHub, Counters
from merchantroute_worker.telemetry.forbidden_merchants import ForbiddenMerchants
from merchantroute_worker.telemetry.logs import LineBuffer
from merchantroute_worker.telemetry.metrics import Metrics
from merchantroute_worker.telemetry.outcome_counter import OutcomeCounter
from merchantroute_worker.telemetry.readiness import Readiness
from merchantroute_worker.telemetry.task_events import NoTaskEvents, TaskEvents

log = logging.getLogger(__name__)
HOUSEKEEPING_INTERVAL = 15.0


class OwnOrders(Protocol):
    """What waits here of merchants' own queues, for pulses, `/merchants` and metrics."""

    own_tags: dict[str, str]
    """The merchants whose own queues are consumed, by consumer tag."""

    def part(self, merchant: str) -> PodPart | None:
        """The merchant's own queue with this pod's part of it, None without one."""

    def of_own(self, merchant: str) -> int:
        """How many orders of the merchant's own queue wait."""

    @property
    def of_all_own(self) -> int:
        """How many orders of own queues wait."""


class Pod:
    """One worker process. `stopping` is set when it is to end; from then on it consumes nothing more. `grace_is_over`
    means that shutdown waits for nothing more. `hub_timers` keeps the hub monitor's timer alive; `timezone` is the
    app's, for times of its tasks that name none. `own_orders` is None until there is a consumer.

    `slots` fixes the number of slots; None leaves it to the tier's configuration, also while the pod runs.
    """

    def __init__(self, identity: Identity, slots: int | None, client: Client, acks: Acks) -> None:
        self.identity = identity
        self.fixed_slots = 1 if identity.alone else slots
        self.started = time.time()
        self.timezone: tzinfo = UTC
        self.stopping = threading.Event()
        self.grace_is_over = False
        self.reporting_started = False
        self.readiness = Readiness()
        self.clock = StallAwareClock()
        self.counters = Counters()
        self.blocked_hub = BlockedHub()
        self.hub_timers: list[object] = []
        self.metrics = Metrics(identity)
        self.outcome_counter = OutcomeCounter(self.counters, self.metrics)
        self.files = ConfigurationFiles(identity.config_dir, identity.credentials_dir)
        self.publisher = Publisher(self._broker_address, identity.confirm_timeout)
        self.pulse_publisher = Publisher(self._broker_address, identity.confirm_timeout, kinds=(PULSES,))
        self.acks = acks
        self.completions = Completions(identity.completions, self.publisher, acks)
        self.client = client
        self.events: TaskEvents = NoTaskEvents()
        self.tracer = tracing_setup.from_environment(os.environ, identity)
        self.bulkhead = Bulkhead(Limits(slots=self.concurrency, ceiling=self.concurrency, call_timeout=60.0))
        self.forbidden_merchants = ForbiddenMerchants()
        self.own_orders: OwnOrders | None = None
        self.settling: set[DeliveryKey] = set()
        self._settled: BoundedSet[DeliveryKey] = BoundedSet()
        self.survived_orders: BoundedSet[DeliveryKey] = BoundedSet()
        self._held_outcomes: set[object] = set()
        self._slots_listeners: list[Callable[[int], None]] = []
        self.files.on_change(self._apply_limits)

    def start(self) -> None:
        """Start the daemons: configuration, publishers, housekeeping and clock."""
        self.files.poll()
        start_daemon(self.files.poll_forever, "configuration")
        start_daemon(self.publisher.run, "publisher")
        start_daemon(self.pulse_publisher.run, "pulse publisher")
        start_daemon(self._run_housekeeping, "housekeeping")
        start_daemon(self._run_clock, "clock")

    @property
    def concurrency(self) -> int:
        """The number of slots: orders processed at a time."""
        if self.fixed_slots is not None:
            return self.fixed_slots
        tier = self.files.current.tiers.get(self.identity.tier) if self.files.generation else None
        return tier.concurrency if tier else 1

    @property
    def tier_is_configured(self) -> bool:
        """Whether the configuration has our tier."""
        return self.identity.alone or self.identity.tier in self.files.current.tiers

    @property
    def queue(self) -> str:
        """The lane's queue, as the configuration names it."""
        if self.identity.alone or self.identity.lane != "stable" or not self.files.generation:
            return self.identity.queue
        tier = self.files.current.tiers.get(self.identity.tier)
        return tier.queue if tier else self.identity.queue

    @property
    def ladder(self) -> str:
        """The headers exchange of the tier's ladder, named after the tier if the route has already dropped it. The
        suspect lane has no ladder of its own: its retries wait on the default tier's.
        """
        route = self.files.current
        tier = route.tiers.get(route.default_tier if self.identity.alone else self.identity.tier)
        return tier.retry if tier else self.identity.ladder

    @property
    def grace(self) -> float:
        """The grace period at shutdown in seconds: one whole attempt and its outcome."""
        if self.identity.grace is not None:
            return self.identity.grace
        return (self.files.current.deadline if self.files.generation else 0.0) + 10.0

    def on_slots_change(self, listener: Callable[[int], None]) -> None:
        """Call the listener with each new number of slots, in the thread that reads the configuration."""
        self._slots_listeners.append(listener)

    def hub_was_blocked(self, seconds: float, now: float) -> None:
        """Count a block of gevent's hub of so many seconds, which ends now (monotonic)."""
        self.blocked_hub.record(seconds, now)
        self.metrics.hub_was_blocked(self.blocked_hub.longest)

    def remember_settled(self, key: DeliveryKey) -> None:
        """Remember that this stay of an order has an outcome, in case its ack is lost."""
        self._settled.add(key)

    def is_settled(self, key: DeliveryKey) -> bool:
        """Whether this pod has already settled this stay of the order."""
        return key in self._settled

    @property
    def may_begin(self) -> bool:
        """Whether a message may be started. While nothing can be published, outcomes that are only acked are still
        possible, and taking orders off its queues is how a broker without memory or disk recovers. But once outcomes
        that have to be published hold half of the slots, whatever is started might only be held as well.
        """
        return self.publisher.open or 2 * len(self._held_outcomes) < max(2, self.concurrency)

    def holds_outcome(self, delivery: object) -> "_HoldsOutcome":
        """Count this delivery among those whose outcome is being published, for the time of a `with` block."""
        return _HoldsOutcome(self._held_outcomes, delivery)

    def died_lately(self) -> bool:
        """Whether the configuration tells of a pod of this tier that died within the last minutes."""
        died_at = self.files.current.deaths.get(self.identity.tier)
        return died_at is not None and suspicion.died_lately(died_at, time.time())

    def _broker_address(self) -> BrokerAddress:
        return BrokerAddress.from_files(self.identity.broker_dir)

    def _apply_limits(self, route: Route) -> None:
        before, slots = self.bulkhead.limits.slots, self.concurrency
        tier = route.tiers.get(self.identity.tier)
        self.bulkhead.limits = Limits(
            slots=slots,
            ceiling=tier.max_in_flight if tier else slots,
            call_timeout=route.call_timeout,
        )
        self.bulkhead.refusals.credentials_changed(route.credentials.get)
        if self.forbidden_merchants.met:
            self.forbidden_merchants.changed(route.endpoint_of, route.egress)
        if slots != before:
            for listener in self._slots_listeners:
                listener(slots)

    def _run_housekeeping(self) -> None:
        while True:
            sleep(HOUSEKEEPING_INTERVAL)
            self.client.reap()
            self.bulkhead.forget(self.clock.now())

    def _run_clock(self) -> None:
        while True:
            self.clock.tick()
            sleep(until_beat(EVERY))


class _HoldsOutcome:
    """A `with` block in which an outcome is held; not by `contextmanager`, whose generator costs each order more."""

    __slots__ = ("_delivery", "_held")

    def __init__(self, held: set[object], delivery: object) -> None:
        self._held, self._delivery = held, delivery

    def __enter__(self) -> None:
        self._held.add(self._delivery)

    def __exit__(self, *_error: object) -> None:
        self._held.discard(self._delivery)


_pod: Pod | None = None


def start(slots: int | None, *, green: bool, client: Client | None = None, identity: Identity | None = None) -> Pod:
    """Create the process's pod, or return the existing one. `green` means that orders run in greenlets of one hub."""
    global _pod  # noqa: PLW0603 - Celery creates strategies and consumers by name, so this must be found by name
    if _pod is None:
        from merchantroute_worker.calls.http_client import HttpClient

        acks = BatchedAcks(LineBuffer()) if green else ImmediateAcks()
        client = client or HttpClient(slots or MAX_CONNECTIONS)
        _pod = Pod(identity or from_environment(os.environ), slots, client, acks)
        _pod.start()
    return _pod


MAX_CONNECTIONS = 1000
"""Keep-alive connections to one origin where the number of slots may change."""
