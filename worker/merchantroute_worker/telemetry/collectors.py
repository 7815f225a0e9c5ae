"""Labelled counters and histograms for the hot path: plain numbers, converted to Prometheus metric families on
collection.

Those of prometheus-client take a lock for each bucket, and look a child up by the text of its labels each time: five
times the cost.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

from merchantroute_worker.runtime.threads import native_lock


class LabelledCounter:
    """A Prometheus counter for each combination of labels. `name` is without `_total`."""

    def __init__(self, name: str, text: str, labels: Sequence[str]) -> None:
        self._name, self._text, self._labels = name, text, labels
        self._counts: dict[tuple[str, ...], int] = {}
        self._lock = native_lock()

    def inc(self, *labels: str) -> None:
        """Increment by one."""
        with self._lock:
            self._counts[labels] = self._counts.get(labels, 0) + 1

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Called by prometheus-client's registry."""
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for labels, count in self._counts.copy().items():
            family.add_metric(labels, count)
        yield family


class LabelledHistogram:
    """A Prometheus histogram of seconds for each combination of labels; `buckets` are their upper bounds, ascending."""

    def __init__(self, name: str, text: str, labels: Sequence[str], buckets: Sequence[float]) -> None:
        self._name, self._text, self._labels, self._buckets = name, text, labels, buckets
        self._rows: dict[tuple[str, ...], list[float]] = {}
        self._lock = native_lock()

    def observe(self, seconds: float, *labels: str) -> None:
        """Add one observation."""
        with self._lock:
            row = self._rows.get(labels)
            if row is None:
                # One for each bucket, one for values beyond the last, and the sum.
                row = self._rows[labels] = [0.0] * (len(self._buckets) + 2)
            row[bisect_left(self._buckets, seconds)] += 1
            row[-1] += seconds

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Called by prometheus-client's registry."""
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        ends = [*map(str, map(float, self._buckets)), "+Inf"]
        for labels, row in self._rows.copy().items():
            with self._lock:
                *counts, total = row
            so_far = 0.0
            buckets = []
            for end, count in zip(ends, counts, strict=True):
                so_far += count
                buckets.append((end, so_far))
            family.add_metric(labels, buckets, total)
        yield family
