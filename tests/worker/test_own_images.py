"""A team's app in an image of its own, in both ways that docs/own-apps.md shows: its tasks and orders are done."""

from collections.abc import Callable
from pathlib import Path

import pytest

from merchantroute_kit.waiting import until
from merchantroute_kit.worker.local_lane import LocalLane
from tests.worker.own_images import ImagePod, build, dockerfile, teams_base, worker_image

# The import is what the team's own requirement is for.
CELERY = """
from pathlib import Path

import yaml
from celery import Celery

app = Celery("shop")


@app.task
def cook(recipe, place):
    for dish in yaml.safe_load(recipe):
        Path(place, dish).touch()
"""
STARTING = 180.0  # seconds


@pytest.mark.parametrize(
    ("section", "prepare"),
    [
        ("On the worker's image", worker_image),
        ("On your own base image", teams_base),
        pytest.param("With uv", teams_base, marks=pytest.mark.extended),
    ],
)
def test_its_tasks_and_orders_are_done(
    lane: LocalLane, tmp_path_factory: pytest.TempPathFactory, section: str, prepare: Callable[[Path], None]
) -> None:
    prepare(tmp_path_factory.mktemp("base"))
    team = tmp_path_factory.mktemp("team")
    (team / "shop").mkdir()
    (team / "shop" / "celery.py").write_text(CELERY)
    (team / "requirements.txt").write_text("pyyaml>=6\n")
    image = build(team, dockerfile(section), "merchantroute-test-own-app:latest")
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    pod = ImagePod(lane.root, image, ["--concurrency", "4", "--app", "shop.celery"])
    lane.workers.append(pod)
    pod.ready(STARTING)

    task = {"task": "shop.celery.cook"}
    lane.publish(merchant, f"{lane.run}-soup", body=[[f"- {lane.run}-soup", str(lane.root)], {}, {}], headers=task)
    lane.published.clear()
    lane.until_done(lane.orders(merchant, 3))

    until((lane.root / f"{lane.run}-soup").exists, "the app's own task to be done")
    assert lane.ledger() == {"done": 3}
