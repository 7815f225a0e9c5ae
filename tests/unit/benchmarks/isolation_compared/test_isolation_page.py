"""The measured part of the page."""

from typing import Any

from benchmarks.isolation_compared.rows.isolation_page import BEGIN, END, figure_table, goal_table, with_measured
from benchmarks.isolation_compared.rows.isolation_page import waiting_table as waiting


def row(contender: str, fault: str, load: int = 50, **more: Any) -> dict[str, Any]:
    """A cell's row in which nothing is amiss."""
    return {
        "contender": contender,
        "fault": fault,
        "load": load,
        "fault_seconds": 120.0,
        "healthy_p50": 2.2,
        "healthy_p99": 3.0,
        "healthy_p99_ratio": 1.0,
        "healthy_p99_all_ratio": 1.0,
        "isolation_median": None,
        "isolation_seconds": None,
        "bound_after_slow": None,
        "isolated": 0,
        "false_openings": 0,
        "most_slots": 3,
        "refused": 0.0,
        "amplification": 1.0,
        "recovery_seconds": None,
        "recovered": True,
        "recovery_peak": 0,
        "fairness": 1.0,
        "cpu_seconds": 2.0,
        "memory_mb": 100.0,
        "published": 1000,
        "done": 1000,
        "dead": 0,
        "queued": 0,
        "lost": 0,
        "doubled": 0,
        **more,
    }


def test_a_goal_tells_the_worst_of_this_project_and_where() -> None:
    rows = [
        row("automatic", "none"),
        row("automatic", "flood", healthy_p99_ratio=1.05),
        row("automatic", "hang-5", load=90, healthy_p99_ratio=1.4),
        row("celery", "hang-5", healthy_p99_ratio=9.0),
    ]

    assert "| 1.1 x | 1.4 x | hang-5, 90 % | missed in 1 of 2 |" in goal_table(rows)
    assert "| orders lost or doubled | 0 | 0 | none, 50 % | reached in 3 |" in goal_table(rows)


def test_a_goal_of_which_nothing_was_measured_says_so() -> None:
    assert "not measured" in goal_table([row("celery", "none")])


def test_contenders_stand_side_by_side_with_seconds_where_nothing_is_wrong() -> None:
    rows = [
        row("automatic", "none"),
        row("celery", "none", healthy_p99=3.5),
        row("celery", "flood", healthy_p99_ratio=4),
    ]

    assert waiting(rows, 50).splitlines() == [
        "| fault | celery | automatic |",
        "|---|---|---|",
        "| no fault | 3.50 s | 3.00 s |",
        "| one gets 1,000 orders in 20 s | 4.00 (1.00) |  |",
    ]


def test_every_cell_has_a_line_in_the_order_of_contenders_and_faults() -> None:
    rows = [
        row("automatic", "flood", recovery_seconds=30.0, recovered=False),
        row("automatic", "none"),
        row("celery", "none"),
    ]
    lines = figure_table(rows).splitlines()[2:]

    assert [line.split(" | ")[:3] for line in lines] == [
        ["| celery", "50 %", "none"],
        ["| automatic", "50 %", "none"],
        ["| automatic", "50 %", "flood"],
    ]
    assert "| 30.0 + |" in lines[2]


def test_what_people_wrote_around_it_stays() -> None:
    page = with_measured(f"# Title\n\n{BEGIN}\nold\n{END}\n\nthe end\n", [row("automatic", "none")])

    assert page.startswith(f"# Title\n\n{BEGIN}\n\n### Goals")
    assert page.endswith(f"{END}\n\nthe end\n")
    assert "old" not in page
