"""The Prometheus metrics of a pod. None has a merchant label: 50,000 merchants would be 50,000 series."""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from merchantroute_worker.bulkhead.views import Totals
from merchantroute_worker.config.identity import Identity
from merchantroute_worker.telemetry.collectors import LabelledCounter, LabelledHistogram

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """The pod's metrics, in a registry of their own."""

    def __init__(self, identity: Identity) -> None:
        registry = self._registry = CollectorRegistry()
        self._tier, self._lane = identity.tier, identity.lane
        self._orders = LabelledCounter(
            "merchantroute_orders",
            "Orders by what became of them here: done, retried, refused, deferred, dead.",
            ["tier", "lane", "outcome"],
        )
        self._order_seconds = LabelledHistogram(
            "merchantroute_order_seconds", "Seconds from publishing to done.", ["tier", "lane"], BUCKETS
        )
        answers = "by the class of their answer: 2xx, 4xx, 429, 5xx, timeout, refused, reset, tls, dns."
        self._calls = LabelledHistogram(
            "merchantroute_call_seconds",
            "Seconds of one call to a merchant.",
            ["tier", "step"],
            BUCKETS,
            counter=("merchantroute_calls", f"Calls to merchants, {answers}", "answer"),
        )
        for each in (self._orders, self._order_seconds, self._calls):
            registry.register(each)
        self._without_correlation_id = Counter(
            "merchantroute_orders_without_correlation_id",
            "Orders whose producer set no correlation_id; their task id serves as the order's.",
            ["tier"],
            registry=registry,
        )
        self._slots = Gauge("merchantroute_slots", "Slots by state: busy, free.", ["state"], registry=registry)
        self._merchants = Gauge(
            "merchantroute_merchants",
            "Merchants that this pod remembers by state: slow, at_cap, paused, credentials_refused, known.",
            ["state"],
            registry=registry,
        )
        self._ladder = Counter(
            "merchantroute_ladder", "Orders sent to the ladder, by why.", ["reason"], registry=registry
        )
        self._dead = Counter(
            "merchantroute_dead", "Orders sent to dead letters, by reason.", ["reason"], registry=registry
        )
        self._refused = Counter(
            "merchantroute_refused",
            "Orders that got no slot, by where they went: a rung, or the router for their merchant's own queue.",
            ["destination"],
            registry=registry,
        )
        self._own_queues = Gauge(
            "merchantroute_own_queues", "Merchants' own queues that this pod consumes.", registry=registry
        )
        self._own_orders_waiting = Gauge(
            "merchantroute_own_orders_waiting",
            "Orders of own queues that this pod has and that have not begun.",
            registry=registry,
        )
        self._blocked = Counter(
            "merchantroute_hub_blocked", "How often code blocked the hub, and with it the whole pod.", registry=registry
        )
        self._longest_blocked = Gauge(
            "merchantroute_hub_blocked_longest_seconds",
            "The longest time that code blocked the hub since the pod started.",
            registry=registry,
        )

    def done(self, seconds: float) -> None:
        """Count an order as done, `seconds` after it was published."""
        self._orders.inc(self._tier, self._lane, "done")
        self._order_seconds.observe(seconds, self._tier, self._lane)

    def ladder(self, outcome: str, reason: str) -> None:
        """Count an order sent to the ladder: retried after a failed attempt, refused by the bulkhead, or deferred for
        another reason.
        """
        self._orders.inc(self._tier, self._lane, outcome)
        self._ladder.labels(reason).inc()

    def refused(self, destination: str) -> None:
        """Count an order that got no slot, by where it went: `rung` or `router`."""
        self._refused.labels(destination).inc()

    def dead(self, reason: str) -> None:
        """Count an order sent to dead letters."""
        self._orders.inc(self._tier, self._lane, "dead")
        self._dead.labels(reason).inc()

    def call(self, step: str, answer: str, seconds: float) -> None:
        """Count a call and its duration, by the class of its answer."""
        self._calls.observe(seconds, self._tier, step, answer)

    def hub_was_blocked(self, longest: float) -> None:
        """Count a block of gevent's hub; `longest` is the longest so far, in seconds."""
        self._blocked.inc()
        self._longest_blocked.set(longest)

    def without_correlation_id(self) -> None:
        """Count an order that came without a correlation_id."""
        self._without_correlation_id.labels(self._tier).inc()

    def render(self, *, slots: int, busy: int, merchants: Totals, own_queues: int = 0, own_waiting: int = 0) -> bytes:
        """The exposition text for /metrics."""
        self._own_queues.set(own_queues)
        self._own_orders_waiting.set(own_waiting)
        for state, count in vars(merchants).items():
            self._merchants.labels(state).set(count)
        self._slots.labels("busy").set(busy)
        self._slots.labels("free").set(max(0, slots - busy))
        return generate_latest(self._registry)
