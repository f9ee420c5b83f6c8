"""``torch.utils.benchmark``: timers of statements."""

from __future__ import annotations

import statistics
import timeit
from typing import Any


class Measurement:
    """Times of a statement, in seconds."""

    def __init__(self, times: list[float], number: int, label: Any, description: Any) -> None:
        self.raw_times, self.number_per_run = times, number
        self.label, self.sub_label, self.description = label, None, description
        self.times = [t / number for t in times]

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.times)

    @property
    def mean(self) -> float:
        """The mean."""
        return statistics.fmean(self.times)

    @property
    def iqr(self) -> float:
        """The distance of the quartiles."""
        if len(self.times) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.times, n=4)
        return high - low

    def __repr__(self) -> str:
        return (
            f"<torch.utils.benchmark.Measurement>\n{self.label or ''}\n  Median: {self.median * 1e6:.2f} us\n  "
            f"{len(self.times)} measurements, {self.number_per_run} runs per measurement"
        )


class Timer:
    """Timer of a statement."""

    def __init__(
        self, stmt: str = "pass", setup: str = "pass", global_setup: str = "", timer: Any = None,
        globals: dict[str, Any] | None = None, label: str | None = None, sub_label: str | None = None,
        description: str | None = None, env: str | None = None, num_threads: int = 1, language: str = "python",
    ) -> None:  # fmt: skip
        self._timer = timeit.Timer(stmt, setup, globals=globals or {})
        self.label, self.description = label or stmt, description

    def timeit(self, number: int = 1_000_000) -> Measurement:
        """The time of so many runs, as one measurement."""
        self._timer.timeit(max(number // 100, 1))
        return Measurement([self._timer.timeit(number)], number, self.label, self.description)

    def blocked_autorange(self, callback: Any = None, min_run_time: float = 0.2) -> Measurement:
        """Measurements for some time."""
        number, taken = self._timer.autorange()
        times = [taken]
        while sum(times) < min_run_time:
            times.append(self._timer.timeit(number))
        return Measurement(times, number, self.label, self.description)

    adaptive_autorange = blocked_autorange


class Compare:
    """Several measurements, printed below each other."""

    def __init__(self, results: list[Measurement]) -> None:
        self.results = list(results)

    def extend_results(self, results: list[Measurement]) -> None:
        """Add measurements."""
        self.results.extend(results)

    def trim_significant_figures(self) -> None:
        """Accepted."""

    def colorize(self, rowwise: bool = False) -> None:
        """Accepted."""

    def __str__(self) -> str:
        return "\n".join(f"{r.label}  {r.description or ''}  {r.median * 1e6:.1f} us" for r in self.results)

    def print(self) -> None:
        """Print."""
        print(self)
