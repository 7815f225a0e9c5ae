"""Polling gives what was found, and says what it waited for in vain."""

from collections.abc import Iterator

import pytest

from merchantroute_kit.waiting import TimedOut, until, until_async


def looks() -> Iterator[int]:
    """Nothing twice, then something."""
    yield from (0, 0, 3)


def test_what_was_found_is_given() -> None:
    seen = looks()

    assert until(lambda: next(seen), "a number") == 3


def test_what_was_waited_for_is_named_with_what_was_seen_last_and_an_explanation() -> None:
    with pytest.raises(TimedOut, match=r"waited 0 s in vain for: a number; last seen: 0\nit is late"):
        until(lambda: 0, "a number", 0.0, lambda: "it is late")


@pytest.mark.parametrize("in_thread", [False, True])
async def test_an_event_loop_waits_in_the_same_way(in_thread: bool) -> None:
    seen = looks()
    await until_async(lambda: next(seen), "a number", in_thread=in_thread)
    assert next(seen, None) is None  # it was asked three times

    with pytest.raises(TimedOut, match="waited 0 s in vain for: a number; last seen: 0"):
        await until_async(lambda: 0, "a number", 0.0, in_thread=in_thread)
