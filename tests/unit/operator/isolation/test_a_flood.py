"""What a flood of orders gets while the orders of its neighbours wait in the lane."""

from merchantroute_operator.isolation.model import Waiting
from tests.unit.operator.isolation.fleet_samples import Route, well


def test_it_gets_what_one_more_could_have_and_no_more_before_the_lane_is_empty() -> None:
    route = Route(busy=50, backlog=5_000)
    route.tick(*[well("flood", in_flight=45)] * 4)
    route.tick(*[well("flood", in_flight=45, refused=100)] * 4)
    opened = route.queues["flood"].share
    route.waiting["flood"] = Waiting(9_000, 30)

    route.ticks(10, *[well("flood", in_flight=20, refused=100)] * 4)
    pressed = route.queues["flood"].share
    route.busy, route.backlog = 30, 0
    route.tick(*[well("flood", in_flight=12, refused=100)] * 4)

    assert (opened, pressed) == (4 * route.fair, 4 * route.fair)
    assert route.queues["flood"].share > pressed
