"""The operator as it is, in a process that also measures its event loop, and whose Lease a busy machine does not take.

A renewal of the Lease waits for its turn in the event loop, and then for the API server. The first is the operator's
doing, and is measured here in CPU seconds, which do not depend on what else the machine does; the second is the
machine's wherever API server, etcd and RabbitMQ share the operator's cores. With the Lease's usual terms a run would
end by the second, and say nothing about the first.
"""

import asyncio
import time

from prometheus_client import Gauge

from merchantroute_operator.__main__ import run
from merchantroute_operator.kube.lease import Terms
from merchantroute_operator.logs import log_json
from merchantroute_operator.settings import Settings

PATIENT = Terms(duration=120, deadline=90.0, stopping=5.0, last=110.0)
BEAT = 0.05  # seconds
LONGEST_TURN = Gauge(
    "bench_longest_turn_cpu_seconds", "CPU that the event loop spent at most between two turns of a timer of 50 ms"
)


async def _beat() -> None:
    """Note how much of the loop's own work lies between two turns of a timer."""
    longest, before = 0.0, time.thread_time()
    while True:
        await asyncio.sleep(BEAT)
        now = time.thread_time()
        if now - before > longest:
            longest = now - before
            LONGEST_TURN.set(longest)
        before = now


async def _run() -> None:
    beat = asyncio.create_task(_beat())
    try:
        await run(Settings.from_env(), PATIENT)
    finally:
        beat.cancel()


def main() -> None:
    """The program."""
    log_json()
    asyncio.run(_run())


if __name__ == "__main__":
    main()
