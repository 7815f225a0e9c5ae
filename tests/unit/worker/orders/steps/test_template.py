"""Templates are filled in with values of the order, its merchant and its captures, their types kept."""

import json
from typing import Any

import pytest

from merchantroute_worker.orders.steps.template import fill_text, fill_tree, parse_text, parse_tree
from merchantroute_worker.orders.steps.values import RequestNotBuilt, Values

ORDER = {
    "id": 7,
    "customer": {"name": "Jo {x}", "phone": None},
    "lines": [{"sku": "a", "qty": 2}],
    "total": 12.5,
    "paid": True,
}


def values(payload: bytes | None = None) -> Values:
    return Values(
        order_id="o-1",
        merchant="bistro",
        payload=json.dumps(ORDER).encode() if payload is None else payload,
        fields={"storeId": "s-9", "tableCount": 4},
        captured={"posId": 77, "tags": ["x"]},
    )


def text(source: str) -> str | None:
    return fill_text(parse_text(source), values(), of="the text")


@pytest.mark.parametrize(
    ("source", "filled"),
    [
        ("plain", "plain"), ("", ""), ("{order_id}", "o-1"), ("{merchant}/{order_id}", "bistro/o-1"),
        ("{fields.storeId}-{fields.tableCount}", "s-9-4"), ("p{posId}", "p77"),
        ("{/customer/name}", "Jo {x}"), ("{/total}|{/paid}|{/lines/0/qty}", "12.5|true|2"),
        ("{{{order_id}}}", "{o-1}"), ("{{order_id}}", "{order_id}"),
        ("a {/none?}", None), ("a {/customer/phone?}", None), ("{none?}", None), ("{fields.none?}", None),
    ],
)  # fmt: skip
def test_a_text_is_filled_in(source: str, filled: str | None) -> None:
    assert text(source) == filled


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{/none}", "the text needs /none of the order, which is missing"),
        ("{/customer/phone}", "needs /customer/phone of the order as a text, a number or a boolean"),
        ("{/lines}", "as a text, a number or a boolean"), ("{order}", "needs the order as a text"),
        ("{none}", "needs the captured value none, which is missing"), ("{tags}", "captured value tags as a text"),
        ("{fields.none}", "needs the field none, which is missing"),
    ],
)  # fmt: skip
def test_what_cannot_be_filled_in_is_named_and_not_shown(source: str, said: str) -> None:
    with pytest.raises(RequestNotBuilt) as told:
        text(source)

    assert said in str(told.value)
    assert "Jo" not in str(told.value)


@pytest.mark.parametrize("source", ["{", "}", "{order_id", "order_id}", "{{}", "{a{b}c}"])
def test_a_brace_without_its_other_one_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="brace"):
        parse_text(source)


@pytest.mark.parametrize(
    "source", ["{}", "{?}", "{order id}", "{a.b}", "{fields.}", "{fields.a.b}", "{1}", "{a-b}", "{/~}"]
)
def test_what_is_no_variable_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"there is no variable|JSON pointer"):
        parse_text(source)


@pytest.mark.parametrize(
    ("document", "filled"),
    [
        ("{/lines}", ORDER["lines"]), ("{order}", ORDER), ("{/total}", 12.5), ("{/paid}", True), ("{posId}", 77),
        ("{/customer/phone}", None), ("{fields.tableCount}", 4), ("n° {posId}", "n° 77"), ("{{x}}", "{x}"),
        ({"a": "{/id}", "b": [1, None, "{order_id}"], "c": {}}, {"a": 7, "b": [1, None, "o-1"], "c": {}}),
        ({"a": "{/none?}", "b": "x{/none?}", "c": ["{none?}", 1], "d": "{/customer/phone?}"}, {"c": [1]}),
        (7, 7), (None, None), (True, True),
    ],
)  # fmt: skip
def test_a_document_is_filled_in_with_values_of_their_own_types(document: Any, filled: Any) -> None:
    assert fill_tree(parse_tree(document), values(), of="the body") == filled


def test_what_a_value_holds_is_never_read_as_a_template() -> None:
    assert fill_tree(parse_tree({"n": "{/customer/name}"}), values(), of="the body") == {"n": "Jo {x}"}


def test_an_order_is_parsed_only_where_a_variable_asks_for_a_part_of_it() -> None:
    broken = values(b"[")
    assert fill_text(parse_text("{order_id}{posId}{fields.storeId}"), broken, of="the text") == "o-177s-9"
    with pytest.raises(RequestNotBuilt, match="the order cannot be read: it is no JSON"):
        fill_text(parse_text("{/id}"), broken, of="the text")


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"[" * 100_000, "too deeply|no JSON"),
        (b'{"a": NaN}', "no JSON"),
        (b"\xff", "no JSON"),
        (b"1" * 5000, "no JSON"),
    ],
)
def test_an_order_that_is_no_json_is_said_so(payload: bytes, said: str) -> None:
    with pytest.raises(RequestNotBuilt, match=said):
        fill_text(parse_text("{/a}"), values(payload), of="the text")


def test_a_document_may_not_be_nested_without_end() -> None:
    document: Any = "x"
    for _ in range(40):
        document = [document]
    with pytest.raises(ValueError, match="nested more than 32 deep"):
        parse_tree(document)
