"""The replay: two streams at their own rates, for ever, in the order of the sample."""

from itertools import islice

from merchantroute_demo.schedule import schedule
from merchantroute_samples.lines import Line

LINES = [Line(1, "a", {}), Line(2, "b", {}), Line(3, "c", {}), Line(4, "a", {})]


def test_each_stream_has_its_rate() -> None:
    due = list(islice(schedule(LINES, merchant="a", rate=2, other_rate=8), 1000))
    until = due[-1][0]
    own = sum(line.merchant == "a" for _, line in due)
    assert abs(own - 2 * until) <= 1
    assert [when for when, _ in due] == sorted(when for when, _ in due)


def test_lines_come_in_their_order_and_again_when_they_are_through() -> None:
    due = [line.number for _, line in islice(schedule(LINES, merchant="a", rate=0, other_rate=1), 5)]
    assert due == [2, 3, 2, 3, 2]
