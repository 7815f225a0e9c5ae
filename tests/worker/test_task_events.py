"""Task events, as Celery's own Receiver gets them from the broker: what Flower and celery-exporter are made of."""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any

import pytest
from celery import Celery
from celery.events.state import State

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_kit.waiting import until
from merchantroute_kit.worker import mounted_files
from merchantroute_kit.worker.local_lane import LocalLane
from tests.worker.plain_app import APPS, PlainApp

SECRET = "Jane Doe"
POOLS = pytest.mark.parametrize(
    "pool", ["gevent", *(pytest.param(pool, marks=pytest.mark.extended) for pool in ("threads", "prefork"))]
)


class Listener:
    """Celery's own Receiver, and the State that Flower keeps."""

    def __init__(self, vhost: Vhost) -> None:
        broker = f"amqp://{vhost.username}:{vhost.password}@{vhost.host}:{vhost.port}/{vhost.name}"
        self.app = Celery("monitor", broker=broker, set_as_current=False)
        self.state: Any = State()
        self.events: list[dict[str, Any]] = []
        self._open = ExitStack()
        self._open.callback(self.app.close)
        connection = self._open.enter_context(self.app.connection_for_read())
        receiver = self.app.events.Receiver(connection, handlers={"*": self._note})
        self._connection, *_ = self._open.enter_context(receiver.consumer_context(wakeup=False))

    def of(self, task_id: str) -> list[str]:
        """The types of one task's events so far, in order."""
        with suppress(TimeoutError):
            while True:
                self._connection.drain_events(timeout=0.1)
        return [event["type"] for event in self.events if event.get("uuid") == task_id]

    def close(self) -> None:
        """Stop listening."""
        self._open.close()

    def _note(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        self.state.event(dict(event))


@pytest.fixture
def listener(vhost: Vhost) -> Iterator[Listener]:
    """Whoever listens declares the exchange, as Flower does."""
    made = Listener(vhost)
    yield made
    made.close()


@POOLS
def test_orders_and_tasks_of_the_lane_are_seen_as_any_worker_s(lane: LocalLane, listener: Listener, pool: str) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant, concurrency=4)
    shop = PlainApp(lane)
    worker = shop.work(pool, MR_EVENTS="true").ready()

    (done,) = lane.orders(merchant, 1)
    lane.publish(merchant, f"{lane.run}-bad", body=b"{soup")
    cooked, failed = shop.send(merchant, "cook", SECRET, shop.place), shop.send(merchant, "fails")
    retried = shop.send(merchant, "autoretries", "stew", shop.place)

    normal = ["task-received", "task-started", "task-succeeded"]
    until(lambda: listener.of(done) == normal, "the order's events")
    until(lambda: listener.of(cooked) == normal, "the task's events")
    until(lambda: listener.of(failed) == [*normal[:2], "task-failed"], "the failed task's events")
    again = [*normal[:2], "task-retried", *normal]
    until(lambda: listener.of(retried) == again, "the retried task's events")

    state, hostname = listener.state, "merchantroute@pod-0"
    assert {name: state.tasks[name].state for name in (done, cooked, failed)} == {
        done: "SUCCESS", cooked: "SUCCESS", failed: "FAILURE",
    }  # fmt: skip
    order = state.tasks[done]
    assert (order.name, order.worker.hostname, order.routing_key) == ("merchantroute.order", hostname, merchant)
    assert 0 < order.runtime < 30
    assert state.tasks[failed].exception == "ValueError('task-failed')"
    assert state.workers[hostname].alive
    assert SECRET not in json.dumps(listener.events)

    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    listener.of(done)
    assert listener.events[-1]["type"] == "worker-offline"


def test_a_dead_order_and_one_on_the_ladder_say_why(lane: LocalLane, listener: Listener) -> None:
    lane.limits = {"maxAttempts": 2}
    broken, strict = lane.merchant("broken", "error"), lane.merchant("strict")
    lane.configure(broken, strict)
    lane.work(MR_EVENTS="true").ready()

    (order,), refused = lane.orders(broken, 1), f"{lane.run}-refused"
    lane.publish(strict, refused, order={"id": "x", "items": []})

    ended = ["task-received", "task-started"]
    until(lambda: listener.of(order) == [*ended, "task-retried", *ended, "task-failed"], "the order's events")
    until(lambda: listener.of(refused) == [*ended, "task-failed"], "the refused order's events")
    exceptions = [event["exception"] for event in listener.events if "exception" in event and event["uuid"] == order]
    assert exceptions[-1] == "DeadLetter('attempts-exhausted')"
    assert listener.state.tasks[refused].exception == "DeadLetter('merchant-rejected')"


def test_celery_s_own_option_sends_them_too(lane: LocalLane, listener: Listener) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    env = {"CELERY_LOADER": "merchantroute_worker.loader:LaneLoader", "PYTHONPATH": str(APPS)}
    lane.celery(["-A", "shop.gcelery", "worker", "-P", "gevent", "-c", "4", "-l", "info", "-E"], **env).ready()

    (order,) = lane.orders(merchant, 1)

    until(lambda: listener.of(order)[-1:] == ["task-succeeded"], "the order's events")


def test_without_the_option_nothing_is_sent(lane: LocalLane, listener: Listener) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    worker = lane.work().ready()

    lane.until_done(lane.orders(merchant, 5))
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0

    listener.of("any")
    assert listener.events == []


def test_without_a_listener_orders_flow_and_the_log_says_what_is_missing(lane: LocalLane) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    worker = lane.work(MR_EVENTS="true").ready()

    lane.until_done(lane.orders(merchant, 5))

    until(lambda: "there is no exchange celeryev yet" in worker.log.read_text(), "the pod to say so")


@pytest.fixture
def pods_user(vhost: Vhost) -> Iterator[Vhost]:
    """A user for the pods that may do what docs/operations.md says, and no more."""
    allowed = {"configure": "", "write": r"^(mr\..*|mr-pulses\..*|completions)$", "read": r"^mr\..*$"}
    vhost.api("PUT", f"users/{vhost.name}", {"password": "narrow", "tags": ""})
    vhost.api("PUT", f"permissions/{vhost.name}/{vhost.name}", allowed)
    yield replace(vhost, username=vhost.name, password="narrow")
    vhost.api("DELETE", f"users/{vhost.name}")


def test_without_the_permission_orders_flow_and_the_log_says_what_to_give(
    lane: LocalLane, pods_user: Vhost, listener: Listener
) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    mounted_files.write_broker(lane.root, pods_user)
    worker = lane.work(MR_EVENTS="true").ready()

    lane.until_done(lane.orders(merchant, 5))

    until(lambda: "may not write to the exchange celeryev: give it" in worker.log.read_text(), "the pod to say so")
    assert listener.of("any") == []


def test_with_write_on_the_exchange_alone_they_are_sent(
    lane: LocalLane, pods_user: Vhost, vhost: Vhost, listener: Listener
) -> None:
    allowed = {"configure": "", "write": r"^(mr\..*|mr-pulses\..*|completions|celeryev)$", "read": r"^mr\..*$"}
    vhost.api("PUT", f"permissions/{vhost.name}/{pods_user.username}", allowed)
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    mounted_files.write_broker(lane.root, pods_user)
    lane.work(MR_EVENTS="true").ready()

    (order,) = lane.orders(merchant, 1)

    until(lambda: listener.of(order)[-1:] == ["task-succeeded"], "the order's events")
