"""The examples, by the very commands of their READMEs: each is applied, and orders flow through it.

Only what is another one than in the cluster of `make cluster` is replaced: namespace, virtual host, cluster's name.
"""

import json
import os
import re
import subprocess
import urllib.request
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from merchantroute_kit.waiting import until
from merchantroute_worker.client import Client, Order
from tests.e2e.tenant import Tenant

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
SECRET = "rabbitmq-pos-default-user"
STARTS = 120.0  # seconds that a pod may take
COMMAND = 300.0  # seconds; the longest builds an image, or fetches a package

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

Do = Callable[..., str]


@pytest.fixture(scope="module")
def here(module_tenant: Tenant) -> Tenant:
    """A namespace with the broker's Secret under the name that the examples use."""
    module_tenant.apply(module_tenant.secret(SECRET))
    return module_tenant


@pytest.fixture
def do(here: Tenant) -> Do:
    """do(example, part) runs the commands of an example's README that hold `part`, word for word, and gives what they
    print; `instead` names words that are others here.
    """
    environment = {**os.environ, "MR_BROKER": here.vhost.amqp_url}
    context = here.installation.kubectl("config", "current-context").strip()
    ours = {
        "-n orders": f"-n {here.namespace}",
        "=orders/": f"={here.namespace}/",
        "--name merchantroute": f"--name {context.removeprefix('kind-')}",
        "/%2F": urlsplit(here.vhost.amqp_url).path,
    }

    def run(example: str, *parts: str, instead: dict[str, str] | None = None) -> str:
        chosen = [each for each in commands(example) if any(part in each for part in parts)]
        missing = [part for part in parts if not any(part in each for each in chosen)]
        assert missing == [], f"{example} shows no such command"
        script = "\n".join(chosen)
        for written, meant in {**ours, **(instead or {})}.items():
            script = script.replace(written, meant)
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=COMMAND,
        )
        assert ended.returncode == 0, f"{script}\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout

    return run


def commands(example: str) -> list[str]:
    """What a person types, as the README shows it."""
    (folder,) = EXAMPLES.glob(f"{example}-*")
    blocks = re.findall(r"```console\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def steps_of(tenant: Tenant, order: str) -> dict[str, int]:
    """How often each step of an order took effect, in the merchants' own book."""
    url = f"{tenant.installation.merchants_url}/admin/receipts?run={order}"
    with _DIRECT.open(url, timeout=30) as answer:
        book: dict[str, dict[str, Any]] = json.load(answer)["orders"]
    return {step: told["effects"] for step, told in book.get(order, {}).items()}


def is_done(tenant: Tenant, order: str) -> bool:
    """Whether each step of the built-in series took effect once."""
    return steps_of(tenant, order) == {"validate": 1, "submit": 1, "confirm": 1}


def publish(tenant: Tenant, route: str, merchant: str, number: int = 1) -> list[str]:
    """Publish good orders; their ids."""
    orders = [f"example-{uuid.uuid4().hex}" for _ in range(number)]
    items = [{"name": "Ramen", "quantity": 1, "unit_price": 1250}]
    client = Client(broker=tenant.vhost.amqp_url, route=f"{tenant.namespace}/{route}")
    try:
        client.publish_many(
            [Order({"id": order, "items": items, "total": 1250}, merchant=merchant, order_id=order) for order in orders]
        )
    finally:
        client.close()
    return orders


def are_done(tenant: Tenant, orders: list[str]) -> None:
    """Wait until all of them are."""
    for order in orders:
        until(partial(is_done, tenant, order), f"{order} is done", 60, partial(steps_of, tenant, order))


def lines(tenant: Tenant, route: str, **labels: str) -> str:
    """The logs of the route's pods that carry these labels; not all of them while a container is being created."""
    chosen = ",".join(f"merchantroute.dev/{name}={value}" for name, value in {"route": route, **labels}.items())
    return tenant.kubectl("logs", "-l", chosen, "--tail=-1", check=False)


def test_an_order_flows_through_the_minimal_route(here: Tenant, do: Do) -> None:
    do("01", "kubectl apply", "kubectl wait")
    assert "AsWanted" in do("01", "kubectl get")

    order = f"example-{uuid.uuid4().hex}"
    do("05", "$(kubectl get", "export", "publish.py", instead={"order-1": order})
    are_done(here, [order])
    until(lambda: "order.done" in lines(here, "minimal"), "it has its line", 30, partial(lines, here, "minimal"))
    assert do("01", "kubectl logs").count("order.done") == 1


@pytest.mark.extended
def test_an_order_of_a_program_in_node_is_done_as_well(here: Tenant, do: Do) -> None:
    """Needs node and npm, and fetches amqplib: what it sets on a message, each run looks at in tests/contract/docs."""
    do("01", "kubectl apply", "kubectl wait")
    order = f"example-{uuid.uuid4().hex}"
    do("05", "$(kubectl get", "export", "npm install", "publish.js", instead={"order-2": order})
    are_done(here, [order])


def test_a_route_is_tuned_and_a_merchant_moved_with_the_editor(here: Tenant, do: Do) -> None:
    do("02", "kubectl apply -n orders --server-side -f examples", "kubectl wait")
    are_done(here, [*publish(here, "tiers", "burger-hut"), *publish(here, "tiers", "nobody-listed")])

    do("02", "concurrency: 40")
    queue = f"queues/{{vhost}}/mr.{here.namespace}.tiers.enterprise.stable"

    def slots() -> list[int]:
        return [each["prefetch_count"] for each in here.rabbit("GET", queue)["consumer_details"]]

    until(lambda: slots() == [40], "the running pod has the new number of slots", 60, slots)

    do("02", "s/standard/enterprise/")
    here.ready("tiers")
    moved = publish(here, "tiers", "taco-town")
    are_done(here, moved)
    until(lambda: moved[0] in lines(here, "tiers", tier="enterprise"), "a pod of its new tier did it", 30)


def test_a_canary_gets_its_share_beside_a_prefork_pool_and_is_aborted(here: Tenant, do: Do) -> None:
    do("03", "route.yaml", "kubectl wait")
    are_done(here, publish(here, "legacy", "burger-hut"))

    do("03", "canary.yaml")
    until(lambda: do("03", "kubectl get").startswith("Fixed 50%"), "the canary is on", STARTS)
    orders = publish(here, "legacy", "taco-town", 40)
    are_done(here, orders)
    until(lambda: _number(here, "canary", orders) + _number(here, "stable", orders) == 40, "each has its line", 30)
    assert 5 < _number(here, "canary", orders) < 35  # chance does otherwise once in a million

    do("03", "canary=abort")
    until(lambda: do("03", "kubectl get").startswith("Aborted 0%"), "the canary is aborted", 60)
    fresh = publish(here, "legacy", "taco-town", 5)
    are_done(here, fresh)
    until(lambda: _number(here, "stable", fresh) == 5, "the prefork pods did them", 30)


def test_a_team_s_own_app_runs_as_it_is(here: Tenant, do: Do) -> None:
    do("04", "docker build", "kind load", "kubectl apply", "kubectl wait")

    order = f"example-{uuid.uuid4().hex}"
    do("04", "export", "publish.py", instead={"order-1": order})

    until(lambda: steps_of(here, order) == {"validate": 1}, "the task called the merchant", 60)


def _number(tenant: Tenant, lane: str, orders: list[str]) -> int:
    told = lines(tenant, "legacy", lane=lane)
    return sum(order in told for order in orders)
