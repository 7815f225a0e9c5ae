"""A plain Celery app, written without this project, runs under the launcher on the lane's queue."""

from pathlib import Path

import pytest

from merchantroute_kit.waiting import until
from merchantroute_kit.worker.local_lane import LocalLane

CELERY = """
from pathlib import Path

from celery import Celery

app = Celery("kitchen", broker="amqp://nobody@nowhere//")


@app.task
def cook(dish, place):
    Path(place, dish).touch()
"""
FAILS_ONCE = """
from celery import Celery, bootsteps

app = Celery("fails")
failed = []


class FailsOnce(bootsteps.StartStopStep):
    requires = {"celery.worker.consumer.tasks:Tasks"}

    def start(self, consumer):
        if not failed:
            failed.append(1)
            raise ValueError("the app's own step failed")


app.steps["consumer"].add(FailsOnce)
"""
GCELERY = """
from gevent import monkey

monkey.patch_all(httplib=False)

from kitchen.celery import app
"""


@pytest.fixture
def kitchen(tmp_path: Path) -> Path:
    package = tmp_path / "apps" / "kitchen"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "celery.py").write_text(CELERY)
    (package / "gcelery.py").write_text(GCELERY)
    return package.parent


@pytest.mark.parametrize("name", ["kitchen", "kitchen.celery", "kitchen.celery:app", "kitchen.gcelery"])
def test_its_tasks_and_the_built_in_one_are_both_done(lane: LocalLane, kitchen: Path, name: str) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    lane.work(arguments=["--app", name], PYTHONPATH=str(kitchen)).ready()

    task = {"task": "kitchen.celery.cook"}
    lane.publish(merchant, f"{lane.run}-soup", body=[[f"{lane.run}-soup", str(lane.root)], {}, {}], headers=task)
    lane.published.clear()

    lane.until_done(lane.orders(merchant, 3))
    until((lane.root / f"{lane.run}-soup").exists, "the app's own task to be done")
    until(lambda: lane.unacked() == 0, "everything to be acked")


def test_a_step_of_the_app_that_fails_does_not_end_the_pod(lane: LocalLane, kitchen: Path) -> None:
    (kitchen / "fails.py").write_text(FAILS_ONCE)
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    worker = lane.work(arguments=["--app", "fails"], PYTHONPATH=str(kitchen)).ready()

    lane.until_done(lane.orders(merchant, 3))

    assert [record for record in worker.records() if record["message"] == "the consumer failed, it starts again"]
    assert lane.ledger() == {"done": 3}


@pytest.mark.extended  # in test_a_command_of_its_own and test_the_worker_waits
def test_the_post_s_own_command_line_works_on_the_lane_s_queue(lane: LocalLane) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    post = "worker --concurrency=200 --pool gevent --loglevel=info --without-mingle"
    worker = lane.celery(["-A", "merchantroute_worker.gcelery", *post.split()]).ready()

    lane.until_done(lane.orders(merchant, 50))

    assert lane.ledger() == {"done": 50}
    until(lambda: lane.prefetch() == 200, "the management to show the prefetch")
    assert worker.get("/livez")[0] == 200
