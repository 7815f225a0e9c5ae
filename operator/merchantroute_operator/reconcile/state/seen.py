"""A route's objects as the last reconcile left them: what differs later was changed by somebody else."""

from __future__ import annotations

from dataclasses import dataclass, field

from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.reconcile.state.admitted import Admitted
from merchantroute_operator.topology.objects import Topology

_KindAndName = tuple[str, str]


@dataclass(slots=True)
class Seen:
    """Lost with the process, whose first reconcile of a route therefore repairs without saying so."""

    objects: dict[_KindAndName, Object] = field(default_factory=dict)  # the fields that count
    topology: Topology | None = None
    admitted: Admitted = field(default_factory=Admitted)
