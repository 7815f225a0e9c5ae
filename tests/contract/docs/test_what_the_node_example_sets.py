"""The Node example is read, not run: what it sets is what the Python examples, which are run, are held to."""

import re

import pytest

from tests.contract.docs.examples import DOOR, NODE, block

EXAMPLE = block(NODE, "js")


def options() -> dict[str, str]:
    """The literal that the example hands to `publish`, without its headers."""
    (found,) = re.findall(r"const options = \{\n(.*?)\n\s+\};", EXAMPLE, re.DOTALL)
    pairs = re.findall(r"^\s+(\w+): (.*),$", found, re.MULTILINE)
    return {name: value for name, value in pairs if name != "headers"}


def test_the_order_is_mandatory_persistent_and_named_by_its_id() -> None:
    assert options() == {
        "mandatory": "true",
        "persistent": "true",
        "correlationId": "orderId",
        "contentType": '"application/json"',
        "contentEncoding": '"utf-8"',
    }


def test_its_headers_are_those_of_the_contract() -> None:
    (headers,) = re.findall(r"headers: \{ (.*?) \}", EXAMPLE)

    pairs = dict(re.findall(r'"?([\w-]+)"?: ("[^"]*"|[\w.()]+)', headers))
    assert pairs == {"task": '"merchantroute.order"', "id": "orderId", "mr-published-at": "Date.now()"}


def test_its_body_is_protocol_2() -> None:
    assert "JSON.stringify([[], { order }, {}])" in EXAMPLE


@pytest.mark.parametrize(
    "part",
    [
        "createConfirmChannel()",
        'channel.on("return"',
        'channel.on("error"',
        f'channel.publish("{DOOR}", merchant, body,',
    ],
)
def test_it_waits_for_the_confirm_at_the_door_and_hears_returns_and_errors(part: str) -> None:
    assert part in EXAMPLE
