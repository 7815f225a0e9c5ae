"""What of an installation is still in the cluster."""

from __future__ import annotations

from tests.e2e.installing.fresh import DEFINITIONS, SYSTEM, Fresh

ALLOWED = "merchantroute.dev/deletion=allowed"
ADMISSION = "admissionregistration.k8s.io/merchantroute-definitions"
GUARD = tuple(f"validatingadmissionpolicy{of}.{ADMISSION}" for of in ("", "binding"))
OURS = "app.kubernetes.io/part-of=merchantroute"


def left(fresh: Fresh) -> list[str]:
    """Objects of the operator's installation, `kind/name` each: by their label, the definitions, and the namespace."""
    kubectl = fresh.kubectl
    known = kubectl("api-resources", "--verbs=list", "-o", "name").split()
    kinds = (kind for kind in known if not kind.endswith("merchantroute.dev"))  # which may go while they are asked for
    labelled = kubectl("get", ",".join(sorted(kinds)), "-A", "-l", OURS, "--ignore-not-found", "-o", "name").split()
    definitions = [name for name in kubectl("get", "crd", "-o", "name").split() if name.endswith("merchantroute.dev")]
    namespace = kubectl("get", "namespace", SYSTEM, "--ignore-not-found", "-o", "name").split()
    return sorted({*labelled, *definitions, *namespace})


def definitions() -> set[str]:
    """The definitions, as `left` names them."""
    return {f"customresourcedefinition.apiextensions.k8s.io/{name}" for name in DEFINITIONS}
