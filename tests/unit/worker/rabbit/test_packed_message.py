"""A packed AMQP message: the bytes are py-amqp's, and a header without a form in AMQP fails before anything is sent."""

from datetime import UTC, datetime
from typing import Any

import amqp
import pytest

from merchantroute_worker.rabbit.packed_message import NotEncodable, PackedMessage

HEADERS = {"id": "o-1", "retries": 0, "eta": None, "timelimit": [None, None], "at": datetime(2026, 1, 1, tzinfo=UTC)}


def test_the_properties_are_packed_as_py_amqp_packs_them() -> None:
    properties = {"correlation_id": "o-1", "delivery_mode": 2, "content_type": "application/json"}
    plain = amqp.Message(b"{}", application_headers=dict(HEADERS), **properties)

    assert PackedMessage(b"{}", HEADERS, **properties).packed == plain._serialize_properties()


def test_a_header_that_changes_afterwards_is_not_packed_again() -> None:
    headers = dict(HEADERS)
    message = PackedMessage(b"{}", headers)
    before = message.packed

    message.properties["application_headers"]["id"] = "o-2"

    assert message._serialize_properties() == before


@pytest.mark.parametrize(
    ("headers", "properties"),
    [
        ({"own": object()}, {}),
        ({"own": 2**64}, {}),
        ({"x" * 256: 1}, {}),
        ({}, {"correlation_id": "x" * 256}),
        ({}, {"delivery_mode": "two"}),
    ],
)
def test_what_amqp_cannot_carry_is_an_error_at_once(headers: dict[str, Any], properties: dict[str, Any]) -> None:
    with pytest.raises(NotEncodable):
        PackedMessage(b"{}", headers, **properties)
