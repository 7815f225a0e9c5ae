"""A route's objects as the last reconcile left them: what differs later was changed by somebody else."""

from __future__ import annotations

from dataclasses import dataclass, field

from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.topology.objects import Topology

_KindAndName = tuple[str, str]


@dataclass(slots=True)
class Seen:
    """Lost with the process, whose first reconcile of a route therefore repairs without saying so."""

    objects: dict[_KindAndName, Object] = field(default_factory=dict)  # the fields that count
    topology: Topology | None = None
    # What was applied (its digest), and what the API server's admission made of it (the fields that count).
    admitted: dict[_KindAndName, tuple[str, Object]] = field(default_factory=dict)
