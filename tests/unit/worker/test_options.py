"""The command line's options, and the one-line errors for invalid ones."""

import pytest

from merchantroute_worker.options import CannotStart, parse_options
from merchantroute_worker.runtime.bounded_set import BoundedSet


def test_without_arguments_it_is_the_built_in_app_on_gevent_with_the_tier_s_slots() -> None:
    parsed = parse_options([])
    assert (parsed.app, parsed.pool, parsed.concurrency, parsed.green) == (
        "merchantroute_worker.app",
        "gevent",
        None,
        True,
    )


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--pool", "gevnet"], "there is no pool 'gevnet': write one of gevent, threads, prefork"),
        (["--concurrency", "0"], "--concurrency must be at least 1, not 0"),
        (["--concurrency", "many"], "argument --concurrency/-c: invalid int value: 'many'"),
        (["--poool", "gevent"], "unrecognized arguments: --poool gevent"),
    ],
)
def test_what_cannot_be_meant_is_one_line(argv: list[str], words: str) -> None:
    with pytest.raises(CannotStart, match=words.replace("?", r"\?")):
        parse_options(argv)


def test_a_memory_forgets_its_oldest() -> None:
    memory: BoundedSet[int] = BoundedSet(most=2)
    for number in (1, 2, 3):
        memory.add(number)
    memory.discard(3)

    assert [number in memory for number in (1, 2, 3)] == [False, True, False]
