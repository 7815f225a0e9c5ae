"""The server put together. Used by the program, and by tests that want it in their own event loop."""

from random import Random

from aiohttp import web

from merchant_sim.admin import Admin
from merchant_sim.merchants import Merchants
from merchant_sim.pos import PointOfSale
from merchant_sim.records import Records


def application(*, limit: int = 200_000, seed: int | None = None) -> web.Application:
    """All merchants and their switchboard, remembering at most `limit` orders."""
    merchants = Merchants(PointOfSale(Records(limit), limit), Random(seed))
    app = web.Application()
    app.router.add_get("/healthz", _healthz)
    app.router.add_routes(Admin(merchants).routes())
    app.router.add_route("*", "/m/{merchant}/{path:.*}", merchants.handle)
    return app


def runner(app: web.Application) -> web.AppRunner:
    """Callers who hang up cancel their handler (else a hung call would stay for ever); keep-alive outlasts theirs."""
    return web.AppRunner(app, handler_cancellation=True, keepalive_timeout=300, access_log=None, shutdown_timeout=1)


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")
