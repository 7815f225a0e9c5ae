"""The project itself: a real operator process at a real API server, real worker processes; only the node is missing.

Each cell has a namespace, a virtual host and a route of its own, so that the operator remembers nothing of the one
before.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote

import yaml

from benchmarks.isolation_compared.population import PODS, SLOTS
from benchmarks.isolation_compared.rivals.broker_orders import BrokerPublisher, client_publishes, take_out
from benchmarks.isolation_compared.rivals.rival import ATTEMPTS, CALL_TIMEOUT, DEADLINE, DELAYS, CellSite, Left, Running
from benchmarks.isolation_compared.rivals.slow_verdicts import SlowVerdicts
from benchmarks.operator_scale.operator_process import OperatorProcess
from merchantroute_kit.servers.api_server import ApiServer
from merchantroute_kit.servers.rabbitmq import USER, RabbitMQ
from merchantroute_kit.servers.vhosts import Vhost, fresh_vhost
from merchantroute_kit.waiting import until
from merchantroute_kit.worker.mounted_files import STEPS
from merchantroute_kit.worker.nodeless_pods import NodelessPods

CRDS = Path(__file__).resolve().parents[3] / "crds"
SYSTEM = "merchantroute-system"
_ROUTE, _TIER = "pos", "standard"
_GROUP = "/apis/merchantroute.dev/v1alpha1"


class OperatedRoute:
    """The project with one `spec.isolation.mode`."""

    def __init__(self, mode: str, server: ApiServer, broker: RabbitMQ, operator: OperatorProcess) -> None:
        self._mode, self._server, self._broker, self._operator = mode, server, broker, operator

    @contextmanager
    def at_work(self, site: CellSite) -> Iterator[Running]:
        """Make a route, have its pods ready and its merchants bound."""
        namespace = f"cell-{site.run}"
        with fresh_vhost(self._broker.amqp_url, self._broker.mgmt_url, USER) as vhost:
            path = self._apply(namespace, vhost, site)
            until(lambda: self._deployment(namespace), "the route's Deployment", 60)
            pods = NodelessPods(self._server, namespace, self._deployment(namespace), site.root)
            publisher: BrokerPublisher | None = None
            verdicts: SlowVerdicts | None = None
            try:
                pods.start(PODS)
                front = f"mr.{namespace}.{_ROUTE}"
                until(lambda: len(_bindings(vhost, f"{front}.assigned")) >= len(site.names), "the merchants", 90)
                publisher = BrokerPublisher(vhost, lambda merchant: (front, merchant))
                verdicts = heard = SlowVerdicts(vhost)
                yield Running(
                    publisher,
                    programs=lambda: [self._operator.process.pid, *pods.pids()],
                    stop=lambda: _stopped(pods, vhost, front),
                    look=lambda: {each["routing_key"] for each in _bindings(vhost, f"{front}.router") if _is_own(each)},
                    refused=lambda: _refused(pods),
                    found_slow=lambda: heard.found(PODS),
                    publishes=lambda: client_publishes(vhost),
                )
            finally:
                for each in (publisher, verdicts):
                    if each is not None:
                        each.close()
                pods.close()
                self._remove(path)

    def _apply(self, namespace: str, vhost: Vhost, site: CellSite) -> str:
        body: dict[str, Any] = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        self._server.apply(f"/api/v1/namespaces/{namespace}", body)
        keys = {
            "host": vhost.host, "port": str(vhost.port), "username": vhost.username, "password": vhost.password,
            "vhost": vhost.name, "management_uri": f"http://127.0.0.1:{self._broker.management_port}",
        }  # fmt: skip
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "broker"}, "stringData": keys}
        self._server.apply(f"/api/v1/namespaces/{namespace}/secrets/broker", body)
        path = f"{_GROUP}/namespaces/{namespace}/merchantroutes/{_ROUTE}"
        self._server.apply(path, route(namespace, self._mode, site))
        return path

    def _deployment(self, namespace: str) -> str:
        found = self._server.call("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments")["items"]
        return next((each["metadata"]["name"] for each in found if f"-{_TIER}-" in each["metadata"]["name"]), "")

    def _remove(self, path: str) -> None:
        """The operator ends the route: what is left in its queues is deleted with them."""
        with suppress(HTTPError):
            self._server.call("DELETE", path)
        until(lambda: self._is_gone(path), "the route to be gone", 60)

    def _is_gone(self, path: str) -> bool:
        try:
            self._server.call("GET", path)
            return False
        except HTTPError as error:
            return error.code == 404


def route(namespace: str, mode: str, site: CellSite) -> dict[str, Any]:
    """The object that is applied."""
    orders = {
        "callTimeout": f"{CALL_TIMEOUT}s", "deadline": f"{DEADLINE}s", "allowInsecure": True, "steps": STEPS,
        "retry": {"delays": [f"{each}s" for each in DELAYS], "maxAttempts": ATTEMPTS},
    }  # fmt: skip
    tier = {"name": _TIER, "concurrency": SLOTS // PODS, "scaling": {"minReplicas": PODS, "maxReplicas": PODS}}
    merchants = [{"id": each, "tier": _TIER, "endpoint": site.merchants.endpoint(each)} for each in site.names]
    return {
        "apiVersion": "merchantroute.dev/v1alpha1",
        "kind": "MerchantRoute",
        "metadata": {"name": _ROUTE, "namespace": namespace},
        "spec": {
            "broker": {"secretRef": {"name": "broker"}},
            "worker": {"image": "merchantroute-worker:0.1.0"},
            "isolation": {"mode": mode},
            "deletion": {"policy": "Force"},
            "orders": orders,
            "egress": {"allow": ["127.0.0.0/8"]},  # merchants are on this machine
            "defaultTier": _TIER,
            "tiers": [tier],
            "merchants": merchants,
        },
    }


def prepare(server: ApiServer) -> None:
    """Have the server know the project's kinds, and the operator's namespace."""
    for file in ("merchantroute.yaml", "merchant.yaml"):
        definition = yaml.safe_load((CRDS / file).read_text())
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition['metadata']['name']}"
        server.apply(path, definition)
        until(lambda path=path: _is_established(server.call("GET", path)), f"{file} to be served")  # type: ignore[misc]
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM}}
    server.apply(f"/api/v1/namespaces/{SYSTEM}", body)


def _is_established(definition: dict[str, Any]) -> bool:
    conditions = (definition.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


def _bindings(vhost: Vhost, exchange: str) -> list[dict[str, Any]]:
    with suppress(OSError):
        path = f"exchanges/{quote(vhost.name, safe='')}/{quote(exchange, safe='')}/bindings/source"
        found: list[dict[str, Any]] = vhost.api("GET", path)
        return found
    return []


def _is_own(binding: dict[str, Any]) -> bool:
    return binding["destination_type"] == "queue" and ".own." in binding["destination"]


def _refused(pods: NodelessPods) -> dict[str, int]:
    """Orders that got no slot, by merchant."""
    found: dict[str, int] = {}
    for name in pods.processes:
        for each in pods.merchants(name):
            found[each["merchant"]] = found.get(each["merchant"], 0) + int(each["refused"])
    return found


def _stopped(pods: NodelessPods, vhost: Vhost, front: str) -> Left:
    for name in list(pods.processes):
        pods.stop(name)
    _until_nobody_consumes(vhost)
    dead = take_out(vhost, lambda name: name == f"{front}.dead")
    return Left(dead, take_out(vhost, lambda name: name.startswith(front) and name != f"{front}.dead"))


def _until_nobody_consumes(vhost: Vhost) -> None:
    """What a connection held that ended goes back to its queue."""
    path = f"queues/{quote(vhost.name, safe='')}"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        queues = vhost.api("GET", path)
        if not any(each.get("consumers") or each.get("messages_unacknowledged") for each in queues):
            return
        Event().wait(0.5)
