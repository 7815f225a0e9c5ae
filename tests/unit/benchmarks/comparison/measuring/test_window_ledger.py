"""The ledger of a window is by order id: what is neither done nor left is lost."""

from benchmarks.comparison.measuring.window_ledger import reckoned

BOOK = {"r-1": [1, 1, 1], "r-2": [1, 1, 0], "r-3": [1, 2, 1], "r-4": [1, 1, 1]}


def test_done_left_lost_and_repeated() -> None:
    # r-2 is under way and in the queue again, r-4 is done and its ack came too late, r-5 is nowhere
    ledger = reckoned(["r-1", "r-2", "r-3", "r-4", "r-5"], BOOK, ["r-2", "r-4"], ended=True)

    assert (ledger.done, ledger.left, ledger.lost, ledger.repeated) == (3, 2, 1, 1)
    assert ledger.failures(ours=False) == ["1 orders are lost"]
    assert ledger.failures(ours=True) == ["1 orders are lost", "1 orders have a step that was received twice"]
    assert not ledger.dry


def test_orders_that_did_not_last_show_too_little() -> None:
    assert reckoned(["r-1"], {"r-1": [1, 1, 1]}, [], ended=True).dry
    assert not reckoned([], BOOK, [], ended=False).dry


def test_only_this_worker_must_end_when_told() -> None:
    ledger = reckoned(["r-1"], {"r-1": [1, 1, 1]}, ["r-1"], ended=False)

    assert (ledger.failures(ours=False), ledger.failures(ours=True)) == ([], ["SIGTERM did not end it"])
