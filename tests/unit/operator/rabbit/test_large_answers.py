"""What a management API sends is read up to a bound, as it was sent: memory is the whole operator's."""

from __future__ import annotations

import gzip

import pytest

from merchantroute_operator.errors import BrokerError
from merchantroute_operator.rabbit import management as management_module
from tests.unit.operator.rabbit.odd_server import OddServer, odd_broker


async def test_an_answer_is_asked_for_unpacked_and_one_that_is_packed_is_not_unpacked() -> None:
    server = OddServer()
    server.say(gzip.compress(b"[" + b" " * 10_000_000 + b"]"), "Content-Encoding: gzip")
    async with odd_broker(server) as broker:
        with pytest.raises(BrokerError, match="does nothing in between answer or compress in its place"):
            await broker.samples()
    assert b"accept-encoding: identity\r\n" in server.asked[-1].lower()


async def test_an_answer_that_is_too_long_is_read_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(management_module, "LARGEST", 2**20)
    server = OddServer()
    server.say(b"[" + b" " * 2**20 + b"]")
    async with odd_broker(server) as broker:
        with pytest.raises(BrokerError, match="more than 1 MiB, and was not read"):
            await broker.samples()


async def test_an_error_that_is_too_long_is_read_no_further_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(management_module, "LARGEST", 2**20)
    server = OddServer()
    server.say(b" " * 2**21, status="500 No")
    async with odd_broker(server) as broker:
        with pytest.raises(BrokerError, match="more than 1 MiB"):
            await broker.samples()


@pytest.mark.parametrize("body", [b"[" + b"{}," * 1000 + b"{}]", b"[" * 1002, b"[" + b"1," * 1002 + b"1]"])
async def test_an_answer_of_too_many_values_is_not_parsed(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(management_module, "MOST_VALUES", 1000)
    server = OddServer()
    server.say(body)
    async with odd_broker(server) as broker:
        with pytest.raises(BrokerError, match="more than 1000 values, and was not read"):
            await broker.samples()
