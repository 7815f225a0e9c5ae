"""Parses the times in a message's headers: Celery's `eta` and `expires`. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from merchantroute_worker.orders.task_body import Malformed

ETA_WORTH_WAITING = 1.0
"""Seconds: an order with a later ETA waits on the ladder, without a slot."""


def header_time(headers: Mapping[str, Any], name: str, zone: tzinfo = UTC) -> float | None:
    """A header's time as epoch seconds, None without it; Malformed when it is not a time.

    Celery writes ETA and expiry as ISO 8601; a time without a zone is in `zone`, as in Celery's
    worker, which takes its app's.
    """
    value = headers.get(name)
    if value is None or value == "":
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
    except (TypeError, ValueError, OverflowError):
        raise Malformed(f"the header {name} is {value!r}, not an ISO 8601 time") from None
