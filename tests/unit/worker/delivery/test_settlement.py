"""How a delivery's outcome is made safe: recorded or published, then counted, then acked; or none of these."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from merchantroute_worker.bulkhead.rule import Verdict
from merchantroute_worker.bulkhead.views import Totals
from merchantroute_worker.calls.http_client import HttpClient
from merchantroute_worker.config.identity import from_environment
from merchantroute_worker.delivery.delivery import Delivery, Stage
from merchantroute_worker.delivery.order import OrderDelivery
from merchantroute_worker.delivery.task import TaskDelivery
from merchantroute_worker.isolation.own_queues import OwnQueue
from merchantroute_worker.orders.answers import Answer
from merchantroute_worker.orders.attempt_result import Attempt
from merchantroute_worker.orders.messages import Outgoing
from merchantroute_worker.orders.route import Route
from merchantroute_worker.pod import Pod
from merchantroute_worker.rabbit.publisher import NotPublished, Refused, TooLarge
from tests.unit.worker.samples import route

ROUTE = route()
LADDER, DEAD = ROUTE.tiers["standard"].retry, ROUTE.dead
WHERE = {"MR_NAMESPACE": "orders", "MR_ROUTE": "pos", "MR_TIER": "standard", "MR_POD": "pod-1"}
OUTCOMES = ("done", "retried", "refused", "deferred", "dead")
Script = Callable[[], Attempt]


class Message:
    """A delivered message, as kombu has it."""

    body = b'[[], {"order": {"id": "o-1"}}, {}]'
    content_encoding = "utf-8"

    def __init__(
        self,
        merchant: str = "bistro",
        *,
        redelivered: bool = False,
        body: bytes = body,
        exchange: str = ROUTE.front_door,
        **headers: Any,
    ) -> None:
        self.body = body
        self.delivery_info = {"routing_key": merchant, "redelivered": redelivered, "exchange": exchange}
        self.properties = {"correlation_id": "o-1"}
        self.headers: Mapping[str, Any] = {"id": "o-1", "task": "shop.charge", **headers}


class Publisher:
    """The publisher's port. Each of `problems` runs before one publish, and fails it."""

    open = True

    def __init__(self, events: list[str]) -> None:
        self.events, self.published = events, list[Outgoing]()
        self.problems: list[Callable[[], object]] = []
        self.largest = 100_000
        self.refuses: Callable[[Outgoing], bool] = lambda _: False

    def wait_open(self, timeout: float | None = None) -> bool:
        del timeout
        return self.open

    def publish(self, message: Outgoing, kind: str = "orders", give_up: Callable[[], bool] = bool) -> None:
        del kind, give_up
        if len(message.body) > self.largest:
            raise TooLarge("the broker takes less")
        if self.refuses(message):
            raise Refused("406 PRECONDITION_FAILED - something of it")
        if self.problems:
            self.problems.pop(0)()
            raise NotPublished("no queue takes it")
        self.published.append(message)
        self.events.append(f"published to {message.exchange}")


class Acks:
    """Where records and acks go; `counted` gives the outcomes that are counted by then."""

    def __init__(self, events: list[str], counted: Callable[[], list[str]]) -> None:
        self.events, self.counted = events, counted

    def line(self, *_: Any) -> None:
        self.events.append("recorded")

    @property
    def written(self) -> int:
        return self.events.count("acked")

    def ack(self, _message: Any) -> None:
        self.events.extend([*self.counted(), "acked"])

    def __len__(self) -> int:
        return 0


class Fixture:
    """A pod whose ports note what happens, in order."""

    def __init__(self, route: Route = ROUTE, **environment: str) -> None:
        self.events: list[str] = []
        self.pod = Pod(from_environment({**WHERE, **environment}), 20, HttpClient(20), Acks(self.events, self.counted))
        self.publisher = Publisher(self.events)
        ports: Any = self.pod
        ports.publisher, ports.files = self.publisher, SimpleNamespace(current=route, generation=7)

    def counted(self) -> list[str]:
        """The outcomes that pulses have."""
        return [name for name in OUTCOMES for _ in range(getattr(self.pod.counters, name))]

    def order(self, ends: Script = lambda: Attempt(done=()), message: Message | None = None) -> OrderDelivery:
        """An order whose calls end so."""
        runner = SimpleNamespace(attempt=lambda *_: ends(), timeout=lambda route, _: route.call_timeout)
        return OrderDelivery(self.pod, message or Message(), runner)

    def task(self, message: Message | None = None) -> TaskDelivery:
        """A task, at Celery once it runs."""
        delivery = TaskDelivery(
            self.pod, message or Message(), lambda work, *rest: work(*rest), lambda: self.events.append("removed")
        )
        delivery.run(lambda *_: None, None, ())
        return delivery


@pytest.fixture
def world() -> Fixture:
    """One pod."""
    return Fixture()


