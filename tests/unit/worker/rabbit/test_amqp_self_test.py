"""A part of py-amqp or kombu that is gone, or does something else, is found at the start and told in one line."""

import re
from collections.abc import Callable
from typing import Any

import amqp
import kombu
import pytest
from amqp import abstract_channel, serialization, spec
from amqp.transport import TCPTransport
from kombu.message import Message

from merchantroute_worker.options import CannotStart
from merchantroute_worker.rabbit import frames, headers
from merchantroute_worker.rabbit.amqp_self_test import check

Break = Callable[[pytest.MonkeyPatch], None]


def reading_goes_by_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def setup(transport: Any) -> None:
        transport._write = transport.sock.sendall
        transport._read_buffer = b""
        transport._receive = transport.sock.recv

    monkeypatch.setattr(TCPTransport, "_setup_transport", setup)
    monkeypatch.setattr(TCPTransport, "_read", lambda transport, count, *_, **__: transport._receive(count))


def what_was_read_is_kept_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TCPTransport, "_read_buffer", property(lambda _: b"", lambda *_: None), raising=False)


def connections_have_another_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(amqp.Connection, "blocking_read")


def an_ack_has_another_number(monkeypatch: pytest.MonkeyPatch) -> None:
    pack = frames._ACK.pack
    moved = type("Moved", (), {"pack": staticmethod(lambda *values: pack(*values[:-2], 1, values[-1]))})
    monkeypatch.setattr(frames, "_ACK", moved)


def a_method_has_other_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abstract_channel, "loads", lambda *_: ([], 0))


def values_are_read_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    read = serialization._read_item
    monkeypatch.setattr(headers, "_read_item", lambda buffer, offset: (None, read(buffer, offset)[1]))


def properties_have_no_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serialization, "PROPERTY_CLASSES", {})


def the_close_of_a_channel_goes_by_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def listen(channel: Any) -> None:
        setup(channel)
        channel._callbacks[spec.Channel.Close] = lambda *_: None

    setup = amqp.Channel._setup_listeners
    monkeypatch.setattr(amqp.Channel, "_setup_listeners", listen)


def messages_keep_their_state_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Message, "acknowledged", property(lambda _: False))


BREAKS: list[Break] = [
    reading_goes_by_another_name, what_was_read_is_kept_elsewhere, connections_have_another_reader,
    an_ack_has_another_number, a_method_has_other_arguments, values_are_read_otherwise, properties_have_no_readers,
    the_close_of_a_channel_goes_by_another_name, messages_keep_their_state_elsewhere,
]  # fmt: skip


def test_what_is_installed_is_as_it_was() -> None:
    check()


@pytest.mark.parametrize("break_it", BREAKS, ids=lambda break_it: break_it.__name__)
def test_a_part_that_has_changed_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, break_it: Break) -> None:
    break_it(monkeypatch)

    named = re.escape(f"py-amqp {amqp.__version__} and kombu {kombu.__version__}")
    with pytest.raises(CannotStart, match=rf"^{named} do not .*: install ") as told:
        check()

    assert "\n" not in str(told.value)
