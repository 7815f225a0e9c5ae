"""Liveness probe: whether the event loop's own heartbeat goes on.

Nothing that a broker, the API server or a tenant does is in it: a restart would mend none of that, and take the others'
operator away. A standby that waits for the Lease is alive for the same reason.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from aiohttp import web

STUCK_AFTER = 120.0  # seconds without a heartbeat before the process counts as stuck


class Progress(Protocol):
    """Something with a heartbeat that waits for no server."""

    def stuck_for(self) -> float:
        """Seconds by which the heartbeat is late."""


class Health:
    """``GET /healthz``: 200, or 503 with what is stuck."""

    def __init__(self) -> None:
        self._watched: tuple[Progress, ...] = ()

    def watch(self, *parts: Progress) -> None:
        """From now on these must move."""
        self._watched = parts

    async def answer(self, _request: web.Request) -> web.Response:
        """The probe's answer."""
        for part in self._watched:
            seconds = part.stuck_for()
            if seconds > STUCK_AFTER:
                return web.Response(status=503, text=f"{type(part).__name__} has not moved for {seconds:.0f} s\n")
        return web.Response(text="ok\n")

    @asynccontextmanager
    async def serve(self, port: int) -> AsyncIterator[None]:
        """Answer on ``port`` for the time of the block."""
        app = web.Application()
        app.router.add_get("/healthz", self.answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, port=port).start()
        try:
            yield
        finally:
            await runner.cleanup()
