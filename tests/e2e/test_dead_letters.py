"""`merchantroute dead` from a person's machine: everything it needs to know it learns through kubectl."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from merchantroute_kit.waiting import until
from tests.e2e.conftest import OpenWebShop
from tests.e2e.routes import route
from tests.e2e.tenant import Tenant

ROOT = Path(__file__).resolve().parents[2]
SHORT = {"retry": {"maxAttempts": 2, "delays": ["500ms", "1s"]}}


def dead(tenant: Tenant, *arguments: str, name: str = "pos") -> subprocess.CompletedProcess[str]:
    """The command line as it is started in a terminal; KUBECONFIG names the cluster."""
    command = [sys.executable, "-m", "merchantroute_worker.cli", "dead", *arguments, "-n", tenant.namespace]
    unset = {key: value for key, value in os.environ.items() if key not in {"MR_BROKER", "MR_ROUTE", "MR_NAMESPACE"}}
    return subprocess.run(
        [*command, "--route", name],
        env={**unset, "PYTHONPATH": str(ROOT / "worker")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def ok(tenant: Tenant, *arguments: str) -> str:
    ended = dead(tenant, *arguments)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert tenant.password not in ended.stdout + ended.stderr
    return ended.stdout


def in_a_pod(tenant: Tenant, *arguments: str) -> str:
    """The same where nothing is installed: in a worker pod, which knows its route and its broker."""
    pod = tenant.pods("pos")[0]["metadata"]["name"]
    return tenant.kubectl("exec", pod, "--", "merchantroute", "dead", *arguments)


def listed(tenant: Tenant) -> list[Any]:
    return [json.loads(line) for line in ok(tenant, "list", "--json").splitlines()]


def test_orders_of_a_merchant_that_was_ill_are_found_replayed_and_done(
    tenant: Tenant, web_shop: OpenWebShop, tmp_path: Path
) -> None:
    tenant.apply(route("pos", merchants={"ill": "standard"}, orders=SHORT))
    tenant.ready("pos")
    till = web_shop(tenant, "pos")
    wrong = till.publish_malformed("ill", 2)
    until(lambda: wrong.keys() <= till.observed.dead.keys(), "wrong orders are dead letters")
    till.behave("ill", behaviour="error", error_status=408)
    orders = till.publish("ill", 20)
    until(lambda: orders <= till.observed.dead.keys(), "the ill merchant's orders are dead letters", 120)
    till.look_away()

    until(lambda: len(listed(tenant)) == 22, "all letters are listed", 60)
    reasons = Counter(letter["reason"] for letter in listed(tenant))
    assert reasons == {"attempts-exhausted": 20, **Counter(wrong.values())}
    assert tenant.password not in (told := in_a_pod(tenant, "list"))
    assert told.splitlines()[-1] == ok(tenant, "list").splitlines()[-1]
    one = min(orders)
    assert f"order {one} of merchant ill\n  reason           attempts-exhausted" in ok(tenant, "show", one)

    till.behave("ill")
    said = ok(tenant, "replay", "--reason", "attempts-exhausted", "--yes")
    assert f"20 letters replayed to mr.{tenant.namespace}.pos.router" in said
    until(lambda: till.are_done(orders), "replayed orders are done", 60, lambda: tenant.queues("pos"))

    file = tmp_path / "letters.jsonl"
    ok(tenant, "drop", "--all", "--yes", "--save", str(file))
    assert {json.loads(line)["order"] for line in file.read_text().splitlines()} == set(wrong)
    assert listed(tenant) == []
    ledger = till.ledger()
    assert ledger.done >= orders
    assert (ledger.lost, ledger.doubled) == (0, set())


def test_what_is_not_there_is_named(tenant: Tenant) -> None:
    nobody = dead(tenant, "list", name="soup")

    assert nobody.returncode == 1
    assert (
        f"Error: there is no route {tenant.namespace}/soup: `kubectl get mr -A` lists those that are" in nobody.stderr
    )

    tenant.apply(route("pos", secret="none-such"))
    nothing = dead(tenant, "list")

    assert nothing.returncode == 1
    assert f"route {tenant.namespace}/pos names the Secret none-such, which is not there" in nothing.stderr


def test_a_host_that_only_the_cluster_knows_is_explained(tenant: Tenant) -> None:
    tenant.apply(route("pos"))

    direct = dead(tenant, "list", "--no-port-forward")

    assert direct.returncode == 1
    assert "rabbitmq-pos.orders.svc is not known here" in direct.stderr
    assert "port-forward" in direct.stderr
