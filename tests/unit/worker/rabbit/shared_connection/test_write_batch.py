"""Frames of one turn of the hub are one write, in their order, and a write that fails is told."""

from typing import Any

import gevent
from amqp import method_framing, spec

from merchantroute_worker.rabbit.shared_connection.write_batch import WriteBatch, write_together
from tests.unit.worker.rabbit.test_frames import Connection


def turn() -> None:
    """All that is ready to run runs."""
    gevent.sleep(0)


def test_the_frames_of_a_turn_are_one_write_byte_for_byte() -> None:
    alone, together = Connection(), Connection()
    write_together(together, list[Exception]().append)

    for connection in (alone, together):
        writer = method_framing.frame_writer(connection, connection.transport) if connection is alone else None
        for tag in (b"a", b"bc"):
            (writer or connection.frame_writer)(1, 3, spec.Basic.Ack, tag, None)
    assert together.transport.written == []
    turn()

    assert together.transport.written == [b"".join(alone.transport.written)]


def test_what_comes_while_a_write_waits_is_written_after_it() -> None:
    seen: list[bytes] = []

    def slow(frames: bytes) -> None:
        seen.append(frames)
        if frames == b"ab":
            collected.write(b"c")
            turn()
        seen.append(b"ended")

    collected = WriteBatch(slow, list[Exception]().append)
    collected.write(b"a")
    collected.write(b"b")
    turn()
    turn()

    assert seen == [b"ab", b"ended", b"c", b"ended"]


def test_a_write_that_fails_is_told_and_the_next_is_tried() -> None:
    told: list[Any] = []
    problems = [ConnectionResetError("gone")]

    def send(frames: bytes) -> None:
        if problems:
            raise problems.pop()
        told.append(frames)

    collected = WriteBatch(send, told.append)
    for frame in (b"a", b"b"):
        collected.write(frame)
        turn()

    assert [str(each) for each in told] == ["gone", "b'b'"]
