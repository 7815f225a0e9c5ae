"""A trace goes from the producer through the order to its last call, also across the ladder."""

import json
import signal
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from merchantroute_kit.waiting import until
from merchantroute_kit.worker.local_lane import LocalLane

TRACE, PRODUCER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
# The same code as under gevent, but for the thread that exports: the end of a pod is in every run.
THREADS = pytest.param("threads", marks=pytest.mark.extended)
PARENT = {"traceparent": f"00-{TRACE}-{PRODUCER}-01", "tracestate": "shop=1"}


class Collector:
    """A real OTLP receiver over HTTP; `spans` are what it was sent."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        spans = self.spans

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.headers.get("Content-Encoding") == "gzip":
                    import gzip

                    body = gzip.decompress(body)
                request = ExportTraceServiceRequest.FromString(body)
                spans.extend(s for r in request.resource_spans for scope in r.scope_spans for s in scope.spans)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Nothing to tell."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.mark.parametrize("pool", ["gevent", THREADS])
def test_the_producer_s_trace_holds_the_order_and_its_calls(lane: LocalLane, collector: Collector, pool: str) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant, concurrency=4)
    told = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    lane.work(4, arguments=["--pool", pool], **told).ready()

    lane.publish(merchant, f"{lane.run}-traced", headers=PARENT)
    lane.until_done([f"{lane.run}-traced"])
    until(lambda: len(collector.spans) >= 4, "the spans to be exported")

    spans = {span.name: span for span in collector.spans}
    assert set(spans) == {"order", "step validate", "step submit", "step confirm"}
    assert {span.trace_id.hex() for span in spans.values()} == {TRACE}
    assert spans["order"].parent_span_id.hex() == PRODUCER
    assert {spans[name].parent_span_id for name in spans if name != "order"} == {spans["order"].span_id}


def test_a_retried_order_stays_in_its_trace(lane: LocalLane, collector: Collector) -> None:
    merchant = lane.merchant("broken", "error")
    lane.configure(merchant)
    lane.work(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="200").ready()

    lane.publish(merchant, f"{lane.run}-again", headers=PARENT)
    until(lambda: any(span.name == "order" for span in collector.spans), "the attempt that failed")
    lane.merchants.behave(merchant, "normal")
    lane.until_done([f"{lane.run}-again"])
    until(lambda: any(span.name == "step confirm" for span in collector.spans), "the attempt that did not")

    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
    assert {span.parent_span_id.hex() for span in collector.spans if span.name == "order"} == {PRODUCER}


def test_an_exporter_that_does_not_answer_costs_no_order(lane: LocalLane) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    lane.work(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1").ready()

    lane.until_done(lane.orders(merchant, 20))
    assert lane.ledger() == {"done": 20}


@pytest.mark.parametrize("pool", ["gevent", "threads"])
def test_a_collector_that_hangs_does_not_hold_up_the_end_of_a_pod(lane: LocalLane, pool: str) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant, concurrency=4)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_TIMEOUT": "600", "MR_GRACE": "120"}
        worker = lane.work(4, arguments=["--pool", pool], **told).ready()
        lane.until_done(lane.orders(merchant, 20))

        worker.signal(signal.SIGTERM)

        assert worker.wait(30) == 0


@pytest.mark.parametrize("pool", ["gevent", THREADS, "prefork"])
def test_without_an_exporter_the_merchant_still_sees_the_trace(lane: LocalLane, pool: str) -> None:
    seen: list[dict[str, str]] = []

    class Merchant(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append({name.lower(): value for name, value in self.headers.items()})
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Nothing to tell."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Merchant)
    Thread(target=server.serve_forever, daemon=True).start()
    merchant = f"traced-{lane.run}"
    lane.known[merchant] = {"endpoint": f"http://127.0.0.1:{server.server_port}"}
    lane.configure(concurrency=4)
    worker = lane.work(4, arguments=["--pool", pool]).ready()

    lane.publish(merchant, f"{lane.run}-traced", headers=PARENT)
    until(lambda: seen, "the first call")
    server.shutdown()
    server.server_close()

    assert {name: seen[0].get(name) for name in PARENT} == PARENT
    assert "opentelemetry" not in json.dumps(worker.records())
