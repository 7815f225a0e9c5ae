"""What the bulkhead sees as one call, and how long that may take."""

from merchantroute_worker.calls.http_client import HttpClient
from merchantroute_worker.pools.attempt_runners import InChildProcess, InProcess
from tests.unit.worker.samples import route

ROUTE = route(callTimeoutMs=4_000, deadlineMs=20_000)


def test_a_call_of_this_process_is_judged_by_its_own_time_out_and_a_child_s_attempt_by_the_deadline() -> None:
    assert InProcess(HttpClient(1)).timeout(ROUTE, ROUTE.steps) == 4.0
    assert InChildProcess(pool=None).timeout(ROUTE, ROUTE.steps) == 20.0
