"""The route and the order of docs/install.md, as its reader makes them."""

from __future__ import annotations

from functools import partial
from typing import Any

import yaml

from merchantroute_kit.servers.hack import ROOT
from merchantroute_kit.waiting import until
from merchantroute_worker.client import Client
from tests.e2e.installation import Installation
from tests.e2e.installing.fresh import Fresh

ORDERS, NAME = "orders", "minimal"
MERCHANT = "burger-hut"
READY = 300.0
ORDER = {"items": [{"name": "Ramen", "quantity": 1, "unit_price": 1250}], "total": 1250}
POD = "{.metadata.name}={.metadata.labels.pod-template-hash}:{.status.containerStatuses[0].restartCount}"


def document(worker: str) -> dict[str, Any]:
    """manifests/samples/minimal.yaml with the image and the endpoint of this cluster, which speaks plain HTTP."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "manifests" / "samples" / "minimal.yaml").read_text())
    found["spec"]["worker"]["image"] = worker
    found["spec"]["orders"] = {"allowInsecure": True}
    found["spec"]["egress"] = {"allow": ["merchant-sim.merchants.svc"]}
    found["spec"]["merchants"][0]["endpoint"] = f"http://merchant-sim.merchants.svc:8080/m/{MERCHANT}"
    return found


class Minimal:
    """The route in its namespace."""

    def __init__(self, fresh: Fresh, installation: Installation) -> None:
        self._kubectl = partial(fresh.kubectl, "-n", ORDERS)
        self._client = Client(broker=f"{installation.amqp_url}/", route=f"{ORDERS}/{NAME}")

    def apply(self, worker: str) -> None:
        """Apply it."""
        self._kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump(document(worker)))

    def ready(self) -> None:
        """Wait as the page says."""
        wait = ("wait", "--for=condition=Ready", f"mr/{NAME}", f"--timeout={READY:.0f}s")
        self._kubectl(*wait, within=READY + 10)

    def publish(self, order: str) -> None:
        """Publish an order of this id; a queue holds it then."""
        self._client.publish({"id": order, **ORDER}, merchant=MERCHANT, order_id=order)

    def done(self, order: str) -> None:
        """Wait until a pod's log says that the order is done."""
        until(partial(self._is_done, order), f"order {order} is done", 120)

    def pods(self) -> set[str]:
        """The route's pods: name, hash of the template, restarts."""
        line = f"jsonpath={{range .items[*]}}{POD}{{'\\n'}}{{end}}"
        return set(self._kubectl("get", "pods", "-l", f"merchantroute.dev/route={NAME}", "-o", line).split())

    def is_there(self) -> bool:
        """Whether the route is stored."""
        return bool(self._kubectl("get", "mr", NAME, "--ignore-not-found", "-o", "name"))

    def is_ending(self) -> bool:
        """Whether somebody has deleted it and it is still there."""
        since = "jsonpath={.metadata.deletionTimestamp}"
        return bool(self._kubectl("get", "mr", NAME, "--ignore-not-found", "-o", since))

    def _is_done(self, order: str) -> bool:
        log = self._kubectl("logs", "-l", f"merchantroute.dev/route={NAME}", "--tail=-1")
        return any(f'"order": "{order}"' in line and '"event": "order.done"' in line for line in log.splitlines())
