"""The number of pods is the scaler's: whatever is applied, it stays what ``/scale`` says."""

from typing import Any

import pytest

from merchantroute_operator.errors import KubeError
from merchantroute_operator.kube.client import KubeClient
from merchantroute_operator.kube.kube_port import Object
from tests.contract.kube.bodies import deployment
from tests.harness.cluster import Kubectl


def managers(stored: Object, *path: str) -> set[str]:
    """Who owns the field."""
    owners = set()
    for entry in stored["metadata"]["managedFields"]:
        fields: dict[str, Any] | None = entry["fieldsV1"]
        for step in path:
            fields = (fields or {}).get(f"f:{step}")
        if fields is not None:
            owners.add(entry["manager"])
    return owners


async def test_a_deployment_starts_with_its_number_and_keeps_it_through_applies(
    kube: KubeClient, namespace: str
) -> None:
    await kube.create_deployment(deployment(namespace), 3)

    stored = await kube.apply(deployment(namespace))

    assert stored["spec"]["replicas"] == 3
    assert managers(stored, "spec", "replicas") == {"merchantroute-scaler"}


async def test_the_scaler_owns_the_number_and_nothing_else(kube: KubeClient, namespace: str) -> None:
    """Else a field that the route asks for no more would stay: the scaler would still hold it."""
    await kube.create_deployment(deployment(namespace, env={"A": "1", "B": "2"}), 2)
    stored = await kube.apply(deployment(namespace, env={"A": "1", "B": "2"}))
    assert managers(stored, "spec", "template") == {"merchantroute"}

    changed = await kube.apply(deployment(namespace, env={"B": "2"}))

    assert changed["spec"]["template"]["spec"]["containers"][0]["env"] == [{"name": "B", "value": "2"}]
    assert changed["spec"]["replicas"] == 2


@pytest.mark.parametrize(("first", "then"), [(0, 5), (3, 0), (1, 4)])
async def test_what_the_scaler_writes_survives_applies(kube: KubeClient, namespace: str, first: int, then: int) -> None:
    await kube.create_deployment(deployment(namespace), first)
    assert (await kube.apply(deployment(namespace)))["spec"]["replicas"] == first

    await kube.scale(namespace, "pos-lane", then)
    assert (await kube.apply(deployment(namespace, env={"A": "1"})))["spec"]["replicas"] == then
    await kube.scale(namespace, "pos-lane", 2)
    assert (await kube.apply(deployment(namespace)))["spec"]["replicas"] == 2


async def test_creating_one_that_is_there_changes_nothing(kube: KubeClient, namespace: str) -> None:
    await kube.create_deployment(deployment(namespace), 1)
    await kube.scale(namespace, "pos-lane", 7)

    await kube.create_deployment(deployment(namespace), 1)

    stored = (await kube.children(namespace, "pos")).deployments["pos-lane"]
    assert stored["spec"]["replicas"] == 7


async def test_a_number_that_somebody_else_set_is_taken_over_by_the_next_scaling(
    kube: KubeClient, namespace: str, kubectl: Kubectl
) -> None:
    await kube.create_deployment(deployment(namespace), 1)
    kubectl("-n", namespace, "scale", "deployment/pos-lane", "--replicas=9")

    await kube.scale(namespace, "pos-lane", 2)

    assert (await kube.apply(deployment(namespace)))["spec"]["replicas"] == 2


async def test_scaling_what_is_gone_is_an_error_that_names_it(kube: KubeClient, namespace: str) -> None:
    with pytest.raises(KubeError, match="pos-lane"):
        await kube.scale(namespace, "pos-lane", 2)
