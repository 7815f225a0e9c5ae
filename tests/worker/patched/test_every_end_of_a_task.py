"""Whatever ends an app's task: its message is settled once, and its slot, its merchant's seat and its credit are free.

The pool, the strategy, the tracer and the request are Celery's own, so it needs a process patched as production is.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from celery import Celery
from celery.app.trace import build_tracer, setup_worker_optimizations
from celery.concurrency.gevent import TaskPool
from celery.exceptions import Ignore, Reject, Retry
from gevent import GreenletExit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from merchantroute_worker.celery.strategy import app_strategy, make_safe
from merchantroute_worker.delivery.deliveries import Deliveries
from merchantroute_worker.orders.route import Route
from tests.unit.worker.delivery.test_settlement import Fixture
from tests.unit.worker.samples import route

LIMIT = 0.05
AMPLE = 10.0
"""Time limits in seconds: of a task that hangs, and of one that is not to meet it, however busy the machine is."""
ANY_MERCHANT = route(defaultEndpoint="https://pos.example/{merchant}")
LISTED_ONLY = route()
"""Its tasks have no deadline here: that holds for listed merchants."""
DONE, DEAD, LADDER, SUSPECT = "done", "dead", "ladder", "suspect"


class OwnBaseException(BaseException):
    """An app may have one."""


class Unprintable(Exception):
    def __repr__(self) -> str:
        raise ValueError("no repr either")

    __str__ = __repr__


def raises(error: BaseException) -> Callable[[], None]:
    def end() -> None:
        raise error

    return end


def killed() -> None:
    gevent.kill(gevent.getcurrent())
    gevent.sleep(0)


def yields_then_raises() -> None:
    gevent.sleep(0.001)
    raise SystemExit(1)


ENDS: dict[str, tuple[Callable[[], Any], str]] = {
    "returns": (lambda: 1, DONE),
    "returns after a while": (lambda: gevent.sleep(0.001), DONE),
    "returns what nobody can write": (object, DONE),
    "Ignore": (raises(Ignore()), DONE),
    "raises": (raises(ValueError("no")), DEAD),
    "raises what has no text": (raises(Unprintable()), DEAD),
    "Reject": (raises(Reject("no")), DEAD),
    "Reject, requeue": (raises(Reject("no", requeue=True)), LADDER),
    "Retry": (raises(Retry()), DONE),
    "RecursionError": (raises(RecursionError()), DEAD),
    "MemoryError": (raises(MemoryError()), DEAD),
    "SystemExit": (raises(SystemExit(1)), DEAD),
    "SystemExit after a while": (yields_then_raises, DEAD),
    "KeyboardInterrupt": (raises(KeyboardInterrupt()), DEAD),
    "CancelledError": (raises(asyncio.CancelledError()), DEAD),
    "a BaseException": (raises(OwnBaseException()), DEAD),
    "GeneratorExit": (raises(GeneratorExit()), DEAD),
    "GreenletExit": (raises(GreenletExit()), SUSPECT),
    "killed": (killed, SUSPECT),
    # Indistinguishable from the time limit, where there is one.
    "gevent.Timeout": (raises(gevent.Timeout(1)), LADDER),
    "hangs": (lambda: gevent.sleep(60), LADDER),
}
TIMES_OUT = {"gevent.Timeout", "hangs"}
"""What makes a merchant slow, whose other tasks may be refused a slot then: each has a merchant of its own."""


class Message:
    """A message of an own task, as kombu has it; notes how it is settled."""

    content_type, content_encoding = "application/json", "utf-8"

    def __init__(self, task: str, number: int) -> None:
        self.number = number
        self.embed: dict[str, Any] = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
        self.payload = [[], {}, self.embed]
        self.body = json.dumps(self.payload).encode()
        self.delivery_info = {"routing_key": f"m-{number % 3}", "exchange": ANY_MERCHANT.router, "redelivered": False}
        self.properties = {"correlation_id": f"t-{number}"}
        self.headers = {"task": task, "id": f"t-{number}", "lang": "py", "timelimit": [LIMIT, None]}


class World(Fixture):
    """A pod and a real gevent pool, and an app with one task for each end."""

    def __init__(self, orders: Route = ANY_MERCHANT, *, slots: int = 4, **hooks: Any) -> None:
        super().__init__(orders)
        self.settled: Counter[int] = Counter()
        ports: Any = self.pod
        ports.acks = SimpleNamespace(ack=self._ack, line=lambda *_: None)
        ports.completions = SimpleNamespace(write=lambda *_: True)
        self.pool = TaskPool(slots)
        self.pool.start()
        self.deliveries = Deliveries(self.pod, self.pool)
        self.app = Celery("shop", set_as_current=False, broker="memory://")
        setup_worker_optimizations(self.app)
        self.hooks = hooks
        self.consumer = SimpleNamespace(
            hostname="h", connection_errors=(), event_dispatcher=None, timer=SimpleNamespace(call_at=None),
            apply_eta_task=None, disable_rate_limits=True, task_buckets={}, _limit_task=None, _limit_post_eta=None,
            on_task_request=lambda request: request.execute_using_pool(self.pool),
            controller=SimpleNamespace(state=SimpleNamespace(revoked=set())), pool=self.pool,
            deliveries=self.deliveries,
        )  # fmt: skip

    def run(
        self, names: list[str], *, limit: float | None = AMPLE, embed: dict[str, Any] | None = None, **headers: Any
    ) -> list[str]:
        """Deliver one message for each name, with these parts of its body and headers, and give the outcomes once all
        are over.
        """
        handlers = {name: self._handler(name) for name in set(names)}
        for number, name in enumerate(names):
            message = Message(f"shop.{name}", number)
            if name in TIMES_OUT:
                message.delivery_info["routing_key"] = f"slow-{number}"
            bound = LIMIT if name == "hangs" else limit
            message.headers.update({"timelimit": [bound, None], **headers})
            message.embed.update(embed or {})
            message.body = json.dumps(message.payload).encode()
            handlers[name](message, None, None, None, None)
        with gevent.Timeout(20):
            while len(self.deliveries) or self.pool._pool._semaphore.counter != self.pool.limit:
                gevent.sleep(0.005)
        return [self._outcome(number) for number in range(len(names))]

    def _outcome(self, number: int) -> str:
        exchanges = [each.exchange for each in self.publisher.published if each.headers["id"] == f"t-{number}"]
        if not exchanges:
            return DONE
        (exchange,) = exchanges
        route = self.pod.files.current
        return {route.dead: DEAD, route.suspect: SUSPECT}.get(exchange, LADDER)

    def _handler(self, name: str) -> Any:
        end = ENDS[name][0]

        def run() -> Any:
            return end()

        task = self.app.task(name=f"shop.{name}", shared=False, **self.hooks)(run)
        make_safe(task)
        task.__trace__ = build_tracer(task.name, task, app=self.app)
        return app_strategy(task, self.app, self.consumer)

    def _ack(self, message: Message) -> None:
        self.settled[message.number] += 1


def is_free(world: World, count: int) -> bool:
    """Whether each of so many messages was settled once, and nothing is held any more."""
    assert world.settled == Counter(range(count))
    assert len(world.deliveries) == 0
    assert world.pod.counters.busy == world.pod.bulkhead.busy == 0
    assert not world.pod.settling
    return world.pool._pool._semaphore.counter == world.pool.limit


@given(names=st.lists(st.sampled_from(sorted(ENDS)), min_size=1, max_size=12), slots=st.integers(1, 4))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_each_message_is_settled_once_and_everything_is_free(names: list[str], slots: int) -> None:
    world = World(slots=slots)

    outcomes = world.run(names)

    assert outcomes == [ENDS[name][1] for name in names]
    assert is_free(world, len(names))


@pytest.mark.parametrize("name", sorted(set(ENDS) - {"hangs"}))
def test_a_task_without_a_time_limit_is_settled_as_well(name: str) -> None:
    world = World(LISTED_ONLY)

    (outcome,) = world.run([name], limit=None)

    assert outcome == (DEAD if name == "gevent.Timeout" else ENDS[name][1])
    assert is_free(world, 1)


def test_hooks_that_raise_change_nothing() -> None:
    """Celery calls them before it acks or rejects: a result backend that is away raises there as well."""

    def on_failure(*_: Any) -> None:
        raise ConnectionError("no backend")

    world = World(on_failure=on_failure)
    names = ["raises", "hangs", "SystemExit", "returns"]

    assert world.run(names) == [ENDS[name][1] for name in names]
    assert is_free(world, len(names))


def test_an_outcome_that_waits_for_the_broker_outlives_the_time_limit() -> None:
    """The task fails in time, and the broker confirms its dead letter when the limit has passed."""
    world = World()
    world.publisher.problems = [lambda: gevent.sleep(3 * LIMIT)]

    assert world.run(["raises"], limit=LIMIT) == [DEAD]
    assert is_free(world, 1)
