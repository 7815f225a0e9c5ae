"""The operator's pod, killed without a word: the next one begins once the Lease has run out."""

from __future__ import annotations

from tests.e2e.installation import Installation

SYSTEM = "merchantroute-system"
LABEL = "app.kubernetes.io/name=merchantroute-operator"


def kill(installation: Installation) -> None:
    """Kill it, and do not wait for the next one."""
    installation.kubectl("-n", SYSTEM, "delete", "pods", "-l", LABEL, "--grace-period=0", "--force", "--wait=false")
