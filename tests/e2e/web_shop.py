"""A web shop with its books: it publishes while the test does other things, and reckons at the end.

The producer, the listeners and the ledger are the kit's; here they run in a thread with an event loop of their own, so
that orders flow while a test waits for kubectl.
"""

import asyncio
import time
import uuid
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import replace
from itertools import count, cycle
from random import Random
from threading import Thread
from typing import Any, TypeVar

from merchantroute_demo.route import parse
from merchantroute_kit.accounting.ledger import Ledger, reckon
from merchantroute_kit.accounting.observed_orders import ObservedOrders, Published
from merchantroute_kit.waiting import until
from merchantroute_kit.wire import completions, dead_letters
from merchantroute_kit.wire.broker import Broker, connect
from merchantroute_kit.wire.producer import Producer
from merchantroute_kit.wire.sim_admin import SimAdmin
from merchantroute_samples.malformed import spoil
from merchantroute_samples.menus import MERCHANTS
from merchantroute_samples.orders import make_order
from tests.e2e.routes import COMPLETIONS
from tests.e2e.tenant import Tenant

T = TypeVar("T")
ONE_CALL = 120.0  # seconds


class WebShop:
    """Publishes through one route's front door, and hears what becomes of its orders."""

    def __init__(self, tenant: Tenant, route: str) -> None:
        self._tenant = tenant
        self._route = route
        self._door = f"mr.{tenant.namespace}.{route}"
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._stack = AsyncExitStack()
        self._run = uuid.uuid4().hex[:10]
        self._number = count(1)
        self._dice = Random(1)
        known = parse(tenant.route(route) or {})
        self.observed = ObservedOrders(known.steps, known.merchants)

    def open(self) -> None:
        """Listen first, so that nothing is missed."""
        self._thread.start()
        self._do(self._open())

    async def _open(self) -> None:
        vhost = self._tenant.vhost
        broker = Broker(vhost.host, vhost.port, vhost.mgmt_url, vhost.username, vhost.password, vhost.name)
        # A connection each: a queue that is deleted under its consumer may cost the connection. What is declared here
        # goes with the virtual host.
        heard, seen = [await self._stack.enter_async_context(await connect(broker)) for _ in range(2)]
        await completions.listen(heard, COMPLETIONS, self._run, self.observed.complete)
        self._seen = seen
        await dead_letters.watch(seen, f"{self._door}.dead", self._run, self.observed.die)
        self._merchants = await self._stack.enter_async_context(SimAdmin(self._tenant.installation.merchants_url))
        self._producer = await self._stack.enter_async_context(Producer(broker, self._door))
        self._suspecting = await self._stack.enter_async_context(Producer(broker, f"{self._door}.suspect"))

    def look_away(self) -> None:
        """Let go of dead letters, which it holds while it looks at them: others cannot see them then."""
        self._do(self._seen.close())

    def close(self) -> None:
        """Let go of the broker."""
        self._do(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ONE_CALL)
        self._loop.close()

    def publish(self, merchant: str, number: int) -> set[str]:
        """Publish so many good orders as fast as the broker confirms them; their ids."""
        return self._do(self._burst(merchant, number))

    def publish_suspect(self, merchant: str, number: int) -> set[str]:
        """Publish so many good orders as a worker does that suspects them; their ids."""
        return self._do(self._burst(merchant, number, self._suspecting))

    def publish_malformed(self, merchant: str, number: int) -> dict[str, str]:
        """Publish orders that are wrong, each in another way: id -> the reason that its dead letter must carry."""
        return dict(self._do(self._bad(merchant, kind)) for kind in range(number))

    def publish_task(self, task: str, merchant: str, reason: str | None = None) -> str:
        """Publish a task without arguments; its id. Its dead letter must carry the reason, where there is one."""
        order = f"{self._run}-{next(self._number)}"
        message = {
            "properties": {
                "delivery_mode": 2,
                "content_type": "application/json",
                "content_encoding": "utf-8",
                "correlation_id": order,
                "headers": {"task": task, "id": order},
            },
            "routing_key": merchant,
            "payload": "[[], {}, {}]",
            "payload_encoding": "string",
        }
        answer = self._tenant.rabbit("POST", f"exchanges/{{vhost}}/{self._door}/publish", message)
        assert answer["routed"]
        self.observed.publish(Published(order, merchant, "e2e", reason, time.time_ns() // 1_000_000))
        return order

    def twice(self) -> set[str]:
        """Orders of which a merchant carried out a step more than once."""
        book = self._do(self._merchants.book(self._run))
        return {order for order, steps in book.items() if any(step.effects > 1 for step in steps.values())}

    @contextmanager
    def stream(self, merchants: Sequence[str], rate: float) -> Iterator[None]:
        """Publish evenly for the time of the block, to each merchant in turn; `rate` is orders per second."""
        enough = asyncio.Event()
        flow = asyncio.run_coroutine_threadsafe(self._flow(merchants, rate, enough), self._loop)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(enough.set)
            flow.result(ONE_CALL)

    def behave(self, merchant: str, **behaviour: Any) -> None:
        """Tell merchant-sim how a merchant behaves; by its default it answers at once."""
        self._do(self._merchants.behave(merchant, **behaviour))

    def most_at_once(self, merchant: str) -> int:
        """How many of the merchant's calls were under way together."""
        return self._do(self._merchants.most_at_once(merchant))

    def done(self) -> set[str]:
        """Orders of which a worker has said that they are done."""
        return set(self.observed.completions)

    def are_done(self, orders: set[str]) -> bool:
        """Whether a worker has said so of all of them."""
        return orders <= self.done()

    def tiers(self, orders: set[str]) -> set[str]:
        """The tiers whose pods did these orders."""
        return {self.observed.completions[order][0].tier for order in orders}

    def of(self, merchant: str) -> set[str]:
        """All orders published for a merchant."""
        return self.observed.orders(merchant=merchant)

    def settled(self, within: float = 90.0) -> Ledger:
        """Wait until every published order is done or dead; the ledger then."""
        until(lambda: not self.observed.open(), "every order is done or dead", within, self._where)
        return self.ledger()

    def ledger(self, queued: int = 0) -> Ledger:
        """The books now; `queued` is what the route's queues hold."""
        book = self._do(self._merchants.book(self._run))
        return reckon(self.observed.evidence(book, queued, self._producer.repeated | self._suspecting.repeated))

    def _where(self) -> str:
        return f"{len(self.observed.open())} of {len(self.observed.published)} open; {self._tenant.queues(self._route)}"

    async def _burst(self, merchant: str, number: int, through: Producer | None = None) -> set[str]:
        return set(await asyncio.gather(*(self._one(merchant, through) for _ in range(number))))

    async def _flow(self, merchants: Sequence[str], rate: float, enough: asyncio.Event) -> None:
        begun = self._loop.time()
        async with asyncio.TaskGroup() as group:  # which ends when the last order is confirmed
            for number, merchant in zip(count(), cycle(merchants), strict=False):
                with suppress(TimeoutError):
                    await asyncio.wait_for(enough.wait(), max(0.0, begun + number / rate - self._loop.time()))
                if enough.is_set():
                    return
                group.create_task(self._one(merchant))

    async def _one(self, merchant: str, through: Producer | None = None) -> str:
        order = f"{self._run}-{next(self._number)}"
        body = {"id": order, **make_order(replace(MERCHANTS[0], id=merchant), self._dice)}
        await self._send(body, order, merchant, None, through)
        return order

    async def _bad(self, merchant: str, kind: int) -> tuple[str, str]:
        order = f"{self._run}-{next(self._number)}"
        body, reason = spoil(make_order(replace(MERCHANTS[0], id=merchant), self._dice), kind)
        await self._send({"id": order, **body} if isinstance(body, dict) else body, order, merchant, reason)
        return order, reason

    async def _send(
        self, body: Any, order: str, merchant: str, malformed: str | None, through: Producer | None = None
    ) -> None:
        at = await (through or self._producer).publish(body, order_id=order, merchant=merchant)
        self.observed.publish(Published(order, merchant, "e2e", malformed, at))

    def _do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(ONE_CALL)


@contextmanager
def opened(tenant: Tenant, route: str) -> Iterator[WebShop]:
    """A shop at a route that is Ready."""
    web_shop = WebShop(tenant, route)
    web_shop.open()
    try:
        yield web_shop
    finally:
        web_shop.close()
