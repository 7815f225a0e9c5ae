"""Pulses: a heartbeat with the pod's counters for the operator, every two seconds, and at once when a merchant becomes
slow, asks for time, refuses its credentials or leads where no call may go, and when another configuration is in use.

They are neither persistent nor confirmed, and have a channel of their own: a missing exchange or a blocked broker costs
a pulse, never an order.
"""

import json
import logging
import time
from functools import partial
from typing import Any

from merchantroute_worker.isolation.groups import group_figures, group_of
from merchantroute_worker.orders.messages import Outgoing
from merchantroute_worker.pod import Pod
from merchantroute_worker.rabbit.publisher import NotPublished
from merchantroute_worker.runtime.threads import sleep, until_beat
from merchantroute_worker.telemetry.counters import BlockedHub

log = logging.getLogger(__name__)
PULSE_INTERVAL = 2.0
POLL_INTERVAL = 0.25
MAX_SLOW = 100
MAX_REFUSING = 100
"""Merchants of each kind that a pulse names."""
MAX_FIGURES = 200
"""Merchants with their figures."""
MAX_GROUPS = 100
"""Groups of several merchants."""


def document(pod: Pod) -> dict[str, Any]:
    """The pulse to send now (schema/pulse.json)."""
    now = time.monotonic()
    identity, counters = pod.identity, pod.counters
    slow = sorted(pod.bulkhead.slow(pod.clock.now()), key=lambda one: -one.oldest)[:MAX_SLOW]
    refusals = pod.bulkhead.refusals
    paused = sorted(refusals.paused(pod.clock.now()), key=lambda one: -one.seconds)[:MAX_REFUSING]
    refusing = refusals.refusing_credentials()[:MAX_REFUSING]
    forbidden = pod.forbidden_merchants.names(pod.clock.now())[-MAX_REFUSING:]
    return {
        "pod": identity.pod,
        "namespace": identity.namespace,
        "route": identity.route,
        "tier": identity.tier,
        "lane": identity.lane,
        "started": round(pod.started * 1000),
        "at": round(time.time() * 1000),
        "generation": pod.files.generation,
        "busy": counters.busy,
        "busySeconds": round(counters.busy_seconds(now), 3),
        "finished": counters.finished,
        "retried": counters.retried,
        "dead": counters.dead,
        "slow": [{"merchant": s.merchant, "inFlight": s.in_flight, "oldest": round(s.oldest, 3)} for s in slow],
        **_figures(pod),
        **({"paused": [{"merchant": p.merchant, "seconds": round(p.seconds, 3)} for p in paused]} if paused else {}),
        **({"credentialsRefused": refusing} if refusing else {}),
        **({"forbidden": forbidden} if forbidden else {}),
        **({"blocked": _blocked(pod.blocked_hub, now)} if pod.blocked_hub.count else {}),
    }


def _figures(pod: Pod) -> dict[str, Any]:
    own = pod.own_orders
    figures = pod.bulkhead.figures(pod.clock.now(), set(own.own_tags.values()) if own else (), MAX_FIGURES)
    route = pod.files.current if pod.files.generation else None
    group = partial(group_of, route) if route else _without_group
    groups = group_figures(figures.active, group, MAX_GROUPS)
    merchants = [
        {
            "merchant": one.merchant,
            "inFlight": one.in_flight,
            "slow": one.slow,
            "refused": one.refused,
            "succeeded": one.succeeded,
            "failed": one.failed,
            **({"group": its} if (its := group(one.merchant)) in groups else {}),
            **({"limited": one.limited} if one.limited else {}),
            **({"pausedFor": round(one.paused_for, 3)} if one.paused_for else {}),
        }
        for one in figures.merchants
    ]
    listed = [{"group": name, **one._asdict()} for name, one in groups.items()]
    return {
        "slots": pod.concurrency,
        "active": len(figures.active),
        "slowMerchants": sum(one.slow for one in figures.active.values()),
        "fairShare": figures.fair_share,
        **({"merchants": merchants} if merchants else {}),
        **({"groups": listed} if listed else {}),
    }


def _without_group(_merchant: str) -> None:
    return None


def _blocked(hub: BlockedHub, now: float) -> dict[str, Any]:
    return {
        "count": hub.count,
        "longest": round(hub.longest, 3),
        "latest": round(hub.latest, 3),
        "ago": round(max(0.0, now - hub.last_ended), 3),
    }


def run(pod: Pod) -> None:
    """Send pulses until the process ends."""
    due, known, generation = 0.0, frozenset[tuple[str, str]](), 0
    while True:
        now = time.monotonic()
        troubles = _troubles(pod)
        for what, merchant in troubles - known:
            log.warning("merchant %s", what, extra={"data": {"merchant": merchant}})
        if now >= due or troubles - known or generation != pod.files.generation:
            due, generation = now + PULSE_INTERVAL, pod.files.generation
            _send(pod)
        known = troubles
        sleep(until_beat(POLL_INTERVAL))


def _troubles(pod: Pod) -> frozenset[tuple[str, str]]:
    """Why orders of which merchants wait, or are dead letters, in the words of the log."""
    now, bulkhead = pod.clock.now(), pod.bulkhead
    return frozenset(
        [
            *(("is slow", merchant) for merchant in bulkhead.slow_names(now)),
            *(("asked for time", paused.merchant) for paused in bulkhead.refusals.paused(now)),
            *(("refuses its credentials", merchant) for merchant in bulkhead.refusals.refusing_credentials()),
            *(("leads where no call may go", merchant) for merchant in pod.forbidden_merchants.names(now)),
        ]
    )


def _send(pod: Pod) -> None:
    if not pod.files.generation:
        return
    message = Outgoing(
        exchange=pod.files.current.pulses,
        routing_key="",
        body=json.dumps(document(pod), separators=(",", ":")).encode(),
        properties={"content_type": "application/json", "delivery_mode": 1},
        headers={},
        mandatory=False,
    )
    try:
        pod.pulse_publisher.send(message)
    except NotPublished as error:
        log.debug("no pulse: %s", error)
