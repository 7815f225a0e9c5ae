"""merchant-sim with a log of every call: whose, of which order and step, from when to when, and the answer's status.

`python -m benchmarks.isolation_compared.logged_merchants PORT`. It listens on all addresses of loopback, so that each
merchant can have a host of its own. GET /calls gives the log and forgets it. A call that was never answered has the
status 0, and ends when its caller hangs up.
"""

import asyncio
import resource
import sys
import time

from aiohttp import web
from aiohttp.typedefs import Handler

from merchant_sim.server import application, runner

LoggedCall = tuple[str, str, str, float, float, int]  # order, step, merchant, began, ended (epoch seconds), status


class CallLog:
    """All calls since it was last asked."""

    def __init__(self) -> None:
        self._ended: list[LoggedCall] = []
        self._open: dict[int, tuple[str, str, str, float]] = {}
        self._next = 0

    @web.middleware
    async def note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Note one call; anything that is not for a merchant passes."""
        merchant = request.match_info.get("merchant")
        if merchant is None or not request.path.startswith("/m/"):
            return await handler(request)
        order, _, step = request.headers.get("Idempotency-Key", "").rpartition(":")
        number = self._next = self._next + 1
        self._open[number] = (order, step, merchant, time.time())
        status = 0
        try:
            answer = await handler(request)
            status = answer.status
            return answer
        finally:
            self._ended.append((*self._open.pop(number), time.time(), status))

    async def give(self, _: web.Request) -> web.Response:
        """The log, with calls that are under way as if they ended now; nothing is kept of those that have ended."""
        now = time.time()
        calls = [*self._ended, *((*begun, now, -1) for begun in self._open.values())]
        self._ended = []
        return web.json_response(calls)


async def _serve(port: int) -> None:
    log = CallLog()
    app = application()
    app.middlewares.append(log.note)
    app.router.add_get("/calls", log.give)
    serving = runner(app)
    await serving.setup()
    await web.TCPSite(serving, "0.0.0.0", port, backlog=4096).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(_serve(int(sys.argv[1])))
