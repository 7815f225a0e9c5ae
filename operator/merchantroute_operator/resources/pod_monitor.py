"""The route's PodMonitor, where the cluster has that kind: Prometheus then scrapes the pods of all lanes."""

from __future__ import annotations

from merchantroute_operator import naming
from merchantroute_operator.resources.metadata import Object, child, stamped
from merchantroute_operator.spec.route import Route


def pod_monitor(route: Route) -> Object:
    """One for the route; series get the pods' tier and lane from the metrics themselves."""
    body = child("monitoring.coreos.com/v1", "PodMonitor", route, naming.workers(route.name), naming.labels(route.name))
    spec = {
        "selector": {"matchLabels": naming.labels(route.name)},
        "podMetricsEndpoints": [{"port": "http", "path": "/metrics"}],
    }
    return stamped({**body, "spec": spec})
