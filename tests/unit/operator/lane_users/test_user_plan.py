"""What is done about a route's users, by what the broker has: a table of cases."""

from dataclasses import replace

import pytest

from merchantroute_operator.lane_users.broker_user import (
    BrokerUser,
    DropUser,
    Permissions,
    Permit,
    PutUser,
    users_after,
)
from merchantroute_operator.lane_users.password import hashed, matches
from merchantroute_operator.lane_users.user_plan import WantedUser, drop, ensure, of_route, routes_before, tag, taken
from tests.unit.operator.route_samples import CLUSTER

MARK = tag(CLUSTER)
NAME, PASSWORD = "mr.orders.pos.standard.stable.0a1b2c3d", "p" * 43
RIGHTS = Permissions("^$", "^w$", "^r$")
WANTED = WantedUser(NAME, RIGHTS, PASSWORD)
THERE = BrokerUser(NAME, frozenset({MARK}), hashed(PASSWORD), RIGHTS)


@pytest.mark.parametrize(
    ("live", "kinds"),
    [
        (None, [PutUser, Permit]),
        (THERE, []),
        (replace(THERE, permissions=None), [Permit]),
        (replace(THERE, permissions=Permissions(".*", "^w$", "^r$")), [Permit]),
        (replace(THERE, password_hash=hashed("another")), [PutUser]),
        (replace(THERE, password_hash=""), [PutUser]),
        (replace(THERE, tags=frozenset({MARK, "administrator"})), [PutUser]),
        (replace(THERE, tags=frozenset()), []),  # somebody else's
        (replace(THERE, tags=frozenset({tag("another cluster")}), permissions=None), []),
    ],
)  # fmt: skip
def test_only_what_differs_is_done_and_nothing_to_users_of_others(live: BrokerUser | None, kinds: list[type]) -> None:
    users = {} if live is None else {NAME: live}

    ops = ensure([WANTED], users, MARK)

    assert [type(op) for op in ops] == kinds
    assert taken([NAME], users, MARK) == ((NAME,) if live and MARK not in live.tags else ())
    if kinds:
        made = users_after(users, ops)[NAME]
        assert (made.tags, made.permissions) == (frozenset({MARK}), RIGHTS)
        assert matches(PASSWORD, made.password_hash)
        assert ensure([WANTED], {NAME: made}, MARK) == ()


def test_the_password_is_in_no_operation_and_in_no_words() -> None:
    ops = ensure([WANTED], {}, MARK)

    assert PASSWORD not in repr((ops, WANTED))
    assert hashed(PASSWORD)[8:] not in repr(THERE)
    assert all(op.password_hash not in repr(op) for op in ops if isinstance(op, PutUser))


def test_only_users_of_the_operators_own_are_removed() -> None:
    other = replace(THERE, name="mr.orders.pos.other", tags=frozenset())

    ops = drop([NAME, other.name, "mr.orders.pos.gone"], {NAME: THERE, other.name: other}, MARK)

    assert ops == (DropUser(NAME),)
    assert users_after({NAME: THERE, other.name: other}, ops) == {other.name: other}


def test_users_are_told_apart_by_route_and_namespace() -> None:
    names = [NAME, "mr.orders.pos2.a.stable.1", "mr.orders.posx", "mr.shop.pos.a.stable.1", "mr.orders"]
    users = {name: replace(THERE, name=name) for name in names}
    users["mr.orders.foreign.a.1"] = replace(THERE, name="mr.orders.foreign.a.1", tags=frozenset({"management"}))

    assert of_route(users, "mr.orders.pos") == (NAME,)
    assert set(routes_before(users, "orders", "pos", MARK)) == {"pos2", "posx"}


@pytest.mark.parametrize(("route", "before"), [("a", ("d", "c", "b")), ("c", ("b", "a", "d")), ("d", ("c", "b", "a"))])
def test_each_route_looks_after_the_one_before_it_as_in_a_ring(route: str, before: tuple[str, ...]) -> None:
    users = {name: replace(THERE, name=name) for name in (f"mr.orders.{each}.standard.stable.1" for each in "abcd")}

    assert routes_before(users, "orders", route, MARK) == before
