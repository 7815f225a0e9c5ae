"""The definition in a real API server, and what that server says to a route, without storing it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from kubernetes import client, config

from tests.contract.crd.routes import Json, route
from tests.harness.cluster import Kubectl
from tests.harness.crds import established

CRDS = Path(__file__).parents[3] / "crds"
UNWATCHED = "unwatchedroutes"


@dataclass(frozen=True)
class Answer:
    """What the API server said: the object as it would be stored, or the causes of its refusal by field."""

    stored: Json | None
    causes: tuple[tuple[str, str], ...] = ()
    message: str = ""

    def says(self, field: str, *words: str) -> bool:
        """Whether it refused ``field`` with a message that holds all ``words``."""
        return any(at == field and all(word in text for word in words) for at, text in self.causes)


Ask = Callable[[Mapping[str, Any]], Answer]


@pytest.fixture(scope="session")
def schema() -> Json:
    """The OpenAPI schema as it stands in crds/."""
    definition = yaml.safe_load((CRDS / "merchantroute.yaml").read_text())
    found: Json = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


@pytest.fixture(scope="session")
def definition(cluster: Path, kubectl: Kubectl) -> str:
    """The definition, applied as the README says, and its name once it is served."""
    kubectl("apply", "--server-side", "--force-conflicts", "-k", str(CRDS))
    established(kubectl, "merchantroutes.merchantroute.dev")
    established(kubectl, "merchants.merchantroute.dev", kind="Merchant")
    return "crd/merchantroutes.merchantroute.dev"


@pytest.fixture(scope="session")
def unwatched(definition: str, kubectl: Kubectl) -> Iterator[str]:
    """A group with the same kind that no operator watches: what a test stores there stays as it was written.

    Its resource has names of its own, since kubectl remembers for minutes what names there were.
    """
    copy = yaml.safe_load((CRDS / "merchantroute.yaml").read_text())
    copy["metadata"]["name"] = f"{UNWATCHED}.contract.merchantroute.dev"
    copy["spec"]["group"] = "contract.merchantroute.dev"
    names = {"kind": "MerchantRoute", "plural": UNWATCHED, "singular": UNWATCHED.removesuffix("s")}
    copy["spec"]["names"] = names
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(copy))
    established(kubectl, copy["metadata"]["name"])
    yield copy["spec"]["group"]
    kubectl("delete", f"crd/{copy['metadata']['name']}", "--wait=false")


@pytest.fixture(scope="session")
def custom_objects(cluster: Path, definition: str) -> Iterator[client.CustomObjectsApi]:
    """The client for routes, with one connection for all questions."""
    with config.new_client_from_config(str(cluster)) as api:  # type: ignore[no-untyped-call]
        yield client.CustomObjectsApi(api)


@pytest.fixture(scope="session")
def ask(custom_objects: client.CustomObjectsApi) -> Ask:
    """What the API server says to a whole route, checked strictly and not stored."""

    def send(document: Mapping[str, Any]) -> Answer:
        try:
            stored = custom_objects.create_namespaced_custom_object(
                "merchantroute.dev", "v1alpha1", "default", "merchantroutes", dict(document),
                dry_run="All", field_validation="Strict",
            )  # fmt: skip
        except client.ApiException as refusal:
            status = json.loads(refusal.body or "{}")
            causes = (status.get("details") or {}).get("causes") or []
            return Answer(None, tuple((c.get("field", ""), c["message"]) for c in causes), status.get("message", ""))
        return Answer(cast(Json, stored))

    return send


@pytest.fixture(scope="session")
def changed(ask: Ask) -> Ask:
    """What the API server says to the smallest route with changes by path."""
    return lambda changes: ask(route(changes))
