"""Which order is published when: two streams of the sample, each cycled and evenly spaced, merged by time.

The hung merchant's orders run at their own rate, through every phase alike, so that the phases differ in nothing but
the merchant's behaviour.
"""

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import count, cycle

from merchantroute_demo.samples import Line


def schedule(lines: Iterable[Line], *, merchant: str, rate: float, other_rate: float) -> Iterator[tuple[float, Line]]:
    """(seconds since the start, line), for ever: `merchant` at `rate`, everybody else together at `other_rate`."""
    known = list(lines)
    own = [line for line in known if line.merchant == merchant]
    others = [line for line in known if line.merchant != merchant]
    return merge(_spaced(own, rate), _spaced(others, other_rate), key=lambda due: due[0])


def _spaced(lines: list[Line], rate: float) -> Iterator[tuple[float, Line]]:
    if lines and rate > 0:
        yield from zip((number / rate for number in count()), cycle(lines), strict=False)
