"""What is missing is waited for inside the process; what can never work ends it with one line."""

import os
import signal
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest

from merchantroute_kit.waiting import until
from merchantroute_kit.worker import mounted_files, topology
from merchantroute_kit.worker.local_lane import LocalLane
from merchantroute_kit.worker.worker_process import environment_of

WORKER = Path(__file__).resolve().parents[2] / "worker"


def test_it_waits_for_its_configuration_and_then_works(lane: LocalLane) -> None:
    merchant = lane.merchant("bistro")
    worker = lane.work()
    worker.waits_for("configuration")
    assert worker.get("/livez")[0] == 200

    lane.configure(merchant)
    worker.ready()

    lane.until_done(lane.orders(merchant, 5))


def test_half_a_configuration_is_not_taken(lane: LocalLane) -> None:
    first, second = lane.merchant("first"), lane.merchant("second")
    lane.configure(first)
    worker = lane.work().ready()
    index = lane.root / "config" / "index.json"
    whole = index.read_bytes()

    index.write_bytes(whole.replace(b'"credentialsGeneration":1', b'"credentialsGeneration":9'))
    until(lambda: "credentials generation 9" in worker.get("/merchants")[1], "the worker to see it")
    lane.until_done(lane.orders(first, 5))
    lane.configure(second)

    lane.until_done(lane.orders(second, 5))
    assert lane.ledger() == {"done": 10}


def test_told_to_end_while_it_waits_it_ends_cleanly(lane: LocalLane) -> None:
    worker = lane.work()
    worker.waits_for("configuration")

    worker.signal(signal.SIGTERM)

    assert worker.wait() == 0


def test_a_missing_queue_is_waited_for_and_a_deleted_one_too(lane: LocalLane) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    delete_lane(lane)
    worker = lane.work()
    worker.waits_for(f"queue {topology.QUEUE}")

    topology.declare_lane(lane.vhost)
    worker.ready()
    lane.until_done(lane.orders(merchant, 5))
    delete_lane(lane)
    worker.waits_for("queue")
    topology.declare_lane(lane.vhost)
    worker.ready()

    lane.until_done(lane.orders(merchant, 5))
    assert lane.ledger() == {"done": 10}


def test_wrong_credentials_are_waited_out_and_rotated_ones_used_without_a_restart(lane: LocalLane) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    mounted_files.write_broker(lane.root, lane.vhost, password="wrong")
    worker = lane.work()
    worker.waits_for("AccessRefused")

    mounted_files.write_broker(lane.root, lane.vhost)
    worker.ready()

    lane.until_done(lane.orders(merchant, 5))


def test_an_unreachable_broker_is_waited_for(lane: LocalLane) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    port = lane.root / "broker" / "port"
    port.write_text("1")
    worker = lane.work()
    worker.waits_for("the broker")

    mounted_files.write_broker(lane.root, lane.vhost)
    worker.ready()

    lane.until_done(lane.orders(merchant, 5))


def test_told_to_end_while_the_broker_is_away_it_ends_cleanly(lane: LocalLane) -> None:
    lane.configure(lane.merchant("bistro"))
    (lane.root / "broker" / "port").write_text("1")
    worker = lane.work()
    worker.waits_for("the broker")

    worker.signal(signal.SIGTERM)

    assert worker.wait() == 0


def test_missing_exchanges_for_pulses_and_records_disturb_no_order(lane: LocalLane) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    with topology.connect(lane.vhost) as connection:
        channel = connection.channel()
        channel.exchange_delete(topology.PULSES)
        channel.exchange_delete(topology.COMPLETIONS)
    worker = lane.work().ready()

    ids = lane.orders(merchant, 30)

    def confirmed() -> bool:
        receipts = lane.merchants.receipts(lane.run)
        return all("confirm" in receipts.get(order_id, {}) for order_id in ids)

    until(confirmed, "every order to reach its last step")
    until(lambda: lane.unacked() == 0, "every order to be acked")
    warned = [record for record in worker.records() if "completion records are not published" in record["message"]]
    assert len(warned) == 1


def test_the_post_s_own_command_line_works(lane: LocalLane) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    ids = lane.orders(merchant, 10)
    environment = {**os.environ, **environment_of(lane.root, "by-hand"), "PYTHONPATH": str(WORKER)}
    command = "-A merchantroute_worker.gcelery worker --concurrency=20 --pool gevent --loglevel=info --without-mingle"
    with (lane.root / "celery.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", *command.split()], env=environment, stdout=log, stderr=log
        )
        try:
            lane.until_done(ids)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["--app", "no.such.app"], {}, "cannot import the app 'no.such.app'"),
        (["--app", "json"], {}, "has no Celery app"),
        ([], {"MR_TIER": ""}, "set MR_TIER"),
        ([], {"MR_PORT": "http"}, "MR_PORT='http' is not a number"),
    ],
)
def test_what_can_never_work_ends_with_one_line(arguments: list[str], environment: dict[str, str], said: str) -> None:
    lane = {"MR_NAMESPACE": "orders", "MR_ROUTE": "pos", "MR_TIER": "standard", "PYTHONPATH": str(WORKER)}
    ended = subprocess.run(
        [sys.executable, "-m", "merchantroute_worker", *arguments],
        env={**os.environ, **lane, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 1
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_an_unpatched_process_refuses_to_run() -> None:
    start = "from merchantroute_worker import launcher; launcher.gevent_setup.patch = lambda: None; launcher.main()"
    ended = subprocess.run(
        [sys.executable, "-c", start],
        env={**os.environ, "PYTHONPATH": str(WORKER)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 1
    assert "not patched" in ended.stderr


def delete_lane(lane: LocalLane) -> None:
    lane.vhost.api("DELETE", f"queues/{lane.vhost.name}/{urllib.parse.quote(topology.QUEUE, safe='')}")
