"""A route that is made again under the name of one that was just deleted, before any pass saw it gone, is another."""

from __future__ import annotations

import pytest

from merchantroute_operator.kube.kube_port import Autoscaler, Children
from tests.unit.operator.canary_scenario import Road, road, spec_of
from tests.unit.operator.operator_under_test import KEY, with_finalizer
from tests.unit.operator.route_samples import raw_route


def replaced(verb: str, *, watched: bool) -> Road:
    """``kubectl replace --force`` of a route whose canary was aborted or promoted by hand."""
    world = road({"weight": 5})
    world.annotate(f"{verb}:standard")
    world.look()
    world.look()
    assert world.phase()[0] == {"abort": "Aborted", "promote": "Promoted"}[verb]
    world.reconciler.states[KEY].scaled_by = {"of": "the old one"}
    world.delete(policy="Retain")
    world.kube.objects = {key: body for key, body in world.kube.objects.items() if key[0] != "Pod"}
    world.look()
    assert world.kube.stored["metadata"]["finalizers"] == []  # type: ignore[index]
    new = raw_route(**spec_of({"weight": 5}))
    new["metadata"] |= {"uid": "another", "generation": 1}
    world.kube.objects = {}
    world.kube.status = {"observedGeneration": -1}
    world.kube.stored = with_finalizer(new)
    if watched:
        world.reconciler.route_changed(*KEY, ("another", 1, 1, False, "|"))
    world.look()
    return world


@pytest.mark.parametrize("watched", [True, False], ids=["seen by the watch first", "seen by the pass first"])
@pytest.mark.parametrize("verb", ["abort", "promote"])
def test_the_new_routes_canary_begins_at_its_beginning(verb: str, watched: bool) -> None:
    world = replaced(verb, watched=watched)
    assert world.phase() == ("Starting", 0)
    assert world.share() == 0
    assert "canary" in world.lanes()


def test_nothing_else_is_inherited_but_what_the_watch_has_shown() -> None:
    world = replaced("abort", watched=True)
    state = world.reconciler.states[KEY]
    assert state.uid == "another"
    assert "of" not in state.scaled_by
    assert not state.deletion.drain_ended
    assert state.schedule.version == ("another", 1, 1, False, "|")
    assert not [event for event in world.kube.events if "Repaired" in event]


def test_deployments_that_outlived_the_old_one_are_known_though_the_watch_shows_them_no_more() -> None:
    world = road({"weight": 5})
    new = raw_route(**spec_of({"weight": 5}))
    new["metadata"]["uid"] = "another"
    world.kube.stored = with_finalizer(new)
    world.look()
    deployments = {name for kind, name in world.kube.objects if kind == "Deployment"}
    assert set(world.reconciler.states[KEY].deployments) == deployments


def test_the_status_of_the_old_one_is_not_written_to_the_new_one() -> None:
    world = road({"weight": 5})
    new = raw_route(**spec_of({"weight": 5}))
    new["metadata"]["uid"] = "another"
    read = world.kube.children

    async def replaced_meanwhile(namespace: str, route: str) -> Children:
        world.kube.stored, world.kube.status = with_finalizer(new), {"observedGeneration": -1}
        return await read(namespace, route)

    world.kube.children = replaced_meanwhile  # type: ignore[method-assign]
    world.kube.scalers = [Autoscaler("HorizontalPodAutoscaler", "x", name) for _, name in world.kube.objects]
    world.look()
    assert world.kube.status == {"observedGeneration": -1}
    world.look()
    assert world.kube.status["observedGeneration"] == new["metadata"]["generation"]


def test_an_event_about_the_old_one_takes_nothing_from_it() -> None:
    world = road({"weight": 5})
    state = world.reconciler.states[KEY]
    world.reconciler.route_changed(*KEY, (state.uid, 7, 1, False, "|"))
    world.reconciler.route_changed(*KEY, (state.uid, 7, 0, True, "|"))
    assert world.reconciler.states[KEY] is state


def test_a_deployment_that_went_while_nobody_watched_is_forgotten() -> None:
    world = road({"weight": 5})
    state, gone = world.reconciler.states[KEY], {"metadata": {"name": "gone"}, "spec": {"replicas": 3}}
    state.deployments["gone"] = gone
    world.look()
    assert "gone" not in state.deployments
    assert len(state.deployments) == len(world.lanes()) + 1  # and the suspect lane's


def test_a_deployment_that_was_made_again_during_the_pass_is_kept() -> None:
    world = road({"weight": 5})
    state = world.reconciler.states[KEY]
    known = {"pos": {"metadata": {"name": "pos", "uid": "old"}}}
    state.deployments = {"pos": {"metadata": {"name": "pos", "uid": "new"}}}
    state.drop_deployments(known, {})
    assert state.deployments["pos"]["metadata"]["uid"] == "new"
