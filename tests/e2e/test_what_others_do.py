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
def tenant(module_tenant: Tenant) -> Tenant:
    """The route, Ready; its tier may have two pods."""
    module_tenant.apply(route(NAME, tiers=[tier("standard", maxReplicas=2)], merchants={"m-kept": "standard"}))
    module_tenant.ready(NAME)
    return module_tenant


def deployment(tenant: Tenant) -> Json:
    (found,) = tenant.deployments(NAME, "standard")
    return found


def uid(tenant: Tenant) -> str:
    found = tenant.deployments(NAME, "standard")
    return str(found[0]["metadata"]["uid"]) if found else ""


def of_kind(tenant: Tenant, group: str, kind: str) -> list[Json]:
    selector = quote(f"merchantroute.dev/route={NAME}")
    return tenant.installation.items(f"{group}/namespaces/{tenant.namespace}/{kind}?labelSelector={selector}")


def is_told(tenant: Tenant, words: str) -> Callable[[], bool]:
    """Whether an event Repaired holds the words."""

    def told() -> bool:
        found = tenant.installation.items(f"api/v1/namespaces/{tenant.namespace}/events")
        return any(event["reason"] == "Repaired" and words in event["message"] for event in found)

    return told


def reason(tenant: Tenant, kind: str) -> str:
    return str(tenant.condition(NAME, kind).get("reason"))


def has_reason(tenant: Tenant, kind: str, word: str) -> None:
    until(lambda: reason(tenant, kind) == word, f"{kind} is {word}", BACK_WITHIN, partial(tenant.tell, NAME))


def works(tenant: Tenant, web_shop: OpenWebShop) -> None:
    """Orders go through."""
    till = web_shop(tenant, NAME)
    orders = till.publish("m-kept", 10)
    ledger = till.settled()
    assert orders <= ledger.done
    assert (ledger.lost, ledger.doubled) == (0, set())


def test_a_lane_has_an_account_a_budget_and_a_policy_and_no_token(tenant: Tenant) -> None:
    name = deployment(tenant)["metadata"]["name"]
    accounts = {a["metadata"]["name"]: a for a in of_kind(tenant, "api/v1", "serviceaccounts")}
    assert accounts[name]["automountServiceAccountToken"] is False
    budgets = of_kind(tenant, "apis/policy/v1", "poddisruptionbudgets")
    assert [budget["metadata"]["name"] for budget in budgets] == [name]  # the suspect lane has one pod at most
    (policy,) = of_kind(tenant, "apis/networking.k8s.io/v1", "networkpolicies")
    assert {"port": 5672, "protocol": "TCP"} in policy["spec"]["egress"][1]["ports"]
    pods = [pod for pod in tenant.pods(NAME) if pod["metadata"]["labels"]["merchantroute.dev/tier"] == "standard"]
    assert {pod["spec"]["serviceAccountName"] for pod in pods} == {name}
    mounts = {mount["mountPath"] for pod in pods for mount in pod["spec"]["containers"][0]["volumeMounts"]}
    assert not [path for path in mounts if "serviceaccount" in path]


def test_a_deployment_and_a_configmap_are_back_at_once_and_told(tenant: Tenant, web_shop: OpenWebShop) -> None:
    name, before = deployment(tenant)["metadata"]["name"], uid(tenant)
    tenant.kubectl("delete", "deployment", name, "--wait=false")
    until(lambda: uid(tenant) not in ("", before), "the Deployment is back", BACK_WITHIN)
    until(is_told(tenant, f"Deployment {name} was deleted"), "an event tells it", BACK_WITHIN)
    change = '{"data":{"merchants-all.json":"{}"}}'
    tenant.kubectl("patch", "configmap", f"{NAME}-mr-config", "--type=merge", "-p", change)
    until(is_told(tenant, f"ConfigMap {NAME}-mr-config was changed"), "an event tells it", BACK_WITHIN)
    tenant.ready(NAME)
    works(tenant, web_shop)


def test_what_is_deleted_in_the_broker_is_back_and_told(tenant: Tenant, web_shop: OpenWebShop) -> None:
    door = f"mr.{tenant.namespace}.{NAME}"
    tenant.rabbit("DELETE", f"queues/{{vhost}}/{door}.standard.stable")
    tenant.rabbit("DELETE", f"exchanges/{{vhost}}/{door}.router")
    for words in (f"queue {door}.standard.stable was deleted", f"exchange {door}.router was deleted"):
        until(is_told(tenant, words), words, BACK_WITHIN, partial(tenant.tell, NAME))
    tenant.ready(NAME)
    works(tenant, web_shop)


def test_a_foreign_field_is_kept_and_named_and_a_restart_is_no_drift(tenant: Tenant) -> None:
    name = deployment(tenant)["metadata"]["name"]
    tenant.kubectl("rollout", "restart", f"deployment/{name}")
    tenant.kubectl("rollout", "status", f"deployment/{name}", "--timeout=120s", within=150)
    tenant.ready(NAME)
    has_reason(tenant, "Drifted", "NoDrift")
    tenant.kubectl("set", "env", f"deployment/{name}", "WHO_SET_THIS=somebody")
    has_reason(tenant, "Drifted", "ForeignFields")
    assert "env[WHO_SET_THIS] by kubectl" in tenant.condition(NAME, "Drifted")["message"]
    env = deployment(tenant)["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "WHO_SET_THIS", "value": "somebody"} in env
    tenant.kubectl("set", "env", f"deployment/{name}", "WHO_SET_THIS-")
    has_reason(tenant, "Drifted", "NoDrift")


def test_a_lane_with_an_autoscaler_is_left_to_it(tenant: Tenant) -> None:
    name = deployment(tenant)["metadata"]["name"]
    tenant.kubectl("autoscale", "deployment", name, "--max=2", "--name=theirs")
    has_reason(tenant, "Drifted", "ForeignScaler")
    has_reason(tenant, "ScalingActive", "ForeignScaler")
    tenant.kubectl("delete", "hpa", "theirs")
    has_reason(tenant, "ScalingActive", "Scaling")


def test_a_paused_route_stays_as_it_is_until_its_time(tenant: Tenant, web_shop: OpenWebShop) -> None:
    tenant.ready(NAME)
    end = datetime.now(UTC) + timedelta(seconds=40)
    until_when = end.isoformat(timespec="seconds").replace("+00:00", "Z")
    tenant.kubectl("annotate", "mr", NAME, f"merchantroute.dev/paused-until={until_when}")
    has_reason(tenant, "Paused", "PausedUntil")
    tenant.kubectl("delete", "deployment", deployment(tenant)["metadata"]["name"])
    has_reason(tenant, "Drifted", "NotRepaired")
    assert datetime.now(UTC) > end or not uid(tenant)
    has_reason(tenant, "Paused", "NotPaused")
    until(lambda: uid(tenant), "the Deployment is made", BACK_WITHIN)
    tenant.kubectl("annotate", "mr", NAME, "merchantroute.dev/paused-until-")
    tenant.ready(NAME)
    works(tenant, web_shop)


def test_an_idle_route_is_not_written(tenant: Tenant) -> None:
    """Neither it nor what belongs to it, as the API server counts; MR_IDLE=600 counts the operator's calls as well."""
    tenant.ready(NAME)
    until(lambda: unwritten_for(tenant, A_LOOK), "nothing is written", 240, partial(tenant.tell, NAME))
    if IDLE:
        written = written_in(tenant.installation, IDLE)
        BUILD.mkdir(exist_ok=True)
        (BUILD / "idle.json").write_text(json.dumps({"seconds": IDLE, "written": written}) + "\n")
        assert not written
