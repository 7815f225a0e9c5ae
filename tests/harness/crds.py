"""Waiting for a CustomResourceDefinition that was just made."""

from tests.harness.cluster import Kubectl


def established(kubectl: Kubectl, name: str, *, kind: str = "MerchantRoute") -> None:
    """Wait until the API server serves the definition ``name``.

    A definition that was just made has no conditions at all, and `kubectl wait` gives up at once on a list that is not
    there, whether asked by condition or by path. The name that is accepted is text from the start, and is written
    together with the first conditions.
    """
    for condition in (f"jsonpath={{.status.acceptedNames.kind}}={kind}", "condition=Established"):
        kubectl("wait", f"--for={condition}", f"crd/{name}", "--timeout=120s")
