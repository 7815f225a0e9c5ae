"""The port as the operator holds it, on a real API server, with routes of a group that no operator watches."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from merchantroute_kit.waiting import until_async
from merchantroute_operator.kube.api import Api, Method
from merchantroute_operator.kube.client import KubeClient, connect
from merchantroute_operator.kube.kube_port import Object
from tests.harness.cluster import Kubectl
from tests.harness.crds import established

CRDS = Path(__file__).parents[3] / "crds"
GROUP, PLURAL, MERCHANTS = "ports.merchantroute.dev", "portroutes", "portmerchants"


class Unwatched(Api):
    """The same calls about the same kind in another group: an operator that runs in the cluster leaves it alone."""

    async def call(self, method: Method, path: str, *, body: Object | None = None, **rest: Any) -> Object:
        path = path.replace("/apis/merchantroute.dev/", f"/apis/{GROUP}/")
        path = path.replace("/merchantroutes", f"/{PLURAL}").replace("/merchants", f"/{MERCHANTS}")
        if body and body.get("apiVersion") == "merchantroute.dev/v1alpha1":
            body = {**body, "apiVersion": f"{GROUP}/v1alpha1"}
        return await super().call(method, path, body=body, **rest)


@contextmanager
def defined(kubectl: Kubectl, file: str, kind: str, plural: str) -> Iterator[str]:
    """A definition of crds/ under the tests' own group; gives the resource's name for kubectl."""
    copy: dict[str, Any] = yaml.safe_load((CRDS / file).read_text())
    copy["metadata"]["name"] = name = f"{plural}.{GROUP}"
    copy["spec"]["group"] = GROUP
    copy["spec"]["names"] = {"kind": kind, "plural": plural, "singular": plural.removesuffix("s")}
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(copy))
    established(kubectl, name, kind=kind)
    yield name
    kubectl("delete", f"crd/{name}", "--wait=false")


def are_closed() -> bool:
    """Whether TLS has said goodbye on all connections, which takes an answer from the API server: aiohttp waits for the
    connections that it keeps, and not for those that it gave up.
    """
    transports = asyncio.get_running_loop()._transports  # type: ignore[attr-defined]
    return all(each._sock is None for each in list(transports.values()))


@pytest.fixture(autouse=True)
async def goodbyes() -> AsyncIterator[None]:
    """A loop that ends before would leave open sockets, and so warnings, to whatever test comes next."""
    yield
    await until_async(are_closed, "every connection is closed")


@pytest.fixture(scope="session")
def definition(cluster: Path, kubectl: Kubectl) -> Iterator[str]:
    """The definition under a group of the tests' own; gives the resource's name for kubectl."""
    with defined(kubectl, "merchantroute.yaml", "MerchantRoute", PLURAL) as name:
        yield name


@pytest.fixture
async def kube(cluster: Path) -> AsyncIterator[KubeClient]:
    """The port, as the cluster's administrator."""
    async with connect(str(cluster)) as client:
        yield KubeClient(Unwatched(client.api.client))


@pytest.fixture
async def route(kube: KubeClient, definition: str, namespace: str, kubectl: Kubectl) -> Object:
    """A stored route."""
    document = {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "MerchantRoute",
        "metadata": {"name": "pos", "namespace": namespace},
        "spec": {
            "broker": {"secretRef": {"name": "rabbitmq"}},
            "worker": {"image": "worker:1"},
            "defaultTier": "standard",
            "tiers": [{"name": "standard"}],
        },
    }
    kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(document))
    stored = await kube.route(namespace, "pos")
    assert stored is not None
    return stored


@pytest.fixture(scope="session")
def merchants_definition(cluster: Path, kubectl: Kubectl) -> Iterator[str]:
    """The second kind under the tests' own group."""
    with defined(kubectl, "merchant.yaml", "Merchant", MERCHANTS) as name:
        yield name
