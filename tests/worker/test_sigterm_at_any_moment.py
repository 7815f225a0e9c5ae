"""SIGTERM ends a pod at any moment of its life, the first ones included, and orders that it did not begin are as new.

Each worker is process 1 of a PID namespace of its own, as in a container: the kernel discards signals that process 1
has no handler for. It sends SIGTERM to itself when it comes to the moment (tests/harness/moments).
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from merchantroute_kit.worker.local_lane import LocalLane
from merchantroute_kit.worker.worker_process import WorkerProcess
from tests.harness.container import AS_PROCESS_1, told_at
from tests.worker.plain_app import APPS

LAUNCHER = "module:merchantroute_worker.launcher"
"""What the program imports right after it has installed its handlers."""
STARTING = [
    LAUNCHER,
    "module:gevent.monkey",
    "call:parse_options",
    "module:celery",
    "module:requests",  # by the app
    "call:Pod.__init__",
    "call:start_reporting",
    "call:_wait_for_configuration",
]
IMPORTS = [f"import:{number}" for number in (30, 60, 130, 250, 400, 550)]
WORKING = [
    "call:LeanConsumer.on_ready",
    "call:Deliveries.start_order",
]
ALSO_WORKING = [
    "call:LeanConsumer.__init__",
    "call:EndingSignals.hand_over",
    "call:LeanConsumer.connect",
    "call:LeanConsumer.perform_pending_operations",
]


class ContainerProcess(WorkerProcess):
    """A pod's process as process 1."""

    def command(self, arguments: list[str], given: Mapping[str, str]) -> list[str]:  # type: ignore[override]
        """What is started."""
        return [*AS_PROCESS_1, *super().command(arguments, given)]


class CeleryAsProcess1(ContainerProcess):
    """The same, by Celery's own command line."""

    program = "celery"


def told(moment: str, root: Path, *arguments: str) -> WorkerProcess:
    """Start a worker that is told to end at this moment."""
    given = ["--app", "shop.celery", "--concurrency", "4", *arguments]
    return ContainerProcess(root, "told", given, told_at(moment, APPS))


@pytest.mark.parametrize("moment", [*STARTING, *(pytest.param(each, marks=pytest.mark.extended) for each in IMPORTS)])
@pytest.mark.parametrize("pool", ["gevent", pytest.param("prefork", marks=pytest.mark.extended)])
def test_a_pod_that_starts_ends_at_once(moment: str, pool: str, tmp_path: Path) -> None:
    worker = told(moment, tmp_path, "--pool", pool)
    try:
        assert worker.wait() == 0
        assert "ends at SIGTERM, before it took orders" in worker.log.read_text()
    finally:
        worker.close()


def test_celery_s_own_command_line_ends_at_once_as_soon_as_our_loader_is_there(tmp_path: Path) -> None:
    env = {**told_at("call:LaneLoader.on_worker_init", APPS), "CELERY_LOADER": "merchantroute_worker.loader:LaneLoader"}
    worker = CeleryAsProcess1(tmp_path, "told", ["-A", "shop.gcelery", "worker", "--pool", "gevent"], env)
    try:
        assert worker.wait() == 0
    finally:
        worker.close()


@pytest.mark.parametrize(
    "moment", [*WORKING, *(pytest.param(each, marks=pytest.mark.extended) for each in ALSO_WORKING)]
)
@pytest.mark.parametrize("pool", ["gevent", pytest.param("threads", marks=pytest.mark.extended)])
def test_a_pod_that_works_finishes_what_it_began_and_leaves_the_rest_as_it_was(
    lane: LocalLane, moment: str, pool: str
) -> None:
    merchant = lane.merchant("bistro", latency={"p50_ms": 100, "p99_ms": 150})
    lane.configure(merchant, concurrency=4)
    ids = lane.orders(merchant, 40)
    worker = told(moment, lane.root, "--pool", pool)
    lane.workers.append(worker)

    assert worker.wait() == 0
    begun = {order_id for order_id, steps in lane.merchants.receipts(lane.run).items() if steps}
    lane.work(4).ready()

    lane.until_done(ids)
    assert lane.ledger() == {"done": 40}
    # RabbitMQ marks as redelivered even what it took back from a cancelled consumer before any client had it.
    assert {record["attempts"] for order_id in ids if order_id not in begun for record in lane.done[order_id]} == {1}
    assert {record["lane"] for order_id in ids for record in lane.done[order_id]} == {"stable"}
