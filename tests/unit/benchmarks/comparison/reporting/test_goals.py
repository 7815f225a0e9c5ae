"""A goal is reached, not reached or not measured, by what was measured and by nothing else."""

from benchmarks.comparison.catalogue import ALL
from benchmarks.comparison.reporting.figures import figures
from benchmarks.comparison.reporting.goals import Goal, goals
from tests.unit.benchmarks.comparison.reporting.windows import window


def found(*windows: dict[str, object], idle: float | None = None) -> dict[str, Goal]:
    return {f"{goal.merchant}: {goal.what}": goal for goal in goals(figures(windows), ALL, idle)}


def test_nothing_measured_is_nothing_reached() -> None:
    assert {goal.verdict for goal in found().values()} == {"not measured"}


def test_slots_at_work_are_measured_against_what_they_could_do() -> None:
    seen = found(window("worker-gevent-200", 500, per_second=130.0), window("worker-gevent-500", 500, per_second=300.0))

    assert seen["500 ms: this worker, gevent 200: of slots / order time"].verdict == "reached"
    assert seen["500 ms: this worker, gevent 500: of slots / order time"].verdict == "not reached"
    assert seen["2 s: this worker, gevent 500: of slots / order time"].verdict == "not measured"


def test_a_pod_is_measured_against_the_posts_pod() -> None:
    seen = found(
        window("post-prefork-4", 500, per_second=2.0, pss=100.0),
        window("worker-gevent-200", 500, per_second=100.0, pss=49.0),
        window("worker-gevent-500", 500, per_second=200.0, pss=51.0),
    )

    assert (seen["500 ms: 200 slots: orders, times the post's prefork 4"].found) == 50.0
    verdicts = [goal.verdict for name, goal in seen.items() if "the post's prefork 4" in name]
    assert verdicts == ["reached", "reached", "not reached", "not reached"]


def test_the_best_of_all_contenders_is_the_one_to_beat_and_the_limit_is_none_of_them() -> None:
    seen = found(
        window("worker-gevent-200", 5, per_cpu=1000),
        window("worker-gevent-500", 5, per_cpu=5000),
        window("handwritten", 5, per_cpu=500),
        window("dramatiq-gevent", 5, per_cpu=900),
        window("bare-loop", 5, per_cpu=1600),
    )

    best = seen["5 ms: orders per CPU second, times the best contender's"]
    assert best.found == 1000 / 900
    assert best.verdict == "not reached"
    assert seen["5 ms: orders per CPU second, of the bare loop's"].verdict == "reached"


def test_at_rest_less_is_better() -> None:
    seen = found(window("worker-gevent-500", 5, pss=80.0), window("worker-gevent-500", 50, pss=91.0), idle=0.4)

    assert seen["any: memory at 500 slots"].found == 91.0
    assert seen["any: memory at 500 slots"].verdict == "not reached"
    assert seen["none: an idle pod, of a core"].verdict == "reached"
