"""What the operator writes to the API server, by its own count, the Lease apart."""

from collections import Counter
from threading import Event

from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.installation import Installation

WRITES = {"POST", "PUT", "PATCH", "DELETE"}
OPERATOR, PORT = "merchantroute-system", 9090


def writes(world: Installation) -> Counter[str]:
    """``method kind`` -> calls since the operator started."""
    found: Counter[str] = Counter()
    pods = world.items(f"api/v1/namespaces/{OPERATOR}/pods?labelSelector=app.kubernetes.io/name=merchantroute-operator")
    for pod in pods:
        text = world.text(f"api/v1/namespaces/{OPERATOR}/pods/{pod['metadata']['name']}:{PORT}/proxy/metrics") or ""
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == "merchantroute_operator_kube_call_seconds_count":
                    method, kind = sample.labels["method"], sample.labels["kind"]
                    if method in WRITES and kind != "Lease":
                        found[f"{method} {kind}"] += int(sample.value)
    assert found, "the operator counts its calls"
    return found


def written_in(world: Installation, seconds: float) -> dict[str, int]:
    """What it writes in the next so many seconds."""
    before = writes(world)
    Event().wait(seconds)
    return dict(writes(world) - before)
