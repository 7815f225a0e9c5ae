"""The process's own client, configured by the environment, behind functions of the module."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from merchantroute_worker.client.message import Order
from merchantroute_worker.client.publishing import Client
from merchantroute_worker.client.results import Receipt

_SHARED: dict[str, Client] = {}


def publish(
    order: Mapping[str, Any],
    *,
    merchant: str | None = None,
    order_id: str | None = None,
    eta: datetime | None = None,
    expires: datetime | None = None,
    headers: Mapping[str, Any] | None = None,
    within: float | None = None,
) -> Receipt:
    """`Client.publish` with the process's own client, configured by the environment."""
    return _shared_client().publish(
        order, merchant=merchant, order_id=order_id, eta=eta, expires=expires, headers=headers, within=within
    )


def publish_many(orders: Iterable[Order | Mapping[str, Any]], *, within: float | None = None) -> list[Receipt]:
    """`Client.publish_many` with the process's own client, configured by the environment."""
    return _shared_client().publish_many(orders, within=within)


async def apublish(
    order: Mapping[str, Any],
    *,
    merchant: str | None = None,
    order_id: str | None = None,
    eta: datetime | None = None,
    expires: datetime | None = None,
    headers: Mapping[str, Any] | None = None,
    within: float | None = None,
) -> Receipt:
    """`Client.apublish` with the process's own client, configured by the environment."""
    return await _shared_client().apublish(
        order, merchant=merchant, order_id=order_id, eta=eta, expires=expires, headers=headers, within=within
    )


async def apublish_many(orders: Iterable[Order | Mapping[str, Any]], *, within: float | None = None) -> list[Receipt]:
    """`Client.apublish_many` with the process's own client, configured by the environment."""
    return await _shared_client().apublish_many(orders, within=within)


def _shared_client() -> Client:
    return _SHARED.get("client") or _SHARED.setdefault("client", Client())
