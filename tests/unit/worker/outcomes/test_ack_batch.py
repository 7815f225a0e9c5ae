"""Records and acks of one hub turn are written together at its end: records first, then acks, and no ack is lost."""

import logging
from typing import Any

import gevent
import pytest

from merchantroute_worker.outcomes.ack_batch import BatchedAcks
from merchantroute_worker.rabbit.frames import FrameWriter
from tests.unit.worker.rabbit.test_frames import Channel, Connection, Transport

LOG = logging.getLogger("orders")


class Lines:
    """Notes when lines are written."""

    def __init__(self, seen: list[Any]) -> None:
        self._seen, self._waiting = seen, list[str]()

    def info(self, _logger: logging.Logger, _message: str, data: dict[str, Any]) -> None:
        self._waiting.append(data["order"])

    def flush(self) -> None:
        if self._waiting:
            self._seen.append(self._waiting)
            self._waiting = []


class Message:
    """A delivered message, as kombu has it."""

    class MessageStateError(Exception):
        """It was settled before."""

    _state = "RECEIVED"

    def __init__(self, channel: Any, tag: int) -> None:
        self.channel, self.delivery_tag = channel, tag

    @property
    def acknowledged(self) -> bool:
        return self._state == "ACK"


class Gone(Transport):
    """Nobody takes anything."""

    def write(self, _data: Any) -> None:
        raise BrokenPipeError


class Noted(Transport):
    """What is written goes where the lines go."""

    def __init__(self, seen: list[Any]) -> None:
        super().__init__(written=seen)


class Broken(Connection):
    """Its socket is gone."""

    collected = False

    def __init__(self) -> None:
        super().__init__()
        self.transport = Gone()

    def collect(self) -> None:
        self.collected = True


def channel(connection: Connection) -> Channel:
    connection.frame_writer = FrameWriter(connection)
    return Channel(connection)


def hashed(made: Channel) -> Any:
    """Channels are known by who they are."""
    return type("Open", (), {"connection": made.connection, "channel_id": made.channel_id})()


def test_the_lines_of_a_turn_are_out_before_its_acks_and_each_is_one_write() -> None:
    seen: list[Any] = []
    connection = Connection()
    connection.transport = Noted(seen)
    together, open_one = BatchedAcks(Lines(seen)), hashed(channel(connection))  # type: ignore[arg-type]

    def end(number: int) -> None:
        together.line(LOG, "order done", {"order": number})
        together.ack(Message(open_one, number))

    gevent.joinall([gevent.spawn(end, number) for number in (1, 2, 3)])
    gevent.sleep(0)

    assert [seen[0], len(seen)] == [[1, 2, 3], 2]
    assert len(seen[1]) == 3 * 21
    assert len(together) == 0


def test_a_connection_that_cannot_be_written_to_is_ended_and_others_are_not_touched() -> None:
    broken, whole = Broken(), Connection()
    together = BatchedAcks(Lines([]))  # type: ignore[arg-type]
    for made in (broken, whole):
        together.ack(Message(hashed(channel(made)), 1))
    together.ack(Message(hashed(Channel(None)), 1))

    gevent.sleep(0)

    assert broken.collected
    assert len(whole.transport.written) == 1
    assert len(together) == 0


def test_a_message_is_acked_once() -> None:
    together = BatchedAcks(Lines([]))  # type: ignore[arg-type]
    message = Message(hashed(channel(Connection())), 1)
    together.ack(message)

    with pytest.raises(Message.MessageStateError):
        together.ack(message)
