"""Our labelled counters and histograms are exposed exactly like those of prometheus-client."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from merchantroute_worker.telemetry.collectors import LabelledCounter, LabelledHistogram

BOUNDS = (0.01, 0.5, 1, 60)
SEEN = ((0.001, "submit"), (0.01, "submit"), (0.2, "submit"), (1.0, "confirm"), (60.0, "confirm"), (61.0, "submit"))


def text(registry: CollectorRegistry) -> list[str]:
    """The exposition, without the times at which series began."""
    lines = generate_latest(registry).decode().splitlines()
    return sorted(line for line in lines if "_created" not in line)


def test_they_are_exposed_alike() -> None:
    theirs, ours = CollectorRegistry(), CollectorRegistry()
    counter = Counter("calls", "Calls.", ["tier", "step"], registry=theirs)
    histogram = Histogram("call_seconds", "Seconds.", ["tier", "step"], buckets=BOUNDS, registry=theirs)
    counts = LabelledCounter("calls", "Calls.", ["tier", "step"])
    durations = LabelledHistogram("call_seconds", "Seconds.", ["tier", "step"], BOUNDS)
    for each in (counts, durations):
        ours.register(each)

    for seconds, step in SEEN:
        counter.labels("fast", step).inc()
        histogram.labels("fast", step).observe(seconds)
        counts.inc("fast", step)
        durations.observe(seconds, "fast", step)

    assert text(ours) == text(theirs)
    assert any('le="+Inf"' in line for line in text(ours))


def test_a_histogram_and_a_counter_of_the_same_observations_are_exposed_alike() -> None:
    theirs, ours = CollectorRegistry(), CollectorRegistry()
    histogram = Histogram("call_seconds", "Seconds.", ["tier", "step"], buckets=BOUNDS, registry=theirs)
    counter = Counter("calls", "Calls.", ["tier", "step", "answer"], registry=theirs)
    durations = LabelledHistogram(
        "call_seconds", "Seconds.", ["tier", "step"], BOUNDS, counter=("calls", "Calls.", "answer")
    )
    ours.register(durations)

    for number, (seconds, step) in enumerate(SEEN):
        answer = ("2xx", "5xx")[number % 2]
        histogram.labels("fast", step).observe(seconds)
        counter.labels("fast", step, answer).inc()
        durations.observe(seconds, "fast", step, answer)

    assert text(ours) == text(theirs)
    assert 'calls_total{answer="5xx",step="submit",tier="fast"} 2.0' in text(ours)
