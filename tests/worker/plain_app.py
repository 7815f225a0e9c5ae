"""Publishes the tasks of the plain app in tests/worker/apps/shop, and reads what they wrote."""

from pathlib import Path
from typing import Any

from merchantroute_kit.waiting import until
from merchantroute_kit.worker.local_lane import LocalLane
from merchantroute_kit.worker.worker_process import WorkerProcess

APPS = Path(__file__).parent / "apps"


class PlainApp:
    """The plain app on a lane."""

    def __init__(self, lane: LocalLane) -> None:
        self.lane = lane
        self.place = str(lane.root / "notes")
        self._sent = 0

    def work(self, pool: str = "gevent", app: str = "shop.celery", **env: str) -> WorkerProcess:
        """Start a worker of this pool with four slots."""
        return self.lane.work(4, arguments=["--app", app, "--pool", pool], **{"PYTHONPATH": str(APPS), **env})

    def send(
        self, merchant: str, task: str, *args: Any, headers: dict[str, Any] | None = None, embed: Any = None
    ) -> str:
        """Publish one of its tasks through the front door, as any Celery would; gives its id."""
        self._sent += 1
        task_id = f"{self.lane.run}-task-{self._sent}"
        known = {"task": f"shop.{task}", "retries": 0, "lang": "py", "root_id": task_id, **(headers or {})}
        self.lane.publish(merchant, task_id, body=[list(args), {}, embed or {}], headers=known)
        return task_id

    def notes(self) -> list[str]:
        """The lines that its tasks wrote."""
        path = Path(self.place)
        return path.read_text("utf-8").splitlines() if path.exists() else []

    def until_noted(self, *lines: str, seconds: float = 60.0) -> None:
        """Wait until all of these are written."""
        until(lambda: set(lines) <= set(self.notes()), f"{lines} in {self.place}", seconds)

    def until_empty(self) -> None:
        """Wait until nothing is queued or unacked in lane and rungs."""
        until(lambda: self.lane.queued() == 0, "everything to be acked")
