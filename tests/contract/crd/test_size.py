import json
import uuid

import pytest

from merchantroute_operator.isolation.model import OwnQueue
from merchantroute_operator.status.own_queues import entries
from tests.contract.crd.conftest import UNWATCHED, Ask
from tests.contract.crd.routes import Json, route
from tests.harness.cluster import Kubectl

MERCHANTS = 2000
TEMPLATED = {"name": "send", "method": "POST", "path": "/{fields.storeId}"}


@pytest.fixture
def large(namespace: str) -> Json:
    """20 tiers and 2,000 merchants, all of the last tier, so that every rule does all the work it can."""
    document = route({"spec.defaultTier": "tier-19"})
    document["metadata"]["namespace"] = namespace
    document["spec"]["tiers"] = [{"name": f"tier-{n}"} for n in range(20)]
    document["spec"]["merchants"] = [
        {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, str(n))),
            "tier": "tier-19",
            "endpoint": f"https://pos.merchant-{n:04}.example:8443/api/v1/regions/eu-west/brands/{{merchant}}/orders",
            "credentials": {"type": "Bearer", "secretRef": {"name": f"merchant-{n:04}-pos"}},
            "group": f"vendor-{n % 20:02}." + "pos.example." * 4 + "com",
            "workflow": "toast",
            "fields": {"storeId": f"s-{n:04}"},
            "limits": {"maxInFlight": 30, "maxRate": 12.5, "burst": 20},
        }
        for n in range(MERCHANTS)
    ]
    document["spec"]["orders"] = {"workflows": [{"name": "toast", "steps": [TEMPLATED]}]}
    ids = [merchant["id"] for merchant in document["spec"]["merchants"]]
    limits = {"maxInFlight": 30, "maxRate": 12.5, "burst": 20}
    groups = [{"name": f"vendor-{n:03}." + "pos.example." * 19, "limits": limits} for n in range(100)]
    groups = [{**group, "name": str(group["name"]).rstrip(".")} for group in groups]
    document["spec"]["isolation"] = {"pinned": ids[:200], "exempt": ids[200:700], "groups": groups}
    document["spec"]["egress"] = {
        field: [f"{n:02}.{letter}" + ".pos.example" * 20 for n in range(50)]
        for field, letter in (("allow", "a"), ("deny", "d"), ("insecureHosts", "i"))
    }
    return document


def test_2000_merchants_fit_in_one_apply_and_one_can_be_moved(large: Json, unwatched: str, kubectl: Kubectl) -> None:
    large["apiVersion"] = f"{unwatched}/v1alpha1"
    apply = ("apply", "--server-side", "-f", "-")
    kubectl(*apply, stdin=json.dumps(large))
    large["spec"]["merchants"][1234]["tier"] = "tier-3"
    kubectl(*apply, stdin=json.dumps(large))
    where = ("-n", large["metadata"]["namespace"])
    stored = json.loads(kubectl("get", UNWATCHED, "pos", *where, "-o", "json"))
    assert len(stored["spec"]["merchants"]) == MERCHANTS
    assert stored["spec"]["merchants"][1234]["tier"] == "tier-3"
    assert stored["metadata"]["generation"] == 2


@pytest.mark.parametrize("fill", ["x", "\x01"])
def test_own_queues_of_merchants_with_the_longest_ids_fit_beside_2000_merchants(
    large: Json, unwatched: str, kubectl: Kubectl, fill: str
) -> None:
    large["apiVersion"] = f"{unwatched}/v1alpha1"
    kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(large))
    ids = [f"{number:03}" + fill * 252 for number in range(1000)]
    queues = [OwnQueue(each, "tier-19", "Limited", "Open", 1e9, share=30, rate=12.5, burst=20) for each in ids]
    written = entries(queues, dict.fromkeys(ids, 100_000))
    status = {"observedGeneration": 1, "ownQueues": written}
    document = json.dumps({**{key: large[key] for key in ("apiVersion", "kind", "metadata")}, "status": status})
    kubectl(
        "apply", "--server-side", "--subresource=status", "--field-manager=merchantroute", "-f", "-", stdin=document
    )
    where = ("-n", large["metadata"]["namespace"])
    stored = json.loads(kubectl("get", UNWATCHED, "pos", *where, "-o", "json"))
    assert stored["status"]["ownQueues"] == written
    assert len(written) > 100


def test_the_one_wrong_merchant_of_2000_is_named(large: Json, ask: Ask) -> None:
    large["metadata"].pop("namespace")
    wrong = large["spec"]["merchants"][1999]
    wrong["tier"] = "tier-20"
    assert ask(large).says("spec.merchants", wrong["id"], "'tier-20' is not a tier", '"tier-19"')


def test_merchant_2001_is_refused(large: Json, ask: Ask) -> None:
    large["metadata"].pop("namespace")
    large["spec"]["merchants"].append({"id": "one-more", "tier": "tier-0", "endpoint": "https://a"})
    assert ask(large).says("spec.merchants", "Too many: 2001", "at most 2000")
