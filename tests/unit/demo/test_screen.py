"""The live table: a row per tier, and the hung merchant apart from its neighbours."""

from rich.console import Console

from merchantroute_demo.cluster import Pods
from merchantroute_demo.route import Route, Tier
from merchantroute_demo.screen import Screen, plain, rows
from merchantroute_demo.watcher import Snapshot
from merchantroute_kit.accounting.ledger import Completion
from merchantroute_kit.accounting.observed_orders import ObservedOrders, Published

ROUTE = Route(
    "orders",
    "pos",
    "secret",
    "completions",
    4.0,
    (1.0,),
    ("submit",),
    {"a": Tier("a", 1, 1), "ab": Tier("ab", 1, 1)},
    {"hung": "a", "near": "a", "far": "ab"},
)


def observed() -> ObservedOrders:
    made = ObservedOrders(ROUTE.steps, ROUTE.merchants)
    for number, merchant in enumerate(["hung", "hung", "near", "far"]):
        made.publish(Published(f"r-{number}", merchant, "hang", None, 0))
    made.complete(Completion("r-2", "p", 100_000, 0.25))
    made.complete(Completion("r-3", "p", 10_000, 9.0))  # too long ago for the window
    made.die("r-1", "malformed")
    return made


def test_each_tier_and_the_hung_merchant_have_their_figures() -> None:
    snapshot = Snapshot(
        messages={"mr.orders.pos.a.stable": 3, "mr.orders.pos.a.retry.1000": 4, "mr.orders.pos.ab.stable": 9},
        retried={"a": 5},
        pods={"a": Pods(1, 2)},
    )
    a, hung, near, ab = rows(ROUTE, observed(), snapshot, hung="hung", now=101.0)
    assert (a.name, a.published, a.done, a.retried, a.dead, a.queued, a.pods) == ("a", 3, 1, 5, 1, 7, "1/2")
    assert (hung.name.strip(), hung.published, hung.done, hung.queued) == ("hung", 2, 0, 1)
    assert (near.published, near.done, near.p50, near.p99) == (1, 1, 0.25, 0.25)
    assert (ab.queued, ab.p99, ab.pods) == (9, None, "-")


def test_a_queue_that_is_not_known_yet_shows_a_dash() -> None:
    snapshot = Snapshot(messages={"mr.orders.pos.a.stable": None})
    assert "queued -" in plain(rows(ROUTE, observed(), snapshot, hung="hung", now=101.0)[0])


def test_pods_are_ready_when_all_of_every_tier_are() -> None:
    assert not Snapshot(pods={"a": Pods(1, 1), "ab": Pods(1, 2)}).pods_ready
    assert Snapshot(pods={"a": Pods(1, 1), "ab": Pods(2, 2)}).pods_ready


def test_without_a_terminal_plain_lines_are_printed() -> None:
    console = Console(record=True, force_terminal=False, width=200)
    with Screen(console) as screen:
        screen.show("hang", rows(ROUTE, observed(), Snapshot(), hung="hung", now=101.0))
        screen.show("hang", [])  # too soon after the last
    text = console.export_text()
    assert text.count("hang\n") == 1
    assert "its neighbours  published 1  done 1" in text
