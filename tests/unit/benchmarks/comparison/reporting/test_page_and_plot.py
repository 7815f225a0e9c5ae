"""What is shown is what was measured: a row and bars for each contender, ratios, and what was not the limit."""

import xml.etree.ElementTree as ET

from benchmarks.comparison.catalogue import ALL
from benchmarks.comparison.reporting.figures import figures
from benchmarks.comparison.reporting.goals import goals
from benchmarks.comparison.reporting.page import goal_table, page, rows
from benchmarks.comparison.reporting.plot import plot
from tests.unit.benchmarks.comparison.reporting.windows import window

WINDOWS = [
    window("worker-gevent-200", 500, per_second=100.0, per_cpu=400.0),
    window("post-prefork-4", 500, per_second=2.5, per_cpu=100.0, pss=120.0, p99=None),
    window("bare-loop", 5, per_second=1600.0, per_cpu=1600.0, merchants=0.25, ledger={"done": 50, "lost": 2}),
]
TABLE = figures(WINDOWS)
CONDITIONS = {"machine": "2 cores", "versions": "Python 3.11"}


def test_a_row_has_each_figure_and_its_ratio_to_this_worker() -> None:
    text = rows(TABLE, ALL, 500)

    assert "| **this worker, gevent 200** | 100.0 (1.00) | 360,000 | 2.5 (1.00) |" in text
    assert "| 2.5 (0.03) | 9,000 | 10 (4.00) | 100 (0.25) | 120.0 (3.00) | 1.500 (1.00) |  | 50% |" in text
    assert "bare" not in text


def test_without_this_worker_there_are_no_ratios() -> None:
    assert "| 1,600.0 | 5,760,000 | 0.625 | 1,600 | 40.0 |" in rows(TABLE, ALL, 5)


def test_the_page_says_when_how_and_what_was_not_the_limit() -> None:
    text = page(TABLE, ALL, goals(TABLE, ALL, None), WINDOWS, CONDITIONS)

    assert "Measured 2026-11-27 on 2 cores, Python 3.11. Windows of 2 s, rounds: 1, medians." in text
    assert "used at most 25% of a core; who called it most was `bare-loop`, 4,800 calls a second" in text
    assert "Of the contender's own core others took at most 48% (`post-prefork-4`, 500 ms)." in text
    assert "450 orders done, 2 lost." in text
    assert text.index("Merchants that answer in 5 ms") < text.index("Merchants that answer in 500 ms")


def test_goals_are_told_with_their_bound() -> None:
    text = goal_table(goals(TABLE, ALL, 0.75))

    assert "| none | an idle pod, of a core | <= 0.5 % | 0.75 % | not reached |" in text
    assert "| 500 ms | 200 slots: memory, of the post's prefork 4 | <= 0.5 x | 0.333 x | reached |" in text


def test_the_longest_bar_is_the_largest_figure_and_every_contender_has_two() -> None:
    picture = ET.fromstring(plot(TABLE, ALL))  # noqa: S314 - made here

    bars = list(picture.iter("{http://www.w3.org/2000/svg}rect"))[1:]
    widths = [float(bar.attrib["width"]) for bar in bars]
    assert widths == [250.0, 250.0, 250.0, 6.2, 250.0, 62.5]
    told = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert "Celery, the post's legacy pod: prefork 4, requests" in told
