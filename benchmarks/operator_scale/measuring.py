"""One size, measured: bring the routes up, change one a second, let them idle, break a hundred, start again."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import yaml

from benchmarks.operator_scale.brokers import Brokers
from benchmarks.operator_scale.crowd import Crowd
from benchmarks.operator_scale.operator_process import AuditLog, OperatorProcess
from benchmarks.operator_scale.routes import MERCHANTS, NAMESPACES, TIERS, Place, places, route, secret
from benchmarks.progress import Progress
from merchantroute_kit.servers.api_server import ApiServer
from merchantroute_kit.waiting import until

CRDS = Path(__file__).resolve().parents[2] / "crds"
SYSTEM = "merchantroute-system"
TICK = 2.0  # seconds, the operator's own default
PATIENCE = 1800.0  # seconds for whatever is waited for, and at least
EACH = 6.0  # of them for each route: most of it is what RabbitMQ takes to make 23 quorum queues beside thousands
DRIFTS = 100  # bindings
SECRET = 100_000  # bytes of one of others


@dataclass(frozen=True)
class Times:
    """How long it is looked at, in seconds, how many changes there are, and how many Secrets of others."""

    idle: float = 120.0
    changes: int = 60
    secrets: int = 0  # of others: half of them are releases of Helm
    crowd: int = 0  # Merchant objects of one more route

    def quick(self) -> "Times":
        """Enough to see the size of a figure."""
        return replace(self, idle=40.0, changes=20)


class Bench:
    """One API server, three brokers, so many routes."""

    def __init__(
        self, server: ApiServer, brokers: Brokers, routes: int, times: Times, progress: Progress, log: Path
    ) -> None:
        self._server = server
        self._brokers = brokers
        self._times = times
        self._progress = progress
        self._log = log
        self._patience = max(PATIENCE, EACH * routes)
        self._places = places(routes, brokers.count)
        self._live = [place for place in self._places if not place.hangs]
        self._audit = AuditLog(server)

    def run(self) -> dict[str, Any]:
        """All phases; the row of the result."""
        self._prepare()
        settings = {"MR_OPERATOR_NAMESPACE": SYSTEM}
        with OperatorProcess(self._server, self._log, settings) as operator:
            began = time.monotonic()
            self._each(self._apply, self._places)
            self._until_judged(self._live, 1)
            applied = time.monotonic() - began
            applied_cpu, starved = operator.cpu(), operator.starved()
            self._progress.line(f"  all were applied and judged after {applied:.1f} s, {applied_cpu:.1f} of CPU")
            bound = self._bound_seconds()
            bound_cpu = operator.cpu() - applied_cpu
            idle = self._idle(operator)
            drift = self._drift_seconds()
            turn = operator.longest_turn()
            crowd = self._crowd(operator) if self._times.crowd else {}
        self._each(self._touch, self._places)
        began = time.monotonic()
        with OperatorProcess(self._server, self._log, settings) as second:
            self._until_judged(self._live, 2)
            restart, restart_cpu = time.monotonic() - began, second.cpu()
        return {
            "routes": len(self._places),
            "bound_p99_seconds": round(bound, 2),
            **idle,
            "restart_seconds": round(restart, 1),
            "drift_seconds": round(drift, 1),
            "applied_seconds": round(applied, 1),
            "applied_cpu_seconds": round(applied_cpu, 1),
            "change_cpu_seconds": round(bound_cpu / self._times.changes, 3),
            "restart_cpu_seconds": round(restart_cpu, 1),
            "longest_turn_cpu_seconds": round(turn, 3),
            "starved_seconds": round(starved, 1),
            "leases_lost": operator.restarts + second.restarts,
            **crowd,
        }

    def _crowd(self, operator: OperatorProcess) -> dict[str, Any]:
        crowd = Crowd(self._server, self._brokers, self._times.crowd, self._progress)
        found = crowd.run()
        return {**found, "crowd_memory_mb": round(operator.memory(), 1), "crowd_peak_mb": round(operator.peak(), 1)}

    def _prepare(self) -> None:

        for file in ("merchantroute.yaml", "merchant.yaml"):
            definition = yaml.safe_load((CRDS / file).read_text())
            name = definition["metadata"]["name"]
            path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"
            self._server.apply(path, definition)
            until(partial(self._is_served, path), f"{name} to be served")
        for name in [SYSTEM, *(f"team-{number}" for number in range(NAMESPACES))]:
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            self._server.apply(f"/api/v1/namespaces/{name}", body)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self._others_secret, range(self._times.secrets)))
        for number in range(NAMESPACES):
            for broker in range(self._brokers.count):
                body = secret(f"team-{number}", broker, self._brokers.account(broker, number))
                self._server.apply(f"/api/v1/namespaces/team-{number}/secrets/broker-{broker}", body)

    def _others_secret(self, number: int) -> None:
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"others-{number}", "labels": {"owner": "helm"}},
            "type": "helm.sh/release.v1" if number % 2 else "Opaque",
            "stringData": {"release": "x" * SECRET},
        }
        self._server.call("POST", f"/api/v1/namespaces/team-{number % NAMESPACES}/secrets", body)

    def _is_served(self, path: str) -> bool:
        return _is_established(self._server.call("GET", path))

    def _each(self, do: Any, of: list[Place]) -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(do, of))

    def _apply(self, place: Place, *more: str) -> None:
        self._server.apply(place.path, route(place, more))

    def _touch(self, place: Place) -> None:
        """Another generation that changes nothing."""
        body = {"spec": {"deletion": {"timeout": "2h"}}}
        self._server.call("PATCH", f"{place.path}?fieldManager=touch", body, "application/merge-patch+json")

    def _until_judged(self, of: list[Place], generation: int) -> None:
        """Until the status of each is of this generation, or a newer one, and says that it is as wanted."""
        last = Event()

        def is_judged() -> bool:
            listed = self._server.call("GET", "/apis/merchantroute.dev/v1alpha1/merchantroutes")["items"]
            found = {each["metadata"]["name"]: each for each in listed}
            judged = sum(_is_judged(found[place.name], generation) for place in of)
            self._progress.tell(f"{judged} of {len(of)} are judged")
            last.wait(len(listed) / 200)  # a list of all is no small thing
            return judged == len(of)

        until(is_judged, "all routes to be judged", self._patience)

    def _bound_seconds(self) -> float:
        """p99 from the apply of a route with one more merchant to that merchant's binding, one change a second."""
        with ThreadPoolExecutor(16) as pool:
            began = time.monotonic()
            waiting = []
            for number in range(self._times.changes):
                Event().wait(max(0.0, began + number - time.monotonic()))
                place = self._live[number % len(self._live)]
                waiting.append(pool.submit(self._change, place, f"newcomer-{number}"))
            seconds = [each.result() for each in waiting]
        return statistics.quantiles(seconds, n=100, method="inclusive")[98]

    def _change(self, place: Place, merchant: str) -> float:
        began = time.monotonic()
        self._apply(place, merchant)
        until(lambda: self._is_bound(place, merchant), f"{merchant} to be bound", self._patience)
        return time.monotonic() - began

    def _is_bound(self, place: Place, merchant: str) -> bool:
        source = f"mr.{place.namespace}.{place.name}.assigned"
        return any(each["routing_key"] == merchant for each in self._brokers.bindings(place.broker, source))

    def _idle(self, operator: OperatorProcess) -> dict[str, float]:
        Event().wait(30)  # until what the changes left is done
        self._audit.since_last()
        cpu, reads, began = operator.cpu(), operator.management_reads(), time.monotonic()
        Event().wait(self._times.idle)
        seconds = time.monotonic() - began
        seen = self._audit.since_last()
        ticks = seconds / TICK * self._brokers.count
        return {
            "idle_cores": round((operator.cpu() - cpu) / seconds, 3),
            "memory_mb": round(operator.memory(), 1),
            "peak_mb": round(operator.peak(), 1),
            "idle_api_writes": seen["writes"],
            "idle_api_reads_per_second": round(seen["reads"] / seconds, 2),
            "management_reads_per_tick": round((operator.management_reads() - reads) / ticks, 2),
        }

    def _drift_seconds(self) -> float:
        """Until a hundred bindings, of as many routes as there are, that were taken away at once are back."""
        most = min(DRIFTS, MERCHANTS * len(self._live))
        gone = [(self._live[number % len(self._live)], number // len(self._live)) for number in range(most)]
        for place, number in gone:
            prefix = f"mr.{place.namespace}.{place.name}"
            tier = TIERS[number % len(TIERS)]
            self._brokers.unbind(place.broker, f"{prefix}.assigned", f"{prefix}.{tier}", f"merchant-{number}")
        began = time.monotonic()
        for place, number in gone:
            until(partial(self._is_bound, place, f"merchant-{number}"), "a binding to be back", self._patience)
        return time.monotonic() - began


def _is_established(definition: dict[str, Any]) -> bool:
    conditions = (definition.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


def _is_judged(found: dict[str, Any], generation: int) -> bool:
    if found["metadata"]["generation"] < generation:
        return False
    conditions = found.get("status", {}).get("conditions", ())
    ready: dict[str, Any] = next((each for each in conditions if each["type"] == "QueuesReady"), {})
    return bool(ready.get("status") == "True" and ready.get("observedGeneration") == found["metadata"]["generation"])
