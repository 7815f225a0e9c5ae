"""Everything one worker process has, put together once and shared by its greenlets."""

import logging
import os
import time
from collections import OrderedDict

import gevent
from gevent.event import Event

from merchantroute_worker import broker, identity
from merchantroute_worker.bulkhead import Limits
from merchantroute_worker.completions import Completions
from merchantroute_worker.configuration import ConfigurationFiles
from merchantroute_worker.http_client import HttpClient
from merchantroute_worker.identity import Identity
from merchantroute_worker.merchants import Merchants
from merchantroute_worker.metrics import Metrics
from merchantroute_worker.publisher import Publisher
from merchantroute_worker.route import Configuration
from merchantroute_worker.status import Status
from merchantroute_worker.tally import Tally

log = logging.getLogger(__name__)
REMEMBERED = 20_000
HOUSEKEEPING = 15.0


class Pod:
    """The process. `stopping` is set once it is to end; nothing is taken from then on."""

    def __init__(self, who: Identity, concurrency: int) -> None:
        self.identity = who
        self.concurrency = concurrency
        self.started = time.time()
        self.stopping = Event()
        self.status = Status()
        self.tally = Tally()
        self.metrics = Metrics(who)
        self.files = ConfigurationFiles(who.config_dir, who.credentials_dir)
        self.publisher = Publisher(lambda: broker.read(who.broker_dir), who.confirm_timeout)
        self.completions = Completions(who.completions, self.publisher)
        self.client = HttpClient(concurrency)
        self.merchants = Merchants(Limits(slots=concurrency, ceiling=concurrency, call_timeout=60.0))
        self.settling: set[tuple[str, int, int]] = set()
        self._settled: OrderedDict[tuple[str, int, int], None] = OrderedDict()
        self.files.on_change(self._limit)

    def start(self) -> None:
        """Start the greenlets that live as long as the process."""
        self.files.poll()
        for life in (self.files.poll_forever, self.publisher.run, self._keep_house):
            gevent.spawn(life)

    @property
    def queue(self) -> str:
        """The lane's queue, as the configuration names it."""
        tier = self.files.current.tiers.get(self.identity.tier) if self.files.generation else None
        return tier.queue if tier and self.identity.lane == "stable" else self.identity.queue

    @property
    def ladder(self) -> str:
        """The headers exchange of the tier's ladder, by its name where the route has dropped the tier already."""
        tier = self.files.current.tiers.get(self.identity.tier)
        return tier.retry if tier else self.identity.ladder

    @property
    def grace(self) -> float:
        """Seconds that orders in flight get at shutdown: one whole attempt and its outcome."""
        if self.identity.grace is not None:
            return self.identity.grace
        return (self.files.current.deadline if self.files.generation else 0.0) + 10.0

    def settle(self, hop: tuple[str, int, int]) -> None:
        """Remember that this stay of an order has an outcome, for the case that its ack gets lost."""
        self._settled[hop] = None
        if len(self._settled) > REMEMBERED:
            self._settled.popitem(last=False)

    def is_settled(self, hop: tuple[str, int, int]) -> bool:
        """Whether this pod gave this very stay of the order an outcome already."""
        return hop in self._settled

    def _limit(self, route: Configuration) -> None:
        tier = route.tiers.get(self.identity.tier)
        ceiling = tier.max_in_flight if tier else self.concurrency
        self.merchants.limits = Limits(
            slots=self.concurrency,
            ceiling=ceiling,
            call_timeout=route.call_timeout,
        )

    def _keep_house(self) -> None:
        while True:
            gevent.sleep(HOUSEKEEPING)
            self.client.reap()
            self.merchants.forget(time.monotonic())


_pod: Pod | None = None


def start(concurrency: int, who: Identity | None = None) -> Pod:
    """Make the process's pod, or hand out the one there is."""
    global _pod  # noqa: PLW0603 - Celery creates strategies and consumers by name, so they must find it by name
    if _pod is None:
        _pod = Pod(who or identity.from_environment(os.environ), concurrency)
        _pod.start()
    return _pod
