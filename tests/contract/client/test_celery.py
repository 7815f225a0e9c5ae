"""An app whose tasks go to the front door: mandatory, confirmed, in time, and an error where that fails."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import Celery, signals

from merchantroute_kit.servers.ports import free_port
from merchantroute_kit.worker import topology
from merchantroute_worker.client import BadOrder, NotConfigured, NotSafe
from merchantroute_worker.client.celery import install
from merchantroute_worker.orders import envelope
from tests.contract.client.broker_with_route import ROUTE, BrokerWithRoute
from tests.contract.client.relay import Relay

Start = Callable[..., Relay]


class WebApp:
    """A Celery app with a task; only what is said here is configured."""

    def __init__(self, broker: str, **installed: Any) -> None:
        self.celery = Celery("web", broker=broker, set_as_current=False)

        @self.celery.task(name="web.cook", shared=False)
        def cook(dish: str, merchant: str = "nobody") -> None:
            """Cook it."""

        self.cook = cook
        install(self.celery, **{"route": ROUTE, "within": 60, **installed})

    def close(self) -> None:
        client = self.celery.send_task._client
        if client:
            client.close()
        self.celery.close()


@pytest.fixture
def web(place: BrokerWithRoute) -> Iterator[WebApp]:
    app = WebApp(place.url())
    yield app
    app.close()


def messages(place: BrokerWithRoute, queue: str = topology.QUEUE) -> list[Any]:
    with place.channel() as channel:
        found = []
        while message := channel.basic_get(queue, no_ack=True):
            found.append(message)
    return found


def test_a_task_is_a_persistent_message_with_its_merchant_as_routing_key(web: WebApp, place: BrokerWithRoute) -> None:
    result = web.cook.delay("soup", merchant="bistro")

    (message,) = messages(place)
    assert message.delivery_info["routing_key"] == "bistro"
    assert (message.headers["task"], message.headers["id"], message.properties["correlation_id"]) == (
        "web.cook", result.id, result.id,
    )  # fmt: skip
    assert (message.properties["delivery_mode"], message.properties["content_type"]) == (2, "application/json")
    assert isinstance(message.headers["mr-published-at"], int)
    assert json.loads(message.body)[:2] == [["soup"], {"merchant": "bistro"}]


@pytest.mark.parametrize(
    ("call", "merchant"),
    [
        (lambda cook: cook.delay("soup", "bistro"), "bistro"),
        (lambda cook: cook.delay("soup", merchant="bistro"), "bistro"),
        (lambda cook: cook.apply_async(("soup", "bistro"), headers={"merchant": "trattoria"}), "trattoria"),
        (lambda cook: cook.apply_async(("soup", "bistro"), routing_key="osteria"), "osteria"),
        (lambda cook: cook.app.send_task("web.cook", ("soup", "bistro")), "bistro"),
        (lambda cook: cook.app.send_task("elsewhere.cook", ("soup",), {"merchant": "bistro"}), "bistro"),
        (lambda cook: cook.app.send_task("merchantroute.order", (), {"order": {"merchant": "bistro"}}), "bistro"),
    ],
)
def test_where_the_merchant_comes_from(web: WebApp, place: BrokerWithRoute, call: Any, merchant: str) -> None:
    call(web.cook)

    assert [message.delivery_info["routing_key"] for message in messages(place)] == [merchant]


def test_the_worker_reads_an_order_that_was_sent_by_name(web: WebApp, place: BrokerWithRoute) -> None:
    web.celery.send_task("merchantroute.order", kwargs={"order": {"merchant": "bistro", "n": 1}}, task_id="x")

    (message,) = messages(place)
    order = envelope.read(
        body=message.body.encode(),
        headers=message.headers,
        correlation_id="x",
        routing_key=message.delivery_info["routing_key"],
    )
    assert (order.id, order.merchant, json.loads(order.payload)) == ("x", "bistro", {"merchant": "bistro", "n": 1})


def test_times_priorities_serializers_and_compression_are_the_caller_s(web: WebApp, place: BrokerWithRoute) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=5)

    web.cook.apply_async(("a", "bistro"), eta=soon, expires=soon + timedelta(hours=1), priority=4)
    web.cook.apply_async(("b", "bistro"), countdown=300)
    web.cook.apply_async(("c", "bistro"), serializer="yaml", compression="gzip", headers={"X-Request-ID": "7"})
    web.cook.apply_async(("d", "bistro"), headers={"mr-rung": "1", "x-death": [], "CC": ["elsewhere"]})

    first, second, third, fourth = messages(place)
    assert (first.headers["eta"], first.properties["priority"]) == (soon.isoformat(), 4)
    assert "expiration" not in first.properties  # the worker says why an order has expired, the broker would not
    assert first.headers["expires"]
    assert datetime.fromisoformat(second.headers["eta"]) > datetime.now(UTC) + timedelta(minutes=4)
    assert third.headers["X-Request-ID"] == "7"
    assert (third.properties["content_type"], third.headers["compression"]) == (
        "application/x-yaml", "application/x-gzip",
    )  # fmt: skip
    assert set(fourth.headers) & {"mr-rung", "x-death", "CC"} == set()


def test_a_task_of_no_merchant_is_refused(place: BrokerWithRoute) -> None:
    app = WebApp(place.url(), merchant="shop")

    with pytest.raises(BadOrder, match=r"web\.cook names no merchant.*routing_key="):
        app.cook.delay("soup", merchant="bistro")
    app.close()
    assert messages(place) == []


def test_a_function_finds_the_merchant(place: BrokerWithRoute) -> None:
    app = WebApp(place.url(), merchant=lambda name, args, kwargs: f"{name} {args[0]} {sorted(kwargs)}")

    app.cook.delay("soup", merchant="bistro")
    app.close()

    assert [message.delivery_info["routing_key"] for message in messages(place)] == ["web.cook soup ['merchant']"]


def test_other_tasks_go_where_the_app_says(place: BrokerWithRoute) -> None:
    app = WebApp(place.url(), tasks=["web.orders.*"])
    app.celery.conf.update(task_default_queue="the-app-s-own", broker_transport_options={"confirm_publish": True})

    app.cook.delay("soup", merchant="bistro")
    app.celery.send_task("celery.backend_cleanup")
    app.close()

    assert messages(place) == []
    assert len(messages(place, "the-app-s-own")) == 2


def test_a_task_that_no_queue_takes_raises(bare: BrokerWithRoute) -> None:
    with bare.channel() as channel:
        channel.exchange_declare(topology.FRONT, "fanout", durable=True, auto_delete=False)
    app = WebApp(bare.url(), within=1.0)

    with pytest.raises(NotSafe, match=r"unroutable.*has not arrived"):
        app.cook.delay("soup", "bistro")
    app.close()


def test_a_task_that_is_not_confirmed_in_time_raises(place: BrokerWithRoute, relay: Start) -> None:
    between = relay()
    app = WebApp(place.url(between.port))
    app.cook.delay("soup", "bistro")
    between.swallow_answers()

    with pytest.raises(NotSafe, match="may have arrived"):
        app.cook.apply_async(("soup", "bistro"), timeout=1.0)
    app.close()


def test_a_broker_that_is_away_raises_too_and_never_waits_for_a_connection_of_celery_s_pool(
    bare: BrokerWithRoute,
) -> None:
    app = WebApp(bare.url(free_port()), within=0.5)
    app.celery.conf.broker_pool_limit = 1
    with app.celery.producer_pool.acquire(block=True), pytest.raises(NotSafe, match="has not arrived"):
        app.cook.delay("soup", "bistro")
    app.close()


def test_celery_s_signals_are_sent_and_may_add_headers(web: WebApp, place: BrokerWithRoute) -> None:
    seen: list[str] = []

    def before(headers: dict[str, Any], exchange: str, routing_key: str, **_: Any) -> None:
        headers["traceparent"] = "00-1-1-00"
        seen.append(f"before {exchange} {routing_key}")

    def after(exchange: str, **_: Any) -> None:
        seen.append(f"after {exchange}")

    signals.before_task_publish.connect(before)
    signals.after_task_publish.connect(after)
    try:
        web.cook.delay("soup", "bistro")
    finally:
        signals.before_task_publish.disconnect(before)
        signals.after_task_publish.disconnect(after)

    assert seen == [f"before {topology.FRONT} bistro", f"after {topology.FRONT}"]
    assert messages(place)[0].headers["traceparent"] == "00-1-1-00"


def test_results_by_rpc_and_the_event_task_sent_go_through_the_app_s_own_connection(
    web: WebApp, place: BrokerWithRoute
) -> None:
    web.celery.conf.update(result_backend="rpc://", task_send_sent_event=True)

    result = web.cook.delay("soup", "bistro")

    (message,) = messages(place)
    assert message.properties["reply_to"] == result.backend.oid
    with place.channel() as channel:
        channel.queue_declare(message.properties["reply_to"], passive=True)
        channel.exchange_declare("celeryev", "topic", passive=True)


@pytest.mark.parametrize(
    ("broker", "more"),
    [
        ("memory://localhost/", {}),
        ("amqp://a:b@one//;amqp://a:b@two//", {}),
        ("amqp://a:b@one//", {"broker_use_ssl": True}),
    ],
)
def test_a_broker_of_the_app_s_that_is_not_the_route_s_must_be_told_apart(broker: str, more: dict[str, Any]) -> None:
    app = WebApp(broker)
    app.celery.conf.update(more)

    with pytest.raises(NotConfigured, match=r"give install\(app, broker="):
        app.cook.delay("soup", "bistro")
