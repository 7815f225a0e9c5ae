"""`merchantroute render`: the requests that a pod would send, from files alone."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from merchantroute_worker.cli.main import main
from merchantroute_worker.cli.route_file import DEFAULT_STEPS
from tests.house.tracked import ROOT

CREATE: dict[str, Any] = {
    "name": "create",
    "method": "POST",
    "path": "/v2/stores/{fields.storeId}/orders",
    "body": {"json": {"reference": "{order_id}", "lines": "{/items}", "note": "{/note?}"}},
    "capture": {"posId": {"json": "/id"}, "etag": {"header": "ETag", "default": "none"}},
    "verify": {"path": "/v2/orders?reference={order_id}"},
    "answers": [{"answer": "409", "then": "Done"}],
    "callTimeout": "5s",
}
PAY: dict[str, Any] = {
    "name": "pay",
    "method": "PUT",
    "path": "/v2/orders/{posId}",
    "headers": {"If-Match": "{etag}"},
    "body": {"form": {"kind": "{/kind}"}},
    "skipWhen": [{"value": "{/kind}", "in": ["cash"]}],
}
BEARER = {"type": "Bearer", "secretRef": {"name": "hut-pos"}}
HUT = {"id": "hut", "tier": "standard", "endpoint": "https://{merchant}.example/".replace("{merchant}", "hut")}
ORDER = {"id": "o-1", "items": [{"sku": "ü"}], "kind": "card"}


def a_route(**spec: Any) -> dict[str, Any]:
    merchants = [{**HUT, "fields": {"storeId": "s 1"}, "credentials": BEARER}]
    return {"kind": "MerchantRoute", "spec": {"orders": {"steps": [CREATE, PAY]}, "merchants": merchants, **spec}}


def rendered(
    folder: Path, *arguments: str, documents: Any = None, order: Any = None, merchant: str = "hut"
) -> tuple[int, str]:
    route, orders = folder / "route.yaml", folder / "order.json"
    route.write_text(yaml.safe_dump_all([a_route()] if documents is None else documents))
    orders.write_text(order if isinstance(order, str) else json.dumps(ORDER if order is None else order))
    given = ["render", "-f", str(route), "--merchant", merchant, "--order", str(orders), *arguments]
    ran = CliRunner().invoke(main, given)
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
    return ran.exit_code, ran.output


def test_every_request_is_shown_with_its_secret_named_and_not_read(tmp_path: Path) -> None:
    status, text = rendered(tmp_path, "--capture", "posId=17")

    assert status == 0
    assert "POST https://hut.example/v2/stores/s%201/orders\n" in text
    assert "Authorization: Bearer <key token of Secret hut-pos>\n" in text
    assert "Idempotency-Key: o-1:create\n" in text
    assert '"sku": "ü"' in text
    assert (
        "# create.verify, where nobody knows whether create was done\nGET https://hut.example/v2/orders?reference=o-1\n"
        in text
    )
    assert "# posId is 17 from here on\n" in text
    assert "PUT https://hut.example/v2/orders/17\n" in text
    assert "\nIf-Match: none\n" in text
    assert text.rstrip().endswith("kind=card")


def test_without_an_answer_given_a_captured_value_says_what_it_is(tmp_path: Path) -> None:
    assert "PUT https://hut.example/v2/orders/captured-posId\n" in rendered(tmp_path)[1]


def test_a_step_that_is_skipped_is_said_so(tmp_path: Path) -> None:
    text = rendered(tmp_path, order={**ORDER, "kind": "cash"})[1]

    assert "# pay: skipped, since skipWhen holds for this order" in text
    assert "PUT" not in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"order": {"id": "o-1"}}, "step create has no request of this order: the body needs /items of the order"),
        ({"order": "soup"}, "the order is no JSON"),
        ({"order": "[1]"}, "no pod would take this order"),
        ({"merchant": "bar"}, "has the merchant bar, and there is no defaultEndpoint: the route lists hut"),
        ({"documents": []}, "the file has 0 MerchantRoutes"),
        ({"documents": [a_route(merchants=[{**HUT, "workflow": "toast"}])]}, "the route has no workflow toast"),
        (
            {"documents": [a_route(merchants=[HUT])]},
            "step create has no request of this order: the path needs the field",
        ),
        ({"documents": [a_route(merchants=[{"id": "hut"}])]}, "the route is not as its definition says"),
        (
            {"documents": [a_route(orders={"steps": [{**PAY, "path": "/{a b}"}]})]},
            "step pay: there is no variable {a b}",
        ),
        (
            {"documents": [a_route(merchants=[{**HUT, "endpoint": "http://hut.example"}])]},
            "the merchant cannot be called",
        ),
    ],
)
def test_what_no_pod_would_send_ends_with_a_line_that_says_why(tmp_path: Path, changes: Any, said: str) -> None:
    status, text = rendered(tmp_path, **changes)

    assert status == 1
    assert said in text


def test_a_merchant_may_be_an_object_of_its_own_with_a_workflow(tmp_path: Path) -> None:
    merchant = {
        "kind": "Merchant",
        "metadata": {"name": "noodle"},
        "spec": {"routeRef": {"name": "pos"}, "endpoint": "https://noodle.example", "workflow": "form"},
    }
    step = {"name": "send", "method": "POST", "path": "/{merchant}", "body": {"form": {"id": "{order_id}"}}}
    route = a_route(orders={"workflows": [{"name": "form", "steps": [step]}]})
    status, text = rendered(tmp_path, "--order-id", "o/2", documents=[route, merchant], merchant="noodle")

    assert (status, "POST https://noodle.example/noodle\n" in text) == (0, True)
    assert text.rstrip().endswith("id=o%2F2")


def test_a_route_that_says_no_steps_has_those_of_its_definition(tmp_path: Path) -> None:
    definition = yaml.safe_load((ROOT / "crds" / "merchantroute.yaml").read_text())
    spec = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    assert spec["orders"]["default"]["steps"] == DEFAULT_STEPS

    text = rendered(tmp_path, documents=[{"kind": "MerchantRoute", "spec": {"merchants": [HUT]}}])[1]
    assert [line for line in text.splitlines() if line.startswith("#")] == ["# validate", "# submit", "# confirm"]
    assert "GET https://hut.example/orders/o-1\n" in text


def test_yaml_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "route.yaml").write_text("a: [")
    (tmp_path / "order.json").write_text("{}")
    given = ["render", "-f", str(tmp_path / "route.yaml"), "--merchant", "m", "--order", str(tmp_path / "order.json")]
    ran = CliRunner().invoke(main, given)

    assert (ran.exit_code, ran.output.count("\n")) == (1, 1)
    assert "is no YAML" in ran.output
