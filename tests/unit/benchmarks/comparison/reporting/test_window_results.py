"""The page in docs/ is of a table in which nothing is missing."""

from benchmarks.comparison.catalogue import ALL
from benchmarks.comparison.reporting.figures import figures
from benchmarks.comparison.reporting.window_results import complete, conditions
from tests.unit.benchmarks.comparison.reporting.windows import window

EVERYTHING = [window(one.name, ms) for one in ALL for ms in one.merchants]


def test_every_contender_wherever_it_is_measured_is_everything() -> None:
    assert complete(figures(EVERYTHING))
    assert not complete(figures(EVERYTHING[:-1]))


def test_the_machine_and_each_library_are_told() -> None:
    told = conditions()

    assert " cores (" in told["machine"]
    for name in ("celery 5.", "dramatiq ", "taskiq ", "faststream ", "uvloop ", "RabbitMQ 4.0.5"):
        assert name in told["versions"]
