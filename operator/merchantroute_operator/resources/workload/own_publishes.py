"""Which exchanges a pod publishes to beyond those of every worker: by what its app may do, and by its settings.

It is read from the pod itself, so that during a rollout it is known of pods of the template before, too.
"""

from __future__ import annotations

from collections.abc import Iterator

from merchantroute_operator import naming
from merchantroute_operator.resources.metadata import Live
from merchantroute_operator.spec.route import Route
from merchantroute_operator.spec.sections.pods.pod_template import WORKER

BUILT_IN_APP = "merchantroute_worker.app"
EVENTS = "celeryev"  # Celery's default event_exchange


def own_publishes(route: Route, pod_spec: Live) -> frozenset[str]:
    """Names of exchanges; none of a pod that has not the worker's container."""
    workers = (each for each in pod_spec.get("containers") or () if each.get("name") == WORKER)
    return frozenset(name for worker in workers for name in _published(route, worker))


def _published(route: Route, worker: Live) -> Iterator[str]:
    if not _is_built_in(worker):
        # An app's tasks publish others: through the front door, or behind it once a deletion has closed it.
        yield naming.front_door(route.namespace, route.name)
        yield naming.router(route.namespace, route.name)
    variables = {variable["name"]: variable.get("value") for variable in worker.get("env") or ()}
    if variables.get("MR_EVENTS") == "true":
        yield EVENTS
    if completions := variables.get("MR_COMPLETIONS"):
        yield completions


def _is_built_in(worker: Live) -> bool:
    arguments = list(worker.get("args") or ())
    return worker.get("command") == ["merchantroute-worker"] and arguments[:2] == ["--app", BUILT_IN_APP]
