"""Results and chords by a backend of the app's own: Redis."""

import os

import pytest

from merchantroute_kit.worker.local_lane import LocalLane
from tests.worker.plain_app import APPS, PlainApp
from tests.worker.redis_server import redis_server

pytestmark = pytest.mark.extended  # its image is made first; results by rpc:// are in test_own_app_features


def test_results_and_chords_work(lane: LocalLane, tmp_path_factory: pytest.TempPathFactory) -> None:
    merchant = lane.merchant("bistro")
    lane.limits = {"callTimeoutMs": 2000, "deadlineMs": 5000, "maxAttempts": 2}
    lane.configure(merchant, concurrency=4)
    app = PlainApp(lane)
    with redis_server(tmp_path_factory.mktemp("redis")) as (url, client):
        path = os.pathsep.join([str(APPS), str(client)])
        app.work(app="shop.features", NOTES=app.place, RESULTS=url, PYTHONPATH=path, C_FORCE_ROOT="1").ready()

        app.send(merchant, "sums", headers={"task": "features.sums"})
        app.send(merchant, "reads", headers={"task": "features.reads"})

        app.until_noted("total 10", "read 42")
        app.until_empty()
