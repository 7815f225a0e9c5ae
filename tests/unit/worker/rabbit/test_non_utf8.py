"""Messages whose text is not UTF-8, as py-amqp reads them once it is patched: these fail when py-amqp changes."""

import subprocess
import sys
from typing import Any

import amqp
import pytest
from amqp import serialization, spec

from merchantroute_worker.rabbit.non_utf8 import NonUtf8Text, names_as_text, non_utf8_fields, read_non_utf8

RAW = b"caf\xe9"
TEXTS = [name for name, kind in amqp.Message.PROPERTIES if kind == "s"]


def read(headers: Any = None, **properties: Any) -> dict[str, Any]:
    """What py-amqp makes of these properties once they have crossed the wire."""
    buffer = amqp.Message("", application_headers=headers, **properties)._serialize_properties()
    message = amqp.Message()
    message._load_properties(spec.Basic.CLASS_ID, buffer, 0)
    return message.properties


@pytest.fixture(autouse=True)
def patched() -> None:
    read_non_utf8()
    read_non_utf8()


@pytest.mark.parametrize("name", TEXTS)
def test_a_property_that_is_no_text_is_read_and_known(name: str) -> None:
    properties = read({"id": "o-1", "count": 3}, **{"delivery_mode": 2, name: RAW})
    assert properties[name] == "caf\\xe9"
    assert isinstance(properties[name], NonUtf8Text)
    assert properties["delivery_mode"] == 2
    headers = properties.pop("application_headers")
    assert headers == {"id": "o-1", "count": 3}
    assert non_utf8_fields(routing_key="hut", properties=properties, headers=headers) == name


def test_what_is_text_is_read_as_ever() -> None:
    headers = {"name": "caf\u00e9", "raw": RAW, "list": [1, {"deep": "x"}]}
    properties = read(headers, correlation_id="caf\u00e9", type="\ud800")
    assert properties == {"correlation_id": "caf\u00e9", "type": "\ud800", "application_headers": headers}
    assert not non_utf8_fields(routing_key="hut", properties=properties, headers=headers)


def test_a_header_s_name_that_is_no_text_is_known_and_gets_one_that_is() -> None:
    for more in ({}, {"type": RAW}):
        headers = read({RAW: 1, "deep": {RAW: [{RAW: 2}]}}, **more)["application_headers"]
        assert "a header's name" in non_utf8_fields(routing_key="hut", properties={}, headers=headers)
        assert names_as_text(headers) == {"caf\\xe9": 1, "deep": {"caf\\xe9": [{"caf\\xe9": 2}]}}


def test_a_routing_key_that_is_no_text_is_read() -> None:
    from amqp import abstract_channel

    arguments = serialization.dumps("sLbss", ["tag", 7, False, "door", RAW])
    values, end = abstract_channel.loads("sLbss", arguments, 0)
    assert values == ["tag", 7, False, "door", "caf\\xe9"]
    assert end == len(arguments)
    assert non_utf8_fields(routing_key=values[-1], properties={}, headers={}) == "routing key"


def test_py_amqp_itself_still_cannot_read_it() -> None:
    """Once it can, `read_non_utf8` is not needed."""
    program = (
        "import amqp\n"
        "raw = amqp.Message('', correlation_id=b'caf\\xe9')._serialize_properties()\n"
        "try:\n"
        "    amqp.Message()._load_properties(60, raw, 0)\n"
        "except UnicodeDecodeError:\n"
        "    raise SystemExit(7)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 7
