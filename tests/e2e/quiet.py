"""What is written to the API server: about one namespace by its own versions, by the operator by its own count."""

from collections import Counter
from threading import Event

from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.installation import ROUTES, Installation
from tests.e2e.tenant import Tenant

WRITES = {"POST", "PUT", "PATCH", "DELETE"}
OPERATOR, PORT = "merchantroute-system", 9090
KINDS = (
    *("api/v1 configmaps", "api/v1 secrets", "api/v1 serviceaccounts", "api/v1 pods", "api/v1 events"),
    *("apis/apps/v1 deployments", "apis/policy/v1 poddisruptionbudgets", "apis/networking.k8s.io/v1 networkpolicies"),
    f"{ROUTES} merchantroutes",
)


def versions(tenant: Tenant) -> dict[str, str]:
    """``kind name`` -> version of every object of the tenant's namespace; each write makes it another one."""
    found = {}
    for group, kind in map(str.split, KINDS):
        for each in tenant.installation.items(f"{group}/namespaces/{tenant.namespace}/{kind}"):
            found[f"{kind} {each['metadata']['name']}"] = each["metadata"]["resourceVersion"]
    return found


def unwritten_for(tenant: Tenant, seconds: float) -> bool:
    """Whether nobody writes anything in the tenant's namespace in the next so many seconds."""
    before = versions(tenant)
    Event().wait(seconds)
    return versions(tenant) == before


def writes(installation: Installation) -> Counter[str]:
    """``method kind`` -> calls since the operator started."""
    found: Counter[str] = Counter()
    pods = installation.items(
        f"api/v1/namespaces/{OPERATOR}/pods?labelSelector=app.kubernetes.io/name=merchantroute-operator"
    )
    for pod in pods:
        text = (
            installation.text(f"api/v1/namespaces/{OPERATOR}/pods/{pod['metadata']['name']}:{PORT}/proxy/metrics") or ""
        )
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == "merchantroute_operator_kube_call_seconds_count":
                    method, kind = sample.labels["method"], sample.labels["kind"]
                    if method in WRITES and kind != "Lease":
                        found[f"{method} {kind}"] += int(sample.value)
    assert found, "the operator counts its calls"
    return found


def written_in(installation: Installation, seconds: float) -> dict[str, int]:
    """What it writes in the next so many seconds."""
    before = writes(installation)
    Event().wait(seconds)
    return dict(writes(installation) - before)
