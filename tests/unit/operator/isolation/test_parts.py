"""A share divided over pods: a pod loses before another gains."""

from hypothesis import given, settings
from hypothesis import strategies as st

from merchantroute_operator.isolation.parts import Written, may_run, most_pods, parts_to_write, wanted_parts

PODS = ("pod-a", "pod-b", "pod-c", "pod-d")


def test_what_is_left_over_is_spread_and_other_queues_spread_it_elsewhere() -> None:
    parts = [wanted_parts(5, f"queue-{number}", PODS) for number in range(40)]

    assert {tuple(sorted(each.values())) for each in parts} == {(1, 1, 1, 2)}
    assert {pod for each in parts for pod, part in each.items() if part == 2} == set(PODS)


def test_a_pod_that_goes_changes_who_has_what_is_left_over_only_if_it_had_it() -> None:
    for number in range(20):
        before = wanted_parts(1, f"queue-{number}", PODS)
        (holder,) = [pod for pod, part in before.items() if part]
        after = wanted_parts(1, f"queue-{number}", [pod for pod in PODS if pod != "pod-d"])
        assert holder == "pod-d" or after[holder] == 1


@given(
    rate=st.sampled_from([0.001, 0.01, 0.5, 1.0, 5.0, 20.0, 300.0]),
    burst=st.sampled_from([1, 5, 100]),
    pods=st.integers(1, 30),
    share=st.integers(1, 200),
)
def test_pods_that_have_a_token_each_after_a_pause_exceed_no_rate_and_wait_for_no_token_for_long(
    rate: float, burst: int, pods: int, share: int
) -> None:
    parts = wanted_parts(share, "q", [f"pod-{place}" for place in range(pods)], most_pods(rate, burst))
    working = [part for part in parts.values() if part]
    assert sum(parts.values()) == share
    assert len(working) <= burst + 0.5 * rate or len(working) == 1
    assert len(working) == 1 or len(working) / rate <= 600


def test_a_low_rate_is_one_pods_and_another_queues_is_anothers() -> None:
    pods = [f"pod-{place}" for place in range(20)]
    assert sorted(parts_to_write(4, "q", dict.fromkeys(pods, 1), [], over=most_pods(0.001, 1)).values())[-2:] == [0, 4]
    assert len({max(one, key=one.__getitem__) for one in (wanted_parts(4, f"q{n}", pods, 1) for n in range(40))}) > 5


def test_nobody_has_a_part_of_a_share_without_pods() -> None:
    assert parts_to_write(5, "queue", {}, ()) == {}


def test_a_new_pod_waits_until_the_others_have_lost() -> None:
    written = (Written(1, {"pod-a": 8}),)

    first = parts_to_write(8, "queue", {"pod-a": 1, "pod-b": None}, written)
    unloaded = parts_to_write(8, "queue", {"pod-a": 1, "pod-b": 2}, (*written, Written(2, first)))
    loaded = parts_to_write(8, "queue", {"pod-a": 2, "pod-b": 2}, (*written, Written(2, first)))

    assert (first, unloaded, loaded) == (
        {"pod-a": 4, "pod-b": 0},
        {"pod-a": 4, "pod-b": 0},
        {"pod-a": 4, "pod-b": 4},
    )


def test_a_pod_that_is_gone_frees_its_part_at_once() -> None:
    written = (Written(1, {"pod-a": 4, "pod-b": 4}),)

    assert parts_to_write(8, "queue", {"pod-a": 1}, written) == {"pod-a": 8}


def test_orders_in_flight_count_until_they_are_over() -> None:
    written = (Written(1, {"pod-a": 8}), Written(2, {"pod-a": 4, "pod-b": 0}))
    loaded: dict[str, int | None] = {"pod-a": 2, "pod-b": 2}

    assert parts_to_write(8, "queue", loaded, written, {"pod-a": 7}) == {"pod-a": 4, "pod-b": 1}


def test_generations_that_nobody_runs_by_are_forgotten() -> None:
    written = tuple(Written(number, {"pod-a": number}) for number in (1, 3, 5))

    assert [each.generation for each in may_run(written, {"pod-a": 4})] == [3, 5]
    assert [each.generation for each in may_run(written, {"pod-a": 9})] == [5]
    assert [each.generation for each in may_run(written, {"pod-a": None})] == [1, 3, 5]


CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("share"), st.integers(0, 20)),
        st.tuples(st.just("come"), st.integers(0, 7)),
        st.tuples(st.just("go"), st.integers(0, 7)),
        st.tuples(st.just("load"), st.integers(0, 7)),
        st.tuples(st.just("begin"), st.integers(0, 7)),
        st.tuples(st.just("end"), st.integers(0, 7)),
        st.tuples(st.just("write"), st.just(0)),
    ),
    max_size=80,
)


@settings(max_examples=100, deadline=None)
@given(CHANGES)
def test_through_any_changes_the_orders_in_flight_never_exceed_the_largest_share_that_is_not_over(
    changes: list[tuple[str, int]],
) -> None:
    """Pods begin orders up to the part they have loaded. A share that was lowered is exceeded by nothing new."""
    share, generation = 6, 0
    written: tuple[Written, ...] = ()
    loaded: dict[str, int | None] = {}
    parts: dict[str, int] = {}
    running: dict[str, int] = {}
    highest = 0
    for kind, number in changes:
        pod = f"pod-{number}"
        if kind == "share":
            share = number
        elif kind == "come" and pod not in loaded:
            loaded[pod], parts[pod], running[pod] = None, 0, 0
        elif kind == "go":
            for each in (loaded, parts, running):
                each.pop(pod, None)
        elif kind == "load" and pod in loaded and written:
            loaded[pod], parts[pod] = generation, written[-1].parts.get(pod, 0)
        elif kind == "begin" and running.get(pod, 0) < parts.get(pod, 0):
            before = sum(running.values())
            running[pod] += 1
            assert sum(running.values()) <= max(share, before, highest)
        elif kind == "end" and running.get(pod, 0):
            running[pod] -= 1
        elif kind == "write":
            written = may_run(written, loaded)
            could = sum(
                max([running[each], *(w.parts.get(each, 0) for w in written if w.generation >= (loaded[each] or 0))])
                for each in loaded
            )
            generation += 1
            new = parts_to_write(share, "queue", loaded, written, running)
            assert sum(new.values()) <= share
            written = (*written, Written(generation, new))
            could_now = sum(
                max([running[each], *(w.parts.get(each, 0) for w in written if w.generation >= (loaded[each] or 0))])
                for each in loaded
            )
            assert could_now <= max(share, could)
            highest = max(share, could)


def test_a_rate_that_was_found_is_worked_by_one_pod_for_each_five_orders_a_second() -> None:
    assert [most_pods(rate, 1, found=True) for rate in (0.02, 4.9, 9.9, 10.0, 52.0)] == [1, 1, 1, 2, 10]
    assert most_pods(None, 1, found=True) is None
