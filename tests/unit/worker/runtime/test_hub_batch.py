"""All flushes that a turn of gevent's hub requests are one, at its end."""

import gevent
import pytest
from gevent.event import Event

from merchantroute_worker.runtime.hub_batch import HubBatch


def turn() -> None:
    """Let everything run that is ready to run now."""
    gevent.sleep(0)


def test_a_turn_s_requests_are_one_flush() -> None:
    seen: list[str] = []
    batch = HubBatch(lambda: seen.append("flushed"))

    def work(name: str) -> None:
        seen.append(name)
        batch.request()

    gevent.joinall([gevent.spawn(work, name) for name in ("a", "b", "c")])
    turn()
    assert seen == ["a", "b", "c", "flushed"]

    batch.request()
    turn()
    assert seen == ["a", "b", "c", "flushed", "flushed"]


def test_a_request_during_a_flush_that_waits_is_flushed_after_it() -> None:
    seen: list[str] = []
    network = Event()

    def flush() -> None:
        seen.append("begins")
        network.wait()
        seen.append("ends")

    batch = HubBatch(flush)
    batch.request()
    turn()
    batch.request()
    turn()
    assert seen == ["begins"]

    network.set()
    turn()
    assert seen == ["begins", "ends", "begins", "ends"]


def test_after_an_error_the_next_request_is_flushed(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[str] = []
    errors = [OSError("gone")]

    def flush() -> None:
        if errors:
            raise errors.pop()
        seen.append("flushed")

    batch = HubBatch(flush)
    for _ in range(2):
        batch.request()
        turn()

    assert seen == ["flushed"]
    assert "gone" in capsys.readouterr().err, "gevent reports the error"
