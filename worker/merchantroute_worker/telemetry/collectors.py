"""Labelled counters and histograms for the hot path: plain numbers, converted to Prometheus metric families on
collection.

Those of prometheus-client take a lock for each bucket, and look a child up by the text of its labels each time: five
times the cost.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

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
    """A Prometheus histogram of seconds for each combination of labels; `buckets` are their upper bounds, ascending.

    With `counter` (a name without `_total`, its text, and a label more than the histogram's) the same observations are
    counted by that label too: one look-up and one lock for both.
    """

    def __init__(
        self,
        name: str,
        text: str,
        labels: Sequence[str],
        buckets: Sequence[float],
        counter: tuple[str, str, str] | None = None,
    ) -> None:
        self._name, self._text, self._labels, self._buckets = name, text, labels, buckets
        self._counter = counter
        self._rows: dict[tuple[str, ...], list[float]] = {}
        self._lock = native_lock()

    def observe(self, seconds: float, *labels: str) -> None:
        """Add one observation; `labels` are all, the counter's own last."""
        with self._lock:
            row = self._rows.get(labels)
            if row is None:
                # One for each bucket, one for values beyond the last, and the sum.
                row = self._rows[labels] = [0.0] * (len(self._buckets) + 2)
            row[bisect_left(self._buckets, seconds)] += 1
            row[-1] += seconds

    def collect(self) -> Iterator[HistogramMetricFamily | CounterMetricFamily]:
        """Called by prometheus-client's registry."""
        with self._lock:
            rows = {labels: list(row) for labels, row in self._rows.items()}
        if self._counter:
            name, text, label = self._counter
            counts = CounterMetricFamily(name, text, labels=[*self._labels, label])
            for labels, row in rows.items():
                counts.add_metric(labels, sum(row[:-1]))
            yield counts
            rows = self._without_last_label(rows)
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        ends = [*map(str, map(float, self._buckets)), "+Inf"]
        for labels, row in rows.items():
            *in_buckets, total = row
            family.add_metric(labels, list(zip(ends, accumulate(in_buckets), strict=True)), total)
        yield family

    def _without_last_label(self, rows: dict[tuple[str, ...], list[float]]) -> dict[tuple[str, ...], list[float]]:
        sums: dict[tuple[str, ...], list[float]] = {}
        for (*kept, _), row in rows.items():
            before = sums.get(tuple(kept), [0.0] * len(row))
            sums[tuple(kept)] = [one + another for one, another in zip(before, row, strict=True)]
        return sums
