"""The merchants' book: nothing that happens twice can hide, whether behind a key, another key or another merchant."""

from merchant_sim.pos import Answer, Call, PointOfSale
from merchant_sim.records import Records

ORDER = b'{"id":"r-1","items":[{"name":"x","quantity":1,"unit_price":5}],"total":5}'


def call(pos: PointOfSale, key: str, *, merchant: str = "a", method: str = "POST", path: str = "/orders") -> Answer:
    one = Call(merchant, method, path, key, ORDER if method == "POST" else b"")
    return pos.receive(one) or pos.serve(one)


def book(pos: PointOfSale) -> dict[str, dict[str, dict[str, int]]]:
    return dict(pos.records.summary())


def test_a_repeat_under_the_same_key_is_a_receipt_and_no_effect() -> None:
    pos = PointOfSale(Records())
    assert [call(pos, "r-1:submit").status for _ in range(3)] == [201, 201, 201]
    assert book(pos)["r-1"]["submit"] == {"receipts": 3, "repeats": 2, "effects": 1, "bodies": 1}


def test_the_same_order_under_another_key_is_a_second_ticket() -> None:
    pos = PointOfSale(Records())
    call(pos, "r-1:submit")
    call(pos, "other:submit")
    assert book(pos)["r-1"]["submit"]["effects"] == 2
    assert book(pos)["other"]["submit"] == {"receipts": 1, "repeats": 0, "effects": 0, "bodies": 1}


def test_the_same_order_at_two_merchants_is_two_effects() -> None:
    pos = PointOfSale(Records())
    call(pos, "r-1:submit", merchant="a")
    call(pos, "r-1:submit", merchant="b")
    assert book(pos)["r-1"]["submit"]["effects"] == 2


def test_a_key_used_again_for_another_content_is_refused_and_both_contents_are_counted() -> None:
    pos = PointOfSale(Records())
    call(pos, "r-1:submit")
    assert call(pos, "r-1:submit", path="/orders/validate").status == 422
    assert book(pos)["r-1"]["submit"] == {"receipts": 2, "repeats": 1, "effects": 1, "bodies": 2}


def test_whitespace_and_field_order_do_not_make_another_content() -> None:
    pos = PointOfSale(Records())
    for body in (b'{"a":1,"b":2}', b'{ "b": 2, "a": 1 }'):
        pos.receive(Call("a", "POST", "/orders", "k:submit", body))
    assert book(pos)["k"]["submit"]["bodies"] == 1


def test_a_request_without_a_key_is_refused() -> None:
    assert call(PointOfSale(Records()), "").status == 400


def test_an_order_is_confirmed_only_where_it_was_submitted() -> None:
    pos = PointOfSale(Records())
    call(pos, "r-1:submit")
    assert call(pos, "r-1:confirm", method="GET", path="/orders/r-1").status == 200
    assert call(pos, "r-1:confirm", method="GET", path="/orders/r-1", merchant="b").status == 404
    assert call(pos, "r-2:confirm", method="GET", path="/orders/r-2").status == 404


def test_a_receipt_of_an_order_that_was_refused_has_no_effect() -> None:
    pos = PointOfSale(Records())
    bad = Call("a", "POST", "/orders", "r-9:submit", b"null")
    pos.receive(bad)
    assert pos.serve(bad).status == 422
    assert book(pos)["r-9"]["submit"]["effects"] == 0


def test_the_oldest_orders_are_forgotten_and_counted() -> None:
    records = Records(limit=3)
    for number in range(5):
        records.receive(f"r-{number}:submit", b"")
    assert (list(dict(records.summary())), records.forgotten) == (["r-2", "r-3", "r-4"], 2)


def test_only_the_orders_of_a_run_are_listed() -> None:
    records = Records()
    for order in ("run1-1", "run2-1"):
        records.receive(f"{order}:submit", b"")
    assert list(dict(records.summary("run2-"))) == ["run2-1"]
