"""What somebody does to a route's objects: put back and told, or kept and told; and a route that is left alone.

One route for the module, which no test leaves broken.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest

from merchantroute_kit.waiting import until
from tests.e2e.conftest import OpenWebShop
from tests.e2e.quiet import unwritten_for, written_in
from tests.e2e.routes import Json, route, tier
from tests.e2e.tenant import Tenant

NAME = "kept"
A_LOOK = 20.0  # seconds, in which the operator looks at the route twice (manifests/overlays/test)
IDLE = float(os.environ.get("MR_IDLE", "0"))
BUILD = Path(__file__).resolve().parents[2] / "build"
BACK_WITHIN = 90.0  # seconds; the operator looks every 8, and this machine is busy


@pytest.fixture(scope="module")
def there(module_place: Tenant) -> Tenant:
    """The route, Ready; its tier may have two pods."""
    module_place.apply(route(NAME, tiers=[tier("standard", maxReplicas=2)], merchants={"m-kept": "standard"}))
    module_place.ready(NAME)
    return module_place


def deployment(place: Tenant) -> Json:
    (found,) = place.deployments(NAME, "standard")
    return found


def uid(place: Tenant) -> str:
    found = place.deployments(NAME, "standard")
    return str(found[0]["metadata"]["uid"]) if found else ""


def of_kind(place: Tenant, group: str, kind: str) -> list[Json]:
    selector = quote(f"merchantroute.dev/route={NAME}")
    return place.world.items(f"{group}/namespaces/{place.namespace}/{kind}?labelSelector={selector}")


def is_told(place: Tenant, words: str) -> Callable[[], bool]:
    """Whether an event Repaired holds the words."""

    def told() -> bool:
        found = place.world.items(f"api/v1/namespaces/{place.namespace}/events")
        return any(event["reason"] == "Repaired" and words in event["message"] for event in found)

    return told


def reason(place: Tenant, kind: str) -> str:
    return str(place.condition(NAME, kind).get("reason"))


def has_reason(place: Tenant, kind: str, word: str) -> None:
    until(lambda: reason(place, kind) == word, f"{kind} is {word}", BACK_WITHIN, partial(place.tell, NAME))


def works(place: Tenant, shop: OpenWebShop) -> None:
    """Orders go through."""
    till = shop(place, NAME)
    orders = till.publish("m-kept", 10)
    ledger = till.settled()
    assert orders <= ledger.done
    assert (ledger.lost, ledger.doubled) == (0, set())


def test_a_lane_has_an_account_a_budget_and_a_policy_and_no_token(there: Tenant) -> None:
    name = deployment(there)["metadata"]["name"]
    accounts = {a["metadata"]["name"]: a for a in of_kind(there, "api/v1", "serviceaccounts")}
    assert accounts[name]["automountServiceAccountToken"] is False
    budgets = of_kind(there, "apis/policy/v1", "poddisruptionbudgets")
    assert [budget["metadata"]["name"] for budget in budgets] == [name]  # the suspect lane has one pod at most
    (policy,) = of_kind(there, "apis/networking.k8s.io/v1", "networkpolicies")
    assert {"port": 5672, "protocol": "TCP"} in policy["spec"]["egress"][1]["ports"]
    pods = [pod for pod in there.pods(NAME) if pod["metadata"]["labels"]["merchantroute.dev/tier"] == "standard"]
    assert {pod["spec"]["serviceAccountName"] for pod in pods} == {name}
    mounts = {mount["mountPath"] for pod in pods for mount in pod["spec"]["containers"][0]["volumeMounts"]}
    assert not [path for path in mounts if "serviceaccount" in path]


def test_a_deployment_and_a_configmap_are_back_at_once_and_told(there: Tenant, shop: OpenWebShop) -> None:
    name, before = deployment(there)["metadata"]["name"], uid(there)
    there.kubectl("delete", "deployment", name, "--wait=false")
    until(lambda: uid(there) not in ("", before), "the Deployment is back", BACK_WITHIN)
    until(is_told(there, f"Deployment {name} was deleted"), "an event tells it", BACK_WITHIN)
    change = '{"data":{"merchants-7.json":"{}"}}'
    there.kubectl("patch", "configmap", f"{NAME}-mr-config-7", "--type=merge", "-p", change)
    until(is_told(there, f"ConfigMap {NAME}-mr-config-7 was changed"), "an event tells it", BACK_WITHIN)
    there.ready(NAME)
    works(there, shop)


def test_what_is_deleted_in_the_broker_is_back_and_told(there: Tenant, shop: OpenWebShop) -> None:
    door = f"mr.{there.namespace}.{NAME}"
    there.rabbit("DELETE", f"queues/{{vhost}}/{door}.standard.stable")
    there.rabbit("DELETE", f"exchanges/{{vhost}}/{door}.router")
    for words in (f"queue {door}.standard.stable was deleted", f"exchange {door}.router was deleted"):
        until(is_told(there, words), words, BACK_WITHIN, partial(there.tell, NAME))
    there.ready(NAME)
    works(there, shop)


def test_a_foreign_field_is_kept_and_named_and_a_restart_is_no_drift(there: Tenant) -> None:
    name = deployment(there)["metadata"]["name"]
    there.kubectl("rollout", "restart", f"deployment/{name}")
    there.kubectl("rollout", "status", f"deployment/{name}", "--timeout=120s", within=150)
    there.ready(NAME)
    has_reason(there, "Drifted", "NoDrift")
    there.kubectl("set", "env", f"deployment/{name}", "WHO_SET_THIS=somebody")
    has_reason(there, "Drifted", "ForeignFields")
    assert "env[WHO_SET_THIS] by kubectl" in there.condition(NAME, "Drifted")["message"]
    env = deployment(there)["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "WHO_SET_THIS", "value": "somebody"} in env
    there.kubectl("set", "env", f"deployment/{name}", "WHO_SET_THIS-")
    has_reason(there, "Drifted", "NoDrift")


def test_a_lane_with_an_autoscaler_is_left_to_it(there: Tenant) -> None:
    name = deployment(there)["metadata"]["name"]
    there.kubectl("autoscale", "deployment", name, "--max=2", "--name=theirs")
    has_reason(there, "Drifted", "ForeignScaler")
    has_reason(there, "ScalingActive", "ForeignScaler")
    there.kubectl("delete", "hpa", "theirs")
    has_reason(there, "ScalingActive", "Scaling")


def test_a_paused_route_stays_as_it_is_until_its_time(there: Tenant, shop: OpenWebShop) -> None:
    there.ready(NAME)
    end = datetime.now(UTC) + timedelta(seconds=40)
    until_when = end.isoformat(timespec="seconds").replace("+00:00", "Z")
    there.kubectl("annotate", "mr", NAME, f"merchantroute.dev/paused-until={until_when}")
    has_reason(there, "Paused", "PausedUntil")
    there.kubectl("delete", "deployment", deployment(there)["metadata"]["name"])
    has_reason(there, "Drifted", "NotRepaired")
    assert datetime.now(UTC) > end or not uid(there)
    has_reason(there, "Paused", "NotPaused")
    until(lambda: uid(there), "the Deployment is made", BACK_WITHIN)
    there.kubectl("annotate", "mr", NAME, "merchantroute.dev/paused-until-")
    there.ready(NAME)
    works(there, shop)


def test_an_idle_route_is_not_written(there: Tenant) -> None:
    """Neither it nor what belongs to it, as the API server counts; MR_IDLE=600 counts the operator's calls as well."""
    there.ready(NAME)
    until(lambda: unwritten_for(there, A_LOOK), "nothing is written", 240, partial(there.tell, NAME))
    if IDLE:
        written = written_in(there.world, IDLE)
        BUILD.mkdir(exist_ok=True)
        (BUILD / "idle.json").write_text(json.dumps({"seconds": IDLE, "written": written}) + "\n")
        assert not written
