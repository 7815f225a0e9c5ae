"""The second kind: what may be written, what is refused with which words, and what `kubectl get merchants` answers."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from tests.contract.crd.cases import Refused, refused
from tests.contract.crd.cases_isolation import REFUSED as ISOLATION
from tests.contract.crd.cases_merchants import BEARER
from tests.contract.crd.cases_merchants import REFUSED as INLINE
from tests.contract.crd.routes import REMOVED, Json, put
from tests.contract.crd.test_explain import explained, fields
from tests.harness.cluster import Kubectl

SAMPLE = Path(__file__).parents[3] / "manifests" / "samples" / "merchant.yaml"
CRD = Path(__file__).parents[3] / "crds" / "merchant.yaml"
PREFIX = "spec.merchants.0."

Said = Callable[[Json], str]


# Every refusal of an inline entry by itself is one of a Merchant too, under the field's own path.
SAME = [
    Refused({f"spec.{path.removeprefix(PREFIX)}": value}, case.field.replace("spec.merchants[0]", "spec"), case.words)
    for case in INLINE
    for path, value in case.changes.items()
    if path.startswith(PREFIX)
    if case.field != "spec.merchants" and "merchant 'burger-hut'" not in case.words
]
LIMITS = [
    Refused(
        {f"spec.{path.removeprefix(PREFIX)}": value for path, value in case.changes.items()},
        case.field.replace("spec.merchants[0]", "spec"),
        case.words,
    )
    for case in ISOLATION
    if all(path.startswith(PREFIX) for path in case.changes)
    if not case.words[0].startswith("should match")  # a pattern in a list, which may have few rules, is a rule here
]
GROUPS = [
    refused("spec.group", wrong, f"'{wrong}' cannot be the name of a group", "write lower-case letters")
    for wrong in ("Vendor", "-a", "a-", ".", "a b", "a/b", "ü")
]
REFUSED = [
    *SAME,
    *LIMITS,
    *GROUPS,
    refused("spec.routeRef.name", "POS", "'POS' cannot be the name of a MerchantRoute", "write at most 40"),
    refused("spec.routeRef.name", "a.b", "without dots"),
    refused("spec.routeRef", REMOVED, "Required value"),
    refused("spec.tier", "Gold", "'Gold' cannot be the name of a tier", "write one of the route's spec.tiers"),
]
ACCEPTED = [
    {},
    {"spec.id": "寿司 №7 / 🍔.#*"},
    {"spec.endpoint": "http://pos.example"},  # whether it may be is the route's word
    {"spec.credentials": BEARER},
    {"spec.limits": {"maxInFlight": 30, "maxRate": 0.5, "burst": 3}},
    {"spec.limits.maxRate": 10_000},
    {"spec.group": "pos.vendor.example"},
    {"metadata.name": "a.b.c"},
]


def merchant(changes: Mapping[str, Any], namespace: str = "default") -> Json:
    document: Json = {
        "apiVersion": "merchantroute.dev/v1alpha1",
        "kind": "Merchant",
        "metadata": {"name": "burger-hut", "namespace": namespace},
        "spec": {"routeRef": {"name": "pos"}, "tier": "standard", "endpoint": "https://pos.example"},
    }
    for path, value in changes.items():
        put(document, path, value)
    return document


@pytest.fixture(scope="session")
def said(custom_objects: client.CustomObjectsApi) -> Said:
    """What the API server says to a Merchant, checked strictly and not stored; empty when it is accepted.

    It is sent as JSON: of YAML, as an apply is sent, the API server's parser takes no control characters. These are
    refused too, but not in our words.
    """

    def send(document: Json) -> str:
        try:
            custom_objects.create_namespaced_custom_object(
                "merchantroute.dev", "v1alpha1", document["metadata"]["namespace"], "merchants", document,
                dry_run="All", field_validation="Strict",
            )  # fmt: skip
        except client.ApiException as refusal:
            return str(json.loads(refusal.body or "{}")["message"])
        return ""

    return send


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_the_api_server_names_the_field_and_the_fix(said: Said, case: Refused) -> None:
    answer = said(merchant(case.changes))
    assert case.field in answer
    assert all(word in answer for word in case.words), answer


@pytest.mark.parametrize("changes", ACCEPTED, ids=lambda changes: str(dict(changes))[:60])
def test_what_may_be_written_is_accepted(said: Said, changes: Mapping[str, Any]) -> None:
    assert said(merchant(changes)) == ""


def test_a_field_that_does_not_exist_is_refused_by_name(said: Said) -> None:
    assert "endpont" in said(merchant({"spec.endpont": "https://a"}))


def test_the_sample_is_a_valid_merchant(said: Said) -> None:
    document = yaml.safe_load(SAMPLE.read_text())
    document["metadata"]["namespace"] = "default"
    assert said(document) == ""


def test_every_field_has_a_description() -> None:
    schema = yaml.safe_load(CRD.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    ours = [(path, field) for path, field in fields(schema, "merchant") if path != "merchant.metadata"]
    assert len(ours) > 15
    assert not [path for path, field in ours if not field.get("description", "").strip()]


def test_kubectl_explain_tells_it_to_users(definition: str, kubectl: Kubectl) -> None:
    for path, words in {
        "merchant": "for teams that own their merchants",
        "merchants.spec.id": "Without it the object's own name is the id",
        "mrm.status.state": "its orders go to its tier as the spec says",
        "mr.spec.tiers.allowedMerchants": "may claim this tier",
    }.items():
        assert words in explained(kubectl, path, words)


def test_kubectl_get_answers_where_its_orders_go_and_since_when(
    definition: str, namespace: str, kubectl: Kubectl
) -> None:
    kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(merchant({}, namespace)))
    fresh = json.loads(kubectl("get", "merchant", "burger-hut", "-n", namespace, "-o", "json"))
    assert fresh["status"]["observedGeneration"] in {-1, 1}  # 1: an operator that runs in the cluster has seen it
    head = kubectl("get", "merchants", "-n", namespace).splitlines()[0]
    assert head.split() == [
        "NAME", "TIER", "STATE", "SINCE", "REASON", "ISOLATED", "WAITING", "SHARE", "AGE",
    ]  # fmt: skip