@pytest.mark.parametrize(
    ("attempt", "events"),
    [
        # All steps are done: the record is out before the ack.
        (Attempt(done=("validate", "confirm")), ["recorded", "done", "acked"]),
        # An answer that means "again": to the ladder, confirmed, before the ack.
        (Attempt(done=(), step=ROUTE.steps[0], answer=Answer(503)), [f"published to {LADDER}", "retried", "acked"]),
        # An answer that means "never": to dead letters.
        (Attempt(done=(), step=ROUTE.steps[0], answer=Answer(404)), [f"published to {DEAD}", "dead", "acked"]),
    ],
)
def test_an_order_is_safe_and_counted_before_its_ack(world: Fixture, attempt: Attempt, events: list[str]) -> None:
    delivery = world.order(lambda: attempt)
    delivery.run()

    assert world.events == events
    assert delivery.stage is Stage.SETTLED


def test_a_failed_attempt_is_logged_with_its_cause(world: Fixture, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    answer = Answer(failure="tls", cause="the merchant's certificate is not valid: certificate has expired")
    world.order(lambda: Attempt(done=(), step=ROUTE.steps[0], answer=answer)).run()

    logged = [vars(record)["data"] for record in caplog.records if record.message == "attempt failed"]
    assert [(data["answer"], data["answerText"]) for data in logged] == [("tls", answer.text)]


@pytest.mark.parametrize(
    ("end", "events"),
    [
        # Celery acks a task that returned.
        (lambda task: task.acked(), ["recorded", "done", "acked", "removed"]),
        # The task sent itself again, and the broker confirmed that: nothing is left to publish.
        (lambda task: (task.retried(), task.acked()), ["retried", "acked", "removed"]),
        # Celery would drop a task that raised.
        (lambda task: (task.failed(ValueError()), task.rejected(None, None)),
         [f"published to {DEAD}", "dead", "acked", "removed"]),
        # Celery would have it again at once.
        (lambda task: task.rejected(None, None, requeue=True),
         [f"published to {LADDER}", "deferred", "acked", "removed"]),
        # Its deadline ended it.
        (lambda task: (task.timed_out(), task.acked()), [f"published to {LADDER}", "retried", "acked", "removed"]),
    ],
)  # fmt: skip
def test_a_task_is_safe_and_counted_before_its_ack(
    world: Fixture, end: Callable[[TaskDelivery], object], events: list[str]
) -> None:
    delivery = world.task()
    assert (world.events, delivery.stage) == ([], Stage.CALLING)

    end(delivery)

    assert world.events == events


def test_an_order_that_cannot_be_published_is_held_until_its_connection_is_lost(world: Fixture) -> None:
    delivery = world.order(lambda: Attempt(done=(), step=ROUTE.steps[0], answer=Answer(503)))
    world.publisher.problems = [lambda: None, lambda: delivery.hand_back(connection_lost=True)]

    delivery.run()

    assert world.publisher.problems == [], "it was tried again while the connection stood"
    assert world.events == []
    assert world.counted() == []
    assert not world.pod.settling


def test_a_task_that_cannot_be_published_is_held_until_its_connection_is_lost(world: Fixture) -> None:
    delivery = world.task()
    world.publisher.problems = [lambda: None, lambda: delivery.hand_back(connection_lost=True)]

    delivery.rejected(None, None, requeue=True)

    assert world.publisher.problems == [], "it was tried again while the connection stood"
    assert world.events == ["removed"]
    assert world.counted() == []


def test_an_order_handed_back_while_it_calls_has_no_outcome(world: Fixture) -> None:
    def ends() -> Attempt:
        assert delivery.hand_back(connection_lost=True)
        return Attempt(done=("validate", "confirm"))

    delivery = world.order(ends)
    delivery.run()

    assert (world.events, world.counted(), delivery.stage) == ([], [], Stage.HANDED_BACK)


def test_a_task_handed_back_while_it_runs_has_no_outcome(world: Fixture) -> None:
    delivery = world.task()
    assert delivery.hand_back(connection_lost=True)

    delivery.acked()

    assert (world.events, world.counted(), delivery.stage) == (["removed"], [], Stage.HANDED_BACK)
    assert world.pod.counters.busy == 0, "its slot is free"


def test_what_is_handed_back_before_its_calls_begin_makes_none_and_has_no_outcome(world: Fixture) -> None:
    """A thread that waited for the broker's files goes on although the message is another pod's by then."""
    order = world.order(lambda: pytest.fail("it called its merchant"))
    task = TaskDelivery(world.pod, Message(), lambda work, *rest: work(*rest), lambda: world.events.append("removed"))
    bulkhead: Any = world.pod.bulkhead

    def admit(*_: Any, **__: Any) -> Verdict:
        for delivery in (order, task):
            delivery.hand_back(connection_lost=False)
        return Verdict.ADMIT

    bulkhead.decide = admit
    order.run()
    task.run(lambda *_: pytest.fail("Celery got it"), None, ())

    assert (world.events, world.counted(), world.pod.bulkhead.busy) == (["removed"], [], 0)
    assert (order.stage, task.stage) == (Stage.HANDED_BACK, Stage.HANDED_BACK)


def test_a_task_s_second_end_is_ignored(world: Fixture) -> None:
    delivery = world.task()
    delivery.acked()
    before = list(world.events)

    delivery.rejected(None, None)

    assert world.events == before == ["recorded", "done", "acked", "removed"]


@pytest.mark.parametrize(
    ("stage", "connection_lost", "left", "then"),
    [
        # Its calls may be given up: another pod makes what is left of them.
        (Stage.WAITING, True, True, Stage.HANDED_BACK),
        (Stage.CALLING, True, True, Stage.HANDED_BACK),
        # The grace is over, and the connection stands.
        (Stage.CALLING, False, True, Stage.HANDED_BACK),
        # Its calls are over: the outcome is still made safe, if there is time for that.
        (Stage.SETTLING, True, False, Stage.SETTLING),
        # Once is enough.
        (Stage.HANDED_BACK, True, False, Stage.HANDED_BACK),
        (Stage.SETTLED, True, False, Stage.SETTLED),
    ],
)
def test_what_is_handed_back(world: Fixture, stage: Stage, connection_lost: bool, left: bool, then: Stage) -> None:
    for delivery in (Delivery(world.pod, Message()), world.order(), world.task()):
        delivery.stage = stage

        assert delivery.hand_back(connection_lost=connection_lost) is left
        assert (delivery.stage, delivery.connection_lost) == (then, connection_lost)


OWN = OwnQueue(
    merchant="bistro", queue="own", tier="standard", bound=True, pods=frozenset({"pod-1"}), parts={"pod-1": 1}
)


@pytest.mark.parametrize(
    ("own", "returned", "at_once"),
    [(None, 0, False), (replace(OWN, bound=False), 0, False), (OWN, 0, True), (OWN, 2, True), (OWN, 3, False)],
)
@pytest.mark.parametrize("verdict", [Verdict.SLOW, Verdict.CAP])
def test_who_gets_no_slot_goes_to_its_own_queue_at_once_and_to_a_rung_where_there_is_none(
    verdict: Verdict, own: OwnQueue | None, returned: int, at_once: bool
) -> None:
    own_route = replace(ROUTE, own_queues={"bistro": own} if own else {})
    world = Fixture(own_route)
    bulkhead: Any = world.pod.bulkhead
    bulkhead.decide = lambda *_, **__: verdict
    headers: dict[str, Any] = {"mr-returns": returned} if returned else {}

    world.order(message=Message(exchange=ROUTE.router, **headers)).run()
    world.task(Message(exchange=ROUTE.router, **headers))

    messages = world.publisher.published
    assert [message.exchange for message in messages] == [ROUTE.router if at_once else LADDER] * 2
    assert [message.headers.get("mr-rung") for message in messages] == [None if at_once else "1000"] * 2
    assert [message.headers.get("mr-returns") for message in messages] == [returned + 1 if at_once else None] * 2
    assert world.counted() == ["refused", "refused"]
    destination = "router" if at_once else "rung"
    told = world.pod.metrics.render(slots=1, busy=0, merchants=Totals(slow=0, at_cap=0, known=0)).decode()
    assert f'merchantroute_refused_total{{destination="{destination}"}} 2.0' in told


@pytest.mark.parametrize("verdict", [Verdict.SLOW, Verdict.CAP])
def test_an_order_of_an_own_queue_is_refused_no_slot(world: Fixture, verdict: Verdict) -> None:
    bulkhead: Any = world.pod.bulkhead
    bulkhead._decide = lambda *_: verdict
    delivery = world.order()
    delivery.from_own_queue = True

    delivery.run()

    assert world.counted() == ["done"]


@pytest.mark.parametrize(("lane", "sent_to"), [("stable", ROUTE.router), ("canary", LADDER), ("suspect", None)])
def test_an_order_of_the_lane_beyond_its_own_queue_s_part_makes_no_call(lane: str, sent_to: str | None) -> None:
    world = Fixture(replace(ROUTE, own_queues={"bistro": OWN}), MR_LANE=lane)
    calls: list[str] = []

    def call() -> Attempt:
        calls.append("call")
        return Attempt(done=())

    delivery = world.order(call)
    delivery.beyond_part = True
    delivery.run()

    assert (calls, [message.exchange for message in world.publisher.published]) == (
        ([], [sent_to]) if sent_to else (["call"], [])
    )


@pytest.mark.parametrize("verdict", [Verdict.PAUSED, Verdict.RATE_LIMIT])
def test_a_task_whose_merchant_wants_it_later_is_refused_by_nobody(world: Fixture, verdict: Verdict) -> None:
    bulkhead: Any = world.pod.bulkhead
    bulkhead.decide = lambda *_, **__: verdict

    world.task()

    (message,) = world.publisher.published
    assert message.exchange == LADDER
    assert world.counted() == ["deferred"]
    told = world.pod.metrics.render(slots=1, busy=0, merchants=Totals(slow=0, at_cap=0, known=0)).decode()
    assert f'merchantroute_ladder_total{{reason="{verdict.value}"}} 1.0' in told
