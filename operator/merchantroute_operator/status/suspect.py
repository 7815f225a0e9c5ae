"""The suspect lane's pods are there to be killed: their lane tells what they meet, and it is no fault of the route."""

from __future__ import annotations

from merchantroute_operator import naming
from merchantroute_operator.spec.model import Raw

EXPECTED = (
    "; an order that kills its pod is expected in this lane, and goes to dead letters once it has killed it twice alone"
)


def is_suspect(thing: Raw) -> bool:
    """Whether a pod or a Deployment is the suspect lane's."""
    return bool(thing["metadata"].get("labels", {}).get(naming.LABEL_LANE) == naming.SUSPECT)
