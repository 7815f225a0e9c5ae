"""`kubectl delete -k` in the order that comes to mind: operator and definitions at once, with routes still there."""

from collections.abc import Iterator
from typing import Any

import pytest

from merchantroute_kit.servers.api_server import ApiServer, api_server
from merchantroute_kit.servers.hack import ROOT
from merchantroute_kit.waiting import until
from tests.contract.chart.test_chart import ROUTES, kubectl, route
from tests.harness.crds import established

BASE = str(ROOT / "manifests" / "base")
FINALIZER = "merchantroute.dev/finalizer"
DEFINITIONS = ("merchantroutes.merchantroute.dev", "merchants.merchantroute.dev")


@pytest.fixture
def installed() -> Iterator[ApiServer]:
    """The operator with its definitions, as manifests/base installs it, and a route that it has taken in.

    On an API server of the test's own, since nothing there ends a namespace.
    """
    with api_server() as server:
        install(server)
        yield server


def install(server: ApiServer) -> None:
    """Apply manifests/base and the route, and wait for the policy."""
    kubectl(server, "apply", "--server-side", "--force-conflicts", "-k", BASE)
    for name, kind in zip(DEFINITIONS, ("MerchantRoute", "Merchant"), strict=True):
        established(lambda *arguments, **_: kubectl(server, *arguments), name, kind=kind)
    taken = route()
    taken["metadata"]["finalizers"] = [FINALIZER]
    server.apply(f"{ROUTES}/pos", taken)
    until(lambda: refusal(server, DEFINITIONS[0], "--dry-run=server"), "the policy is in force")


def refusal(server: ApiServer, name: str, *flags: str) -> str:
    """Delete a definition; why that was refused, or nothing."""
    try:
        kubectl(server, "delete", "crd", name, "--wait=false", *flags)
    except AssertionError as error:
        return str(error)
    return ""


def stored(server: ApiServer) -> dict[str, Any]:
    """The route."""
    found: dict[str, Any] = server.call("GET", f"{ROUTES}/pos")
    return found


def test_with_routes_there_it_leaves_them_as_they_are_and_says_what_to_do(installed: ApiServer) -> None:
    with pytest.raises(AssertionError) as refused:
        kubectl(installed, "delete", "--wait=false", "-k", BASE)

    said = str(refused.value)
    for name in DEFINITIONS:
        assert f"kubectl annotate crd {name} merchantroute.dev/deletion=allowed" in said
    assert "first `kubectl delete mr --all -A`" in said
    assert "deletionTimestamp" not in stored(installed)["metadata"]
    assert FINALIZER in stored(installed)["metadata"]["finalizers"]


def test_a_definition_goes_once_that_is_allowed(installed: ApiServer) -> None:
    installed.call("PATCH", f"{ROUTES}/pos", {"metadata": {"finalizers": None}}, "application/merge-patch+json")
    kubectl(installed, "-n", "default", "delete", "mr", "--all")
    for name in DEFINITIONS:
        assert refusal(installed, name)
        kubectl(installed, "annotate", "crd", name, "merchantroute.dev/deletion=allowed")
        assert not refusal(installed, name)

    until(lambda: "merchantroute" not in kubectl(installed, "get", "crd", "-o", "name"), "the definitions are gone")
