"""What Argo CD says of a route and a merchant: its scripts, in Lua, over statuses as the operator writes them."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from merchantroute_kit.servers.hack import hack
from merchantroute_operator.errors import KubeError, SecretMissing
from merchantroute_operator.spec.sections.pause import Pause
from merchantroute_operator.status.assemble import status
from tests.unit.operator.status_views import a_view, one_pod

FILE = Path(__file__).parents[3] / "manifests" / "argocd" / "argocd-cm.yaml"
SCRIPTS = yaml.safe_load(FILE.read_text())["data"]
NOW = "2026-01-02T03:04:05Z"


@pytest.fixture(scope="session")
def lua() -> str:
    """The interpreter."""
    return hack("lua-bin", within=600).strip()


def literal(value: Any) -> str:
    """A value of JSON as Lua writes it."""
    match value:
        case dict():
            return "{" + ",".join(f"[{json.dumps(key)}]={literal(each)}" for key, each in value.items()) + "}"
        case list():
            return "{" + ",".join(map(literal, value)) + "}"
        case None:
            return "nil"
        case _:
            return json.dumps(value)


def health(lua: str, kind: str, generation: int, of: dict[str, Any] | None) -> tuple[str, str]:
    """Status and message that Argo CD shows."""
    script = SCRIPTS[f"resource.customizations.health.merchantroute.dev_{kind}"]
    obj = {"metadata": {"generation": generation}, "status": of}
    shown = "print(said.status)\nprint(said.message)"
    program = f"obj = {literal(obj)}\nlocal said = (function()\n{script}\nend)()\n{shown}"
    answer = subprocess.run([lua, "-"], input=program, capture_output=True, text=True, check=True).stdout
    verdict, message = answer.splitlines()
    return verdict, message


@pytest.mark.parametrize(
    ("view", "verdict", "said"),
    [
        (a_view(), "Healthy", "AsWanted: Orders flow"),
        (a_view(generation=2), "Progressing", "not come to this generation"),
        (a_view(unbound=3), "Progressing", "BindingMerchants: 3 merchants wait"),
        (a_view(**one_pod()), "Progressing", "Starting: No ready pod yet"),
        (a_view(ending="draining: 5 orders left"), "Progressing", "Ending: draining"),
        (a_view(error=KubeError("429"), reporting=True), "Progressing", "KubernetesError: 429"),
        (a_view(error=SecretMissing("Secret x does not exist")), "Degraded", "SecretMissing: Secret x"),
        (a_view(pause=replace(Pause(), spec=True), paused=True, pending=("a queue",)), "Suspended", "RoutePaused"),
    ],
)
def test_a_routes_health(lua: str, view: Any, verdict: str, said: str) -> None:
    found, message = health(lua, "MerchantRoute", 3, status(view, {}, NOW))
    assert found == verdict
    assert said in message


@pytest.mark.parametrize("kind", ["MerchantRoute", "Merchant"])
@pytest.mark.parametrize("of", [None, {"observedGeneration": -1}])
def test_what_the_operator_has_not_seen_is_under_way(lua: str, kind: str, of: dict[str, Any] | None) -> None:
    assert health(lua, kind, 1, of)[0] == "Progressing"


@pytest.mark.parametrize(
    ("state", "reason", "verdict"),
    [
        ("Active", "AsWanted", "Healthy"),
        ("Active", "Conflicted", "Healthy"),
        ("Pending", "Binding", "Progressing"),
        ("Pending", "CredentialsUnusable", "Degraded"),
        ("Pending", "CredentialsRefused", "Degraded"),
        ("Pending", "AddressForbidden", "Degraded"),
        ("Refused", "TierUnknown", "Degraded"),
    ],
)
def test_a_merchants_health(lua: str, state: str, reason: str, verdict: str) -> None:
    of = {"observedGeneration": 4, "state": state, "reason": reason, "message": "in words"}
    assert health(lua, "Merchant", 4, of) == (verdict, f"{reason}: in words")
