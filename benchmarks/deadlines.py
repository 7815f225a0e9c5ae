"""The overshoot of deadlines, by misbehaviour of the merchant: `make bench-deadlines`.

Merchants and name server are another process; the calls run as in a pod, fifty at a time in one hub. Printed, and
written to build/bench-deadlines.json: milliseconds beyond the deadline, 0 where a call ended before it because its
answer was complete or beyond the client's bounds.
"""

from merchantroute_worker.runtime import gevent_setup

gevent_setup.patch()

import json  # noqa: E402 - after patching
import os  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections import Counter  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402
from gevent.pool import Pool  # noqa: E402

from merchantroute_kit.servers.misbehaving import Misbehaving  # noqa: E402
from merchantroute_kit.worker.mounted_files import route_document  # noqa: E402
from merchantroute_worker.calls.attempt import attempt  # noqa: E402
from merchantroute_worker.calls.http_client import HttpClient  # noqa: E402
from merchantroute_worker.orders import envelope  # noqa: E402
from merchantroute_worker.orders.answers import Answer  # noqa: E402
from merchantroute_worker.orders.route import Merchant, parse  # noqa: E402
from merchantroute_worker.orders.steps.step import Step  # noqa: E402

CALLS, AT_A_TIME = 300, 50
LIMIT = 0.5
BOUND = 100.0
OUT = Path("build/bench-deadlines.json")


class Unwatched:
    """Nobody wants to know of the calls."""

    def begins(self, step: Step) -> dict[str, str]:
        """A call is about to begin."""
        del step
        return {}

    def ended(self, step: Step, answer: Answer, seconds: float) -> None:
        """A call ended."""
        del step, answer, seconds


def order(size: int) -> envelope.Order:
    """An order whose JSON has about so many bytes."""
    body = json.dumps([[], {"order": {"note": "x" * size}}, {}]).encode()
    return envelope.read(body=body, headers={}, correlation_id="o-1", routing_key="bistro")


def one(client: HttpClient, endpoint: str, carried: envelope.Order, route: Any) -> tuple[str, float]:
    """One attempt at one order; gives the class of its last answer and its seconds."""
    began = time.monotonic()
    result = attempt(carried, Merchant(id="bistro", endpoint=endpoint), route, client, Unwatched())
    return (result.answer.label if result.answer else "done", time.monotonic() - began)


def timer() -> dict[str, Any]:
    """What the machine itself adds to a time-out now, without a call: the floor under all other rows."""

    def wait() -> float:
        began = time.monotonic()
        gevent.sleep(LIMIT)
        return time.monotonic() - began

    waits = [gevent.spawn(wait) for _ in range(AT_A_TIME)]
    return row([("timeout", greenlet.get()) for greenlet in waits])


def row(ended: list[tuple[str, float]]) -> dict[str, Any]:
    """The figures of calls that ended with these answers after so many seconds."""
    over = sorted(max(0.0, seconds - LIMIT) * 1000 for _, seconds in ended)
    return {
        "calls": len(ended),
        "answers": dict(Counter(label for label, _ in ended)),
        "p99Ms": round(over[int(len(over) * 0.99) - 1], 1),
        "maxMs": round(over[-1], 1),
    }


def measure(endpoint: Callable[[int], str], *, size: int = 10, series: bool = False) -> dict[str, Any]:
    """Many attempts at one misbehaviour."""
    limits = {"callTimeoutMs": 60_000 if series else LIMIT * 1000, "deadlineMs": LIMIT * 1000 if series else 60_000}
    steps = [{"name": name, "method": "POST", "path": "/"} for name in (["a", "b", "c"] if series else ["a"])]
    route = parse(
        index={"v": 1, "generation": 1, "renderedAt": 0, "files": {}, "credentialsGeneration": 1},
        route=route_document(concurrency=AT_A_TIME, limits={**limits, "steps": steps}),
        merchants=[],
        credentials=[],
    )
    client, carried, pool = HttpClient(AT_A_TIME), order(size), Pool(AT_A_TIME)
    ended = list(pool.imap_unordered(lambda n: one(client, endpoint(n), carried, route), range(CALLS)))
    client.close()
    return row(ended)


def main() -> None:
    """Measure all, print a table, write the file."""
    gevent_setup.use_c_ares()
    bad = Misbehaving()
    gevent.config.ares_servers = ["127.0.0.1"]
    gevent.config.ares_udp_port = str(bad.ports["names"])
    ports = {name: port for name, port in bad.ports.items() if name not in {"names", "healthy"}}
    rows: dict[str, dict[str, Any]] = {"(a timer alone)": timer()}
    try:
        for name, port in ports.items():
            size = 400_000 if name == "never-reads" else 10
            rows[name] = measure(lambda _, port=port: f"http://127.0.0.1:{port}", size=size)  # type: ignore[misc]
        rows["tls-handshake"] = measure(lambda _: f"https://127.0.0.1:{bad.ports['silent']}")
        rows["dns"] = measure(lambda n: f"http://hung-{n}.example")
        rows["series"] = measure(lambda _: f"http://127.0.0.1:{bad.ports['body-drip']}", series=True)
    finally:
        bad.close()
    worst = max(figures["maxMs"] for figures in rows.values())
    document = {
        "limitMs": LIMIT * 1000,
        "atATime": AT_A_TIME,
        "boundMs": BOUND,
        "held": worst <= BOUND,
        "misbehaviours": rows,
    }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(document, indent=1) + "\n")
    sys.stdout.write(f"{'misbehaviour':<16} {'p99 ms':>8} {'max ms':>8}  answers\n")
    for name, figures in rows.items():
        answers = ", ".join(f"{label} {count}" for label, count in figures["answers"].items())
        sys.stdout.write(f"{name:<16} {figures['p99Ms']:>8} {figures['maxMs']:>8}  {answers}\n")
    sys.stdout.write(f"{CALLS} calls each, deadline {LIMIT * 1000:g} ms: at most {worst} ms beyond it\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
    # Look-ups that nobody waits for any more are still on their way.
    os._exit(0)
