"""`merchant-sim --port 8080`: serve until SIGTERM or SIGINT."""

import argparse
import asyncio
import resource
import signal
import sys

from aiohttp import web

from merchant_sim.server import application, runner


def main() -> None:
    """The program. Prints one line when it listens, which tests and scripts may wait for."""
    options = argparse.ArgumentParser(prog="merchant-sim", description=sys.modules["merchant_sim"].__doc__)
    options.add_argument("--host", help="address to listen on (default: all, of IPv4 and IPv6)")
    options.add_argument("--port", type=int, default=8080, help="port (default 8080; 0 takes a free one)")
    options.add_argument("--limit", type=int, default=200_000, help="orders to remember (default 200000)")
    options.add_argument("--seed", type=int, default=None, help="make latencies and errors repeatable")
    given = options.parse_args()
    _many_files()
    asyncio.run(_serve(given.host, given.port, application(limit=given.limit, seed=given.seed)))


async def _serve(host: str | None, port: int, app: web.Application) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    serving = runner(app)
    await serving.setup()
    await web.TCPSite(serving, host, port, backlog=4096).start()
    sys.stdout.write(f"merchant-sim listens on http://{host or 'localhost'}:{serving.addresses[0][1]}\n")
    sys.stdout.flush()
    await stop.wait()
    await serving.cleanup()


def _many_files() -> None:
    """A hung call holds a connection, hence a file: take as many as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()
