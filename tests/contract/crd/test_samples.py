from pathlib import Path

import pytest
import yaml

from tests.contract.crd.conftest import Ask
from tests.contract.crd.routes import Json

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
