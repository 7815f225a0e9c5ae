"""What a lane's container runs: the launcher, or a command of the route's own, such as Celery's own command line."""

from __future__ import annotations

from merchantroute_operator import naming
from merchantroute_operator.resources.metadata import Object
from merchantroute_operator.spec.route import Route, Tier

SETTLED = 10  # seconds for which a pod without probes has to run before an old one may go
_SLOTS = "MR_CONCURRENCY"
# Celery and gevent read these. The loader gives any app the settings that keep orders safe, and the lane's queue.
_CELERY = {"CELERY_LOADER": "merchantroute_worker.loader:LaneLoader", "GEVENT_RESOLVER": "ares"}


def program(tier: Tier, lane: str) -> Object:
    """The container's ``command`` and ``args``. Kubernetes replaces $(NAME) in both by a variable of the container."""
    if tier.pod.command:
        return {"command": list(tier.pod.command)}
    return {
        "command": ["merchantroute-worker"],
        "args": ["--app", tier.pod.app, "--pool", tier.pool, *_slots(tier, lane)],
    }


def variables(route: Route, tier: Tier, lane: str) -> list[Object]:
    """Environment of a command of the route's own; the route's own variables of the same name have the last word.

    The number of slots only where the command asks for it: elsewhere a change of it must replace no pod. Where the
    broker is, and who the pod is there, stays in the mounted files.
    """
    command = tier.pod.command
    if not command:
        return []
    place = (route.namespace, route.name)
    queue = naming.suspect(*place) if lane == naming.SUSPECT else naming.lane_queue(*place, tier.name, lane)
    slots = {_SLOTS: str(tier.concurrency)} if any(f"$({_SLOTS})" in word for word in command) else {}
    given = {variable["name"] for variable in tier.pod.fields.get("env", ())}
    variables = {"MR_QUEUE": queue, **slots, **_CELERY}
    return [{"name": name, "value": value} for name, value in variables.items() if name not in given]


def probes(tier: Tier) -> Object:
    """The launcher answers them. Of a command of the route's own nobody knows whether it does, so nothing is asked."""
    if tier.pod.command:
        return {}
    return {
        # Importing an app can take a while on a busy node; liveness counts only from the first answer on.
        "startupProbe": _probe("/livez", period=2, failures=60),
        "livenessProbe": _probe("/livez", period=10, failures=3),
        "readinessProbe": _probe("/readyz", period=2, failures=2),
    }


def settling(tier: Tier) -> Object:
    """Fields of the Deployment's spec. Without a probe a pod is ready as it starts, also one that ends at once."""
    return {"minReadySeconds": SETTLED} if tier.pod.command else {}


def _slots(tier: Tier, lane: str) -> list[str]:
    """The number of slots, where only a new pod can have another one.

    A gevent pod reads it from its mounted configuration, so that a change replaces no pod; threads and processes are
    started with the pod. The suspect lane has one, whatever the configuration says.
    """
    live = tier.pool == "gevent" and lane != naming.SUSPECT
    return [] if live else ["--concurrency", str(tier.concurrency)]


def _probe(path: str, *, period: int, failures: int) -> Object:
    return {
        "httpGet": {"path": path, "port": "http", "scheme": "HTTP"},
        "periodSeconds": period,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }
