"""The environment of one fault: a virtual host, mounted files, merchants, pods, a producer, and what is observed."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.faults.environment import pods, route_queues
from benchmarks.faults.environment.fleet import RENEWED, Fleet, Slot
from benchmarks.faults.environment.log_tail import LogTail
from benchmarks.faults.environment.needs import Needs
from benchmarks.faults.environment.order_stream import OrderStream
from benchmarks.faults.environment.scale import Scale
from merchantroute_kit.accounting.observed_orders import ObservedOrders
from merchantroute_kit.servers.merchant_sim import MerchantSim
from merchantroute_kit.servers.rabbitmq import RabbitMQ
from merchantroute_kit.servers.rabbitmq_cluster import RabbitMQCluster
from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_kit.waiting import TimedOut, until_async
from merchantroute_kit.wire import dead_letters
from merchantroute_kit.wire.broker import Broker, connect
from merchantroute_kit.wire.producer import Producer
from merchantroute_kit.worker import mounted_files, topology

DELAYS = (200, 1000)
STEPS = tuple(step["name"] for step in mounted_files.STEPS)
LIMITS: dict[str, Any] = {"callTimeoutMs": 10_000, "deadlineMs": 20_000, "delaysMs": list(DELAYS), "maxAttempts": 1000}
GRACE = 60.0  # seconds; a worker's own is its deadline and ten more
MEMORY = 160  # MB that a pod with a memory limit has
_CONFIRM = 150.0  # seconds; longer than any fault keeps the broker from confirming
_IDLE = 180.0  # seconds without an end, after which nothing more is waited for
_FLAKY = 0.05
_LATE = {"p50_ms": 1500, "p99_ms": 1800}  # of a step; later than a fifth of the time-out a merchant would be slow


class Environment:
    """What a fault's strike is given. `complaints` are its findings: what must not be, in words."""

    def __init__(
        self,
        root: Path,
        vhost: Vhost,
        merchants: MerchantSim,
        broker: RabbitMQ | None,
        scale: Scale,
        cluster: RabbitMQCluster | None = None,
    ) -> None:
        self.root, self.vhost, self.merchants, self.scale = root, vhost, merchants, scale
        self._broker, self._cluster = broker, cluster
        self.run = uuid.uuid4().hex[:8]
        self.observed = ObservedOrders(STEPS)
        self.logs = LogTail(self.observed.complete)
        self.fleet, self.suspects = Fleet(scale.backoff, on_death=self._pod_died), Fleet(scale.backoff, RENEWED)
        self.ids = [f"m{number}-{self.run}" for number in range(scale.merchants)]
        self.expected_dead: set[str] = set()
        self.complaints: list[str] = []
        self.generation = 0
        self._died_at: float | None = None
        self._endpoints: Mapping[str, str] = {}
        self._stack = AsyncExitStack()
        self.stream: OrderStream
        self.producer: Producer

    @property
    def broker(self) -> RabbitMQ:
        """The broker of the run's own."""
        assert self._broker is not None, "the fault did not ask for a broker of its own"  # noqa: S101
        return self._broker

    @property
    def flaky(self) -> str:
        """The merchant that fails a call now and then, so that there are always orders on the ladder too."""
        return self.ids[0]

    @property
    def cluster(self) -> RabbitMQCluster:
        """The three nodes of the run's own."""
        assert self._cluster is not None, "the fault did not ask for three nodes"  # noqa: S101
        return self._cluster

    async def set_up(self, needs: Needs) -> None:
        """Declare, configure, start pods; ready to publish afterwards."""
        await asyncio.to_thread(self._prepare)
        for number in range(self.scale.pods):
            self.fleet.add(f"pod{number}", lambda name: self._pod(name, needs))
        if needs.comes_back:
            self.suspects.add("suspect", lambda name: pods.suspect_pod(self.root, name, hostile=needs.hostile))
        where = self._address()
        self.producer = await self._stack.enter_async_context(Producer(where, topology.FRONT, confirm=_CONFIRM))
        self.stream = OrderStream(self.producer, self.observed, self.scale, run=self.run, merchants=self.ids)
        watching = await connect(where)
        self._stack.push_async_callback(watching.close)
        await dead_letters.watch(watching, topology.DEAD, self.run, self.observed.die)
        await self.fleet.ready()

    def configure(self, endpoints: Mapping[str, str] | None = None) -> int:
        """Mount the next generation; `endpoints` replace merchants' own. Gives its number."""
        self.generation += 1
        self._endpoints = endpoints or {}
        known = {one: {"endpoint": self._endpoints.get(one, self.merchants.endpoint(one))} for one in self.ids}
        mounted_files.write_config(
            self.root,
            generation=self.generation,
            concurrency=self.scale.concurrency,
            merchants=known,
            limits=LIMITS,
            died_at=self._died_at,
        )
        return self.generation

    async def after(self, share: float) -> None:
        """Wait until this share of the orders has ended."""
        number = round(share * self.scale.orders)
        await until_async(lambda: self.observed.ended >= number, f"{number} orders to end", 600)

    async def strikes(self) -> AsyncIterator[int]:
        """The moments at which a fault hits, evenly spread over the orders, counted from 0."""
        for number in range(self.scale.strikes):
            await self.after((number + 1) / (self.scale.strikes + 2))
            yield number

    async def victims(self) -> AsyncIterator[Slot]:
        """The same, with a pod for each, in turn; one that runs."""
        async for number in self.strikes():
            slot = self.fleet.slots[number % len(self.fleet.slots)]
            await until_async(lambda slot=slot: slot.pod.process.poll() is None, f"{slot.name} to run", GRACE)  # type: ignore[misc] # fmt: skip
            yield slot

    @asynccontextmanager
    async def long_orders(self) -> AsyncIterator[None]:
        """Have merchants answer so late, for the time of the block, that orders outlast a connection or two; entered
        once pods hold some.
        """
        await asyncio.to_thread(self._behave, _LATE)
        try:
            await until_async(lambda: route_queues.unacked(self.vhost), "pods to hold orders", GRACE, in_thread=True)
            yield
        finally:
            await asyncio.to_thread(self._behave, {"p50_ms": self.scale.p50_ms, "p99_ms": self.scale.p99_ms})

    def logged(self, text: str) -> bool:
        """Whether a pod of the lane has logged this."""
        return any(text.encode() in pod.log.read_bytes() for pod in self.fleet.pods)

    async def comes_to_log(self, text: str, within: float) -> bool:
        """Whether a pod of the lane logs this within so many seconds."""
        try:
            await until_async(lambda: self.logged(text), f"a pod to log {text!r}", within)
        except TimedOut:
            return False
        return True

    async def follow_logs(self) -> None:
        """Listen to the pods, for as long as the fault runs."""
        while True:
            self.logs.look(self._logs())
            await asyncio.sleep(0.1)

    async def settled(self) -> None:
        """Wait until every order has ended, no queue holds a message, and every pod consumes."""
        loop = asyncio.get_running_loop()
        before, since = -1, loop.time()
        while len(self.observed.open()) or await asyncio.to_thread(route_queues.ready, self.vhost, DELAYS):
            if self.observed.ended != before:
                before, since = self.observed.ended, loop.time()
            if loop.time() - since > _IDLE:
                raise TimedOut(
                    f"waited {_IDLE:g} s in vain for another order to end: {len(self.observed.open())} have not"
                )
            await asyncio.sleep(0.2)
        await self.fleet.ready()

    async def end(self) -> int:
        """End the pods, so that what is unacked comes back; gives how many messages are left in the queues."""
        try:
            codes = await asyncio.gather(self.fleet.end(GRACE), self.suspects.end(GRACE))
            if any(any(each) for each in codes):
                self.complaints.append(f"pods ended with {codes} after SIGTERM")
        except TimedOut as late:
            self.complaints.append(str(late))
        self.logs.look(self._logs())
        return await asyncio.to_thread(route_queues.ready, self.vhost, DELAYS)

    async def close(self) -> None:
        """Leave nothing behind."""
        self.fleet.close()
        self.suspects.close()
        await self._stack.aclose()

    def _prepare(self) -> None:
        route_queues.declare(self.vhost, DELAYS)
        mounted_files.write_broker(self.root, self.vhost)
        self._behave({"p50_ms": self.scale.p50_ms, "p99_ms": self.scale.p99_ms})
        self.configure()

    def _behave(self, latency: Mapping[str, float]) -> None:
        for merchant in self.ids:
            error_rate = _FLAKY if merchant == self.flaky else 0.0
            self.merchants.behave(merchant, "normal", latency=dict(latency), error_rate=error_rate)

    def _pod_died(self) -> None:
        """Tell the pods, as the operator does."""
        self._died_at = time.time()
        self.configure(self._endpoints)

    def _pod(self, name: str, needs: Needs) -> Any:
        slots = self.scale.concurrency
        if needs.memory_limit:
            return pods.LimitedPod(self.root, name, concurrency=slots, megabytes=MEMORY)
        return pods.lane_pod(self.root, name, concurrency=slots, hostile=needs.hostile)

    def _logs(self) -> list[Path]:
        return [pod.log for pod in (*self.fleet.pods, *self.suspects.pods)]

    def _address(self) -> Broker:
        vhost = self.vhost
        management = f"http://127.0.0.1:{vhost.mgmt_url.rsplit(':', 1)[1]}"
        return Broker(vhost.host, vhost.port, management, vhost.username, vhost.password, vhost.name)
