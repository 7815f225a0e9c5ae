"""`python -m benchmarks.operator_scale`: what the operator costs with 1, 100 and 1,000 routes.

ROUTES=1,100 selects; QUICK=1 measures for a third of the time; SECRETS=2000 puts so many Secrets of 100 kB of others
beside them; MERCHANTS=20000 makes so many Merchant objects of one more route, of which one moves then, five times. One
process of the operator, a real API server without nodes (so no pods), two virtual hosts of a real RabbitMQ and a broker
that hangs; every third route uses that one.
"""

import os
import signal
import sys
from pathlib import Path

import click

from benchmarks.json_file import write_json
from benchmarks.operator_scale.brokers import three_brokers
from benchmarks.operator_scale.measuring import Bench, Times
from benchmarks.progress import Progress
from merchantroute_kit.servers.api_server import api_server

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "build" / "bench-operator.json"


def main() -> None:
    """The program."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers and containers are ended, too
    sizes = [int(each) for each in os.environ.get("ROUTES", "1,100,1000").split(",")]
    times = Times(secrets=int(os.environ.get("SECRETS", "0")), crowd=int(os.environ.get("MERCHANTS", "0")))
    times = times.quick() if os.environ.get("QUICK") else times
    results = []
    for routes in sizes:
        progress = Progress()
        progress.line(f"{routes} routes")
        with api_server() as server, three_brokers() as brokers:
            log = ROOT / "build" / f"bench-operator-{routes}.log"
            log.parent.mkdir(exist_ok=True)
            log.unlink(missing_ok=True)
            bench = Bench(server, brokers, routes, times, progress, log)
            results.append(bench.run())
            progress.line("".join(f"  {name}: {value}\n" for name, value in results[-1].items()))
            write_json(RESULT, results)
    click.echo(f"written: {RESULT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
