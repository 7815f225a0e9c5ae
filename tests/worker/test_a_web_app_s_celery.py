"""`delay` and `apply_async` in a web application, and beat, publish to the front door; the route's pods work."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from merchantroute_kit.waiting import until
from merchantroute_kit.worker.local_lane import LocalLane

ROOT = Path(__file__).resolve().parents[2]
APPS = Path(__file__).parent / "apps"
WEB = """
import sys
from eatery.celery import app, cook, menu

place, merchant = sys.argv[1:]
cook.delay("by position", place, merchant)
cook.apply_async(("later", place), {"merchant": merchant}, countdown=1.5, queue="a-queue-of-old", priority=3)
(cook.s("first", place, merchant) | cook.si("second", place, merchant)).apply_async()
app.send_task("eatery.cook", ("by name", place, merchant), headers={"merchant": merchant, "x-request-id": "7"})
menu.apply_async((place,), {"merchant": merchant}, routing_key=merchant, expires=600)
"""


class Eatery:
    """The app's processes on a lane."""

    def __init__(self, lane: LocalLane) -> None:
        self.lane, self.notes = lane, lane.root / "notes"
        self.merchant = lane.merchant("bistro")
        lane.configure(self.merchant)

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "worker"), str(APPS)]),
            "EATERY_BROKER": self.lane.vhost.amqp_url,
            "EATERY_NOTES": str(self.notes),
            "EATERY_MERCHANT": self.merchant,
        }

    def work(self, pool: str) -> None:
        self.lane.work(4, arguments=["--app", "eatery.celery", "--pool", pool], PYTHONPATH=str(APPS)).ready()

    def web(self) -> None:
        """Handle one request in a process of its own."""
        command = [sys.executable, "-c", WEB, str(self.notes), self.merchant]
        ended = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=60)
        assert ended.returncode == 0, ended.stderr

    def cooked(self) -> list[str]:
        return self.notes.read_text("utf-8").splitlines() if self.notes.exists() else []

    def queues(self) -> set[str]:
        return {queue["name"] for queue in self.lane.vhost.api("GET", f"queues/{self.lane.vhost.name}?columns=name")}


@pytest.fixture
def eatery(lane: LocalLane) -> Eatery:
    return Eatery(lane)


@pytest.fixture
def beat(eatery: Eatery) -> Iterator[Path]:
    """Celery's beat of this app; gives its log."""
    log = eatery.lane.root / "beat.log"
    schedule = str(eatery.lane.root / "beat.db")
    command = [sys.executable, "-m", "celery", "-A", "eatery.celery", "beat", "--schedule", schedule, "--pidfile="]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=eatery.environment(), stdout=out, stderr=subprocess.STDOUT)
    yield log
    process.terminate()
    process.wait(30)


@pytest.mark.parametrize("pool", ["gevent", "prefork"])
def test_what_a_web_process_sends_is_done_under_its_merchant_s_key(eatery: Eatery, pool: str) -> None:
    before = eatery.queues()
    eatery.work(pool)

    eatery.web()

    merchant = eatery.merchant
    dishes = ("by position", "later", "first", "second", "by name", "starter")
    wanted = {f"{dish} for {merchant}, under {merchant}" for dish in dishes}
    until(lambda: set(eatery.cooked()) == wanted, "every dish", explain=eatery.cooked)
    until(lambda: eatery.lane.queued() == 0, "everything to be acked")
    assert eatery.queues() == before
    eatery.lane.look()
    assert not eatery.lane.dead


def test_what_beat_sends_is_done_too(eatery: Eatery, beat: Path) -> None:
    before = eatery.queues()
    eatery.work("gevent")

    until(lambda: len(eatery.cooked()) >= 3, "three dishes of beat's", explain=beat.read_text)
    assert set(eatery.cooked()) == {f"soup of the day for {eatery.merchant}, under {eatery.merchant}"}
    assert eatery.queues() - before <= {"celery"}  # beat's own backend_cleanup goes where the app says
    assert "Message Error" not in beat.read_text()
