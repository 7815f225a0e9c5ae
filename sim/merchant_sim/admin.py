"""The switchboard: behaviours are set, receipts read and figures taken over HTTP while orders run.

GET    /admin/merchants            every behaviour that was set, and the default
PUT    /admin/merchants/<id>       set one; fields left out are the default's
DELETE /admin/merchants/<id>       back to the default
PUT    /admin/default              set the default; fields left out are the built-in ones
GET    /admin/receipts?run=<prefix>
GET    /admin/stats
POST   /admin/reset                forget receipts, tickets and behaviours
"""

import json
import time
import uuid
from collections.abc import Callable

from aiohttp import web

from merchant_sim.behaviour import Behaviour, as_json, parse
from merchant_sim.merchants import Merchants


class Admin:
    """Handlers over the running merchants. `started` (ms since epoch) and `book` change when the book is lost."""

    def __init__(self, merchants: Merchants) -> None:
        self._merchants = merchants
        self._begin_book()

    def routes(self) -> list[web.RouteDef]:
        """What to add to the application's router."""
        return [
            web.get("/admin/merchants", self._behaviours),
            web.put("/admin/merchants/{merchant}", self._set_one),
            web.delete("/admin/merchants/{merchant}", self._unset_one),
            web.put("/admin/default", self._set_default),
            web.get("/admin/receipts", self._receipts),
            web.get("/admin/stats", self._stats),
            web.post("/admin/reset", self._reset),
        ]

    async def _behaviours(self, _: web.Request) -> web.Response:
        own = {name: as_json(one) for name, one in sorted(self._merchants.own.items())}
        return _json({"default": as_json(self._merchants.default), "merchants": own})

    async def _set_one(self, request: web.Request) -> web.Response:
        merchant = request.match_info["merchant"]
        behaviour = await _parsed(request, self._merchants.default)
        self._merchants.own[merchant] = behaviour
        self._merchants.peaks.pop(merchant, None)
        return _json(as_json(behaviour))

    async def _unset_one(self, request: web.Request) -> web.Response:
        self._merchants.own.pop(request.match_info["merchant"], None)
        return _json(as_json(self._merchants.default))

    async def _set_default(self, request: web.Request) -> web.Response:
        self._merchants.default = await _parsed(request, Behaviour())
        return _json(as_json(self._merchants.default))

    async def _receipts(self, request: web.Request) -> web.Response:
        records = self._merchants.pos.records
        return _json({"book": self._book, "orders": dict(records.summary(request.query.get("run", "")))})

    async def _stats(self, _: web.Request) -> web.Response:
        records = self._merchants.pos.records
        return _json(
            {
                "started": self._started,
                "book": self._book,
                "orders": len(records),
                "receipts": records.receipts,
                "effects": records.effects,
                "forgotten": records.forgotten,
                "hung": self._merchants.hung,
                "served": dict(self._merchants.served),
                "peaks": self._merchants.peaks,
            }
        )

    async def _reset(self, _: web.Request) -> web.Response:
        self._merchants.pos.clear()
        self._merchants.own.clear()
        self._merchants.default = Behaviour()
        self._merchants.served.clear()
        self._merchants.peaks.clear()
        self._begin_book()
        return _json({"book": self._book})

    def _begin_book(self) -> None:
        self._started = round(time.time() * 1000)
        self._book = uuid.uuid4().hex[:12]


async def _parsed(request: web.Request, base: Behaviour) -> Behaviour:
    try:
        return parse(await request.json(), base)
    except ValueError as error:
        raise web.HTTPBadRequest(text=json.dumps({"error": str(error)}), content_type="application/json") from None


_dumps: Callable[[object], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _json(body: object) -> web.Response:
    return web.json_response(body, dumps=_dumps)
