import json
from pathlib import Path

import pytest
import yaml

from merchantroute_operator.spec.broker_rules import BrokerRules
from tests.contract.crd.conftest import Ask
from tests.contract.crd.routes import Json
from tests.harness.cluster import Kubectl

SAMPLES = Path(__file__).parents[3] / "manifests" / "samples"
KIND = "MerchantRoute"


def documents(kind: str) -> list[tuple[str, Json]]:
    """The objects of a kind in every sample, by file."""
    files = {path.name: list(yaml.safe_load_all(path.read_text())) for path in sorted(SAMPLES.glob("*.yaml"))}
    return [(name, document) for name, found in files.items() for document in found if document["kind"] == kind]


@pytest.mark.parametrize(("name", "document"), documents(KIND), ids=lambda value: str(value)[:30])
def test_every_sample_is_a_valid_route(ask: Ask, name: str, document: Json) -> None:
    answer = ask({**document, "metadata": {"name": document["metadata"]["name"]}})
    assert answer.stored, (name, answer)


def test_the_main_sample_has_three_tiers_of_different_concurrency_and_twelve_merchants() -> None:
    spec = next(document["spec"] for name, document in documents(KIND) if name == "merchantroute.yaml")
    assert [tier["name"] for tier in spec["tiers"]] == ["enterprise", "standard", "longtail"]
    assert len({tier["concurrency"] for tier in spec["tiers"]}) == 3
    assert len(spec["merchants"]) >= 12
    assert {merchant["tier"] for merchant in spec["merchants"]} == {tier["name"] for tier in spec["tiers"]}
    assert all(merchant["endpoint"].endswith(f"/m/{merchant['id']}") for merchant in spec["merchants"])


def test_every_secret_that_a_sample_refers_to_for_a_merchant_is_there_and_labelled() -> None:
    secrets = {document["metadata"]["name"]: document for _, document in documents("Secret")}
    for _, document in documents(KIND):
        for merchant in document["spec"]["merchants"]:
            if credentials := merchant.get("credentials"):
                secret = secrets[credentials["secretRef"]["name"]]
                assert secret["metadata"]["labels"]["merchantroute.dev/credentials"] == "true"
                assert secret["metadata"]["namespace"] == document["metadata"]["namespace"]


def test_the_operators_network_policy_is_valid_and_lets_it_reach_brokers(kubectl: Kubectl, namespace: str) -> None:
    ((_, policy),) = documents("NetworkPolicy")
    kubectl(
        "create",
        "--dry-run=server",
        "-f",
        "-",
        stdin=json.dumps({**policy, "metadata": {"name": "operator", "namespace": namespace}}),
    )
    base = list(yaml.safe_load_all((SAMPLES.parent / "base" / "operator.yaml").read_text()))
    pod = next(each for each in base if each["kind"] == "Deployment")["spec"]["template"]
    selected = policy["spec"]["podSelector"]["matchLabels"]
    assert selected.items() <= pod["metadata"]["labels"].items()
    env = {each["name"]: each.get("value", "") for each in pod["spec"]["containers"][0]["env"]}
    allowed = BrokerRules.from_env(env).ports
    opened = [
        (port["port"], port.get("endPort", port["port"])) for rule in policy["spec"]["egress"] for port in rule["ports"]
    ]
    assert BrokerRules.from_env(env) == BrokerRules.from_env({})
    assert all(any(low <= first and last <= high for low, high in opened) for first, last in allowed)
