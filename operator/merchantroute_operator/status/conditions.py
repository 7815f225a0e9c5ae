"""Merges conditions in Kubernetes' format, each with the time of its last transition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from merchantroute_operator.spec.route import Raw
from merchantroute_operator.status.text import bounded
from merchantroute_operator.status.view import Condition


def merge(old: Sequence[Raw], new: Iterable[Condition], *, generation: int, now: str) -> list[dict[str, Any]]:
    """``new`` as JSON; ``lastTransitionTime`` (RFC 3339) is kept where ``status`` is as in ``old``, else ``now``."""
    before = {condition["type"]: condition for condition in old}
    merged = []
    for condition in new:
        previous = before.get(condition.type, {})
        unchanged = previous.get("status") == condition.status
        merged.append(
            {
                "type": condition.type,
                "status": condition.status,
                "observedGeneration": generation,
                "lastTransitionTime": previous["lastTransitionTime"] if unchanged else now,
                "reason": str(condition.reason),
                "message": bounded(condition.message),
            }
        )
    return merged
