"""Wait until the route is Ready for the generation that was applied."""

import asyncio
from typing import Any

from merchantroute_demo.cluster import Cluster
from merchantroute_demo.errors import StepFailed
from merchantroute_demo.route import condition

_PERIOD = 1.0


async def ready_route(cluster: Cluster, namespace: str, name: str, within: float) -> dict[str, Any]:
    """The route once it is Ready. StepFailed after `within` seconds, with what its conditions say."""
    try:
        async with asyncio.timeout(within):
            while True:
                found = await cluster.route(namespace, name)
                if is_ready(found):
                    return found
                await asyncio.sleep(_PERIOD)
    except TimeoutError:
        found = await cluster.route(namespace, name)
        said = [f"{kind} {condition(found, kind)}" for kind in ("Ready", "QueuesReady", "WorkersAvailable")]
        raise StepFailed(
            "wait for the route",
            f"{namespace}/{name} was not Ready within {within:.0f} s: {'; '.join(said)}",
            f"Look at `kubectl -n {namespace} describe mr {name}` and the operator's log: "
            "`kubectl -n merchantroute-system logs deployment/merchantroute-operator`",
        ) from None


def is_ready(found: dict[str, Any]) -> bool:
    """Ready, and the operator has seen the newest generation."""
    status = found.get("status", {})
    return (
        condition(found, "Ready")[0] == "True" and status.get("observedGeneration") == found["metadata"]["generation"]
    )
