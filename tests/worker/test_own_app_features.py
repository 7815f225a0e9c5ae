"""What an own app uses of Celery, on a real broker: results, time limits, hooks, priorities, logging, signals.

The table in docs/own-apps.md names a test for each row; those that are not here are in test_plain_app.py.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from celery.beat import Scheduler

from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane
from merchantroute_kit.worker.worker_process import WorkerProcess
from tests.worker.plain_app import APPS, PlainApp

APP = "shop.features"
GREEN_AND_PREFORK = pytest.mark.parametrize("pool", ["gevent", pytest.param("prefork", marks=pytest.mark.extended)])


class Features(PlainApp):
    """The app on a lane, and a web application that publishes its tasks by name and waits for results."""

    def __init__(self, lane: LocalLane) -> None:
        super().__init__(lane)
        vhost = lane.vhost
        broker = f"amqp://{vhost.username}:{vhost.password}@{vhost.host}:{vhost.port}/{vhost.name}"
        self.web = Celery("web", broker=broker, backend="rpc://", set_as_current=False)
        self._publishing = self.web.connection_for_write()
        self.merchant = lane.merchant("bistro")
        lane.limits = {"callTimeoutMs": 2000, "deadlineMs": 5000, "maxAttempts": 2}
        lane.configure(self.merchant, concurrency=4)

    def start(self, pool: str = "gevent", **env: str) -> WorkerProcess:
        """A worker that consumes."""
        return self.work(pool, APP, **self.env, **env).ready()

    @property
    def env(self) -> dict[str, str]:
        """Its environment. As root, which pods are not, Celery refuses to accept pickle."""
        return {"NOTES": self.place, "C_FORCE_ROOT": "1", "PYTHONPATH": str(APPS)}

    def call(self, name: str, *args: Any, **options: Any) -> Any:
        """Publish through the front door as docs/producing.md shows; gives Celery's result."""
        return self.web.send_task(
            f"features.{name}",
            args,
            exchange=topology.FRONT,
            routing_key=self.merchant,
            producer=self.web.amqp.Producer(self._publishing.default_channel, auto_declare=False),
            declare=[],
            mandatory=True,
            **options,
        )

    def close(self) -> None:
        """Close the web application's connections."""
        self._publishing.release()
        if self.web.backend.result_consumer._connection:
            self.web.backend.result_consumer.stop()
        self.web.pool.force_close_all()
        self.web.close()


@pytest.fixture
def features(lane: LocalLane) -> Iterator[Features]:
    """One app."""
    made = Features(lane)
    yield made
    made.close()


@GREEN_AND_PREFORK
def test_a_web_application_gets_its_result_by_rpc(features: Features, pool: str) -> None:
    features.start(pool)

    assert features.call("add", 19, 23).get(timeout=30) == 42
    failed = features.call("raises")
    with pytest.raises(ValueError, match="no"):
        failed.get(timeout=30)
    features.until_empty()


@GREEN_AND_PREFORK
def test_a_task_s_own_limits_hold_for_who_knows_only_its_name_and_hooks_run_once(features: Features, pool: str) -> None:
    features.start(pool)

    softly = features.send(features.merchant, "softly", headers={"task": "features.softly"})
    errbacks = {"errbacks": [{"task": "features.note_error", "args": [], "kwargs": {}, "options": {}}]}
    hangs = features.send(features.merchant, "hangs", headers={"task": "features.hangs"}, embed=errbacks)

    features.until_noted("soft limit")
    features.lane.until_dead([hangs])
    assert features.lane.dead[hangs][0]["headers"]["mr-reason"] == "attempts-exhausted"
    features.until_empty()
    calls = [line for line in features.notes() if line.endswith(hangs)]
    assert sorted(calls) == sorted(
        f"{hook} TimeLimitExceeded {hangs}" for hook in ("on_failure", "task_failure", "link_error")
    )
    features.lane.look()
    assert softly in features.lane.done


def test_groups_arrive_and_a_pickled_message_that_the_app_accepts_runs(features: Features) -> None:
    features.start()

    features.call("both")
    features.call("note", "pickled", serializer="pickle")

    features.until_noted("grouped 1", "grouped 2", "pickled")
    features.until_empty()


def test_logging_signals_are_sent_and_a_disabling_configuration_hides_no_record(features: Features) -> None:
    worker = features.start()

    task = features.send(features.merchant, "note", "soup", headers={"task": "features.note"})

    features.until_noted("soup", "after_setup_logger root", "after_setup_task_logger celery.task")
    until(lambda: task in worker.log.read_text(), "the completion record")


def test_worker_process_init_is_sent_in_each_child_process(features: Features) -> None:
    features.start("prefork")
    until(lambda: features.notes().count("worker_process_init") == 4, "four children")


def test_celery_s_own_command_line_names_the_order_in_its_text(features: Features) -> None:
    env = {**features.env, "CELERY_LOADER": "merchantroute_worker.loader:LaneLoader"}
    worker = features.lane.celery(["-A", APP, "worker", "--pool", "gevent", "--concurrency=4", "-l", "info"], **env)
    worker.ready()

    (order,) = features.lane.orders(features.merchant, 1)

    features.lane.until_done([order])
    until(lambda: f" order={order} " in worker.log.read_text(), "the record with its fields")


def test_a_higher_priority_is_kept_and_goes_first(features: Features) -> None:
    """A quorum queue knows two: above 4, and all others. A rung keeps it."""
    lane, merchant, task = features.lane, features.merchant, {"task": "features.note"}
    for number in range(8):
        features.send(merchant, "note", f"low {number}", headers=task)
    features.call("note", "high", priority=9)

    lane.work(1, arguments=["--app", APP], **features.env).ready()

    features.until_noted("high", *(f"low {number}" for number in range(8)))
    assert features.notes().index("high") < features.notes().index("low 7")
    later = {**task, "eta": "2099-01-01T00:00:00+00:00"}
    lane.publish(merchant, f"{lane.run}-later", body=[["later"], {}, {}], headers=later, priority=9)
    rung = f"{topology.RETRY}.700"
    message = until(lambda: lane.channel.basic_get(rung, no_ack=True), "the task on its rung")
    assert message.properties["priority"] == 9


def test_remote_control_is_answered_by_nobody(features: Features) -> None:
    features.start()

    assert features.web.control.ping(timeout=1) == []
    assert features.web.control.inspect(timeout=1).active() is None


def test_beat_reaches_the_front_door_by_an_entry_s_options(features: Features) -> None:
    features.start()
    door = {"exchange": topology.FRONT, "routing_key": features.merchant, "declare": [], "mandatory": True}
    entry = {"task": "features.note", "args": ["every night"], "schedule": 0.1, "options": door}
    features.web.conf.beat_schedule = {"nightly": entry}

    beat = Scheduler(features.web)
    until(lambda: beat.tick() and "every night" in features.notes(), "what beat publishes to be done")
    beat.close()
