"""The routing key, ETA and headers of messages that a task sends, without a broker."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType, SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from merchantroute_worker.celery import send_task
from merchantroute_worker.orders.envelope import PUBLISHED_AT
from tests.unit.worker.samples import route

ROUTE = route()
LISTED = next(iter(ROUTE.merchants))


class Parent:
    """What Celery calls the request of the running task."""

    id = "task-1"
    delivery_info: Mapping[str, str] = MappingProxyType({"routing_key": "burger-hut"})

    def get(self, name: str) -> Any:
        return {PUBLISHED_AT: 1_000}.get(name)


@pytest.mark.parametrize(
    ("given", "parent", "expected"),
    [
        (None, Parent(), "burger-hut"),
        ("orders.high", Parent(), "burger-hut"),  # a key of another deployment
        (LISTED, Parent(), LISTED),
        ("orders.high", None, "orders.high"),
        (None, None, ""),
        (None, SimpleNamespace(delivery_info=None), ""),
    ],
)
def test_whose_key(given: Any, parent: Any, expected: str) -> None:
    assert send_task._routing_key(given, parent, ROUTE) == expected


def test_when_it_is_due() -> None:
    now = datetime.now(UTC)
    assert send_task._due(None, None, UTC) is None
    assert send_task._due(None, "2030-01-01T00:00:00", UTC) == datetime(2030, 1, 1, tzinfo=UTC)
    counted = send_task._due(60, now, UTC)
    assert counted is not None
    assert timedelta(seconds=59) < counted - now < timedelta(seconds=120)


@pytest.mark.parametrize("eta", ["2030-01-01T00:00:00", datetime(2030, 1, 1)])  # noqa: DTZ001 - it has no zone
def test_a_time_without_a_zone_is_in_the_app_s(eta: object) -> None:
    assert send_task._due(None, eta, ZoneInfo("Europe/Berlin")) == datetime(2029, 12, 31, 23, tzinfo=UTC)


def test_a_retry_keeps_its_task_s_age_and_a_child_has_its_own() -> None:
    old = {"mr-rung": "1000", "x-death": [], "tenant": "eu"}
    assert send_task._headers(old, Parent(), "task-1") == {"tenant": "eu", PUBLISHED_AT: 1_000}
    assert send_task._headers(None, Parent(), "task-2")[PUBLISHED_AT] > 1_000
