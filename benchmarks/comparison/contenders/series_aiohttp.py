"""The series of calls with aiohttp, for those that run on asyncio: one session, no limit of its own, no timers."""

import json
import os
from typing import Any

import aiohttp

ENDPOINT = os.environ["BENCH_ENDPOINT"]
SLOTS = int(os.environ["BENCH_SLOTS"])
_JSON = {"Content-Type": "application/json"}


def session() -> aiohttp.ClientSession:
    """The one session; to be made inside the loop."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
    )


async def carry(http: aiohttp.ClientSession, order_id: str, merchant: str, order: Any) -> None:
    """The three calls, one after the other; RuntimeError when one is not answered with 200."""
    body = json.dumps(order).encode()
    place = f"{ENDPOINT}/m/{merchant}/orders"
    async with http.post(f"{place}/validate", data=body, headers=_headers(f"{order_id}:validate")) as answer:
        await _whole(answer)
    async with http.post(place, data=body, headers=_headers(f"{order_id}:submit")) as answer:
        await _whole(answer)
    async with http.get(f"{place}/{order_id}", headers=_headers(f"{order_id}:confirm")) as answer:
        await _whole(answer)


def _headers(key: str) -> dict[str, str]:
    return {**_JSON, "Idempotency-Key": key}


async def _whole(answer: aiohttp.ClientResponse) -> None:
    await answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{answer.url}: {answer.status}")
