"""What the operator tells Prometheus about itself."""

import urllib.request

import pytest
from prometheus_client import REGISTRY

from merchantroute_kit.servers.ports import free_port, loopbacks
from merchantroute_operator import metrics


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"merchantroute_operator_{name}", labels) or 0.0


def test_a_pass_is_counted_timed_and_dated() -> None:
    done, timed = value("passes_total", result="done"), value("pass_seconds_count")
    with metrics.passing():
        pass
    assert value("passes_total", result="done") == done + 1
    assert value("pass_seconds_count") == timed + 1
    assert value("last_pass_timestamp_seconds") > 1.7e9


def test_a_pass_that_raises_is_counted_as_failed_and_raises_on() -> None:
    failed = value("passes_total", result="failed")
    with pytest.raises(RuntimeError), metrics.passing():
        raise RuntimeError
    assert value("passes_total", result="failed") == failed + 1


def test_a_pass_whose_error_is_told_by_its_route_is_counted_as_failed() -> None:
    done, failed = value("passes_total", result="done"), value("passes_total", result="failed")
    with metrics.passing() as outcome:
        outcome.failed = True
    assert value("passes_total", result="failed") == failed + 1
    assert value("passes_total", result="done") == done


def test_calls_and_pulses_are_counted_by_their_end() -> None:
    metrics.kube_call("PATCH", "Deployment", 0.1, True)
    metrics.broker_call("GET", 0.1, False)
    metrics.pulse(True)
    metrics.pulse(False)
    assert value("kube_call_seconds_count", method="PATCH", kind="Deployment", result="done") >= 1
    assert value("broker_call_seconds_count", method="GET", result="failed") >= 1
    assert value("pulses_total", result="received") >= 1
    assert value("pulses_total", result="dropped") >= 1


def test_the_queues_depth_is_asked_for_at_each_scrape() -> None:
    waiting = ["a", "b"]
    metrics.watch_queue(lambda: len(waiting), lambda: 7.5)
    assert value("queue_depth") == 2
    assert value("longest_wait_seconds") == 7.5
    waiting.pop()
    assert value("queue_depth") == 1


def test_metrics_are_told_on_ipv4_and_on_ipv6() -> None:
    port = free_port()
    server = metrics.serve(port)
    try:
        for host in loopbacks():
            at = f"[{host}]" if ":" in host else host
            with urllib.request.urlopen(f"http://{at}:{port}/metrics", timeout=10) as answer:
                assert b"merchantroute_operator_passes_total" in answer.read()
    finally:
        server.shutdown()
        server.server_close()


def test_a_gauge_says_who_leads_while_it_does() -> None:
    def leader() -> float | None:
        return REGISTRY.get_sample_value("merchantroute_leader")

    assert leader() == 0
    with metrics.leading():
        assert leader() == 1
    assert leader() == 0
