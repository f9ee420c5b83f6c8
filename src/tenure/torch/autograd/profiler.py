"""``torch.autograd.profiler``: times of named blocks. Operations run fused, so they have no times of their own."""

from __future__ import annotations

import functools
import json
import threading
import time
from collections.abc import Callable
from typing import Any

__all__ = ["EventList", "FunctionEventAvg", "emit_itt", "emit_nvtx", "profile", "record_function"]
ACTIVE: list[Any] = []
"""Profiles that are being taken."""


class Event:
    """A named block, with its times in microseconds."""

    def __init__(self, name: str, start: float, cpu: float, end: float, cpu_end: float) -> None:
        self.key = self.name = name
        self.start, self.end = start * 1e6, end * 1e6
        self.cpu_time_total = self.cpu_time = self.self_cpu_time_total = (end - start) * 1e6
        self.process_time = (cpu_end - cpu) * 1e6
        self.count = 1
        self.cuda_time = self.cuda_time_total = self.device_time = self.device_time_total = 0.0
        self.cpu_memory_usage = self.flops = 0


FunctionEventAvg = Event


class EventList(list[Any]):
    """Events, which can be put together and shown."""

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all events, in microseconds."""
        return float(sum(e.cpu_time_total for e in self))

    def total_average(self) -> Any:
        """One event for all."""
        made = Event("Total", 0, 0, 0, 0)
        made.cpu_time_total = made.self_cpu_time_total = self.self_cpu_time_total
        return made

    def key_averages(self, *args: Any, **kwargs: Any) -> EventList:
        """One event for each name."""
        found: dict[str, Event] = {}
        for e in self:
            into = found.setdefault(e.key, Event(e.key, 0, 0, 0, 0))
            into.count += e.count if into.cpu_time_total else 0
            into.cpu_time_total += e.cpu_time_total
            into.self_cpu_time_total = into.cpu_time_total
            into.cpu_time = into.cpu_time_total / into.count
        return EventList(found.values())

    def table(self, sort_by: str | None = None, row_limit: int = 100, **options: Any) -> str:
        """The events as a table of text."""
        rows = sorted(self, key=lambda e: -e.cpu_time_total)[: None if row_limit < 0 else row_limit]
        lines = [f"{'Name':<40} {'CPU total':>14} {'CPU time avg':>14} {'# of Calls':>12}", "-" * 84]
        for e in rows:
            lines.append(f"{e.key:<40} {e.cpu_time_total:>12.3f}us {e.cpu_time:>12.3f}us {e.count:>12}")
        return "\n".join([*lines, "-" * 84, f"Self CPU time total: {self.self_cpu_time_total:.3f}us"])

    def __str__(self) -> str:
        return self.table()

    def export_chrome_trace(self, path: str) -> None:
        """Write the events as Chrome's tracing reads them."""
        events = [
            {"name": e.name, "ph": "X", "ts": e.start, "dur": e.cpu_time_total, "pid": 0, "tid": 0} for e in self
        ]
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"traceEvents": events}, file)


class record_function:
    """Context, or decorator, of a named block: profiles show its time."""

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name
        self._begun = threading.local()

    def __enter__(self) -> record_function:
        self._begun.at = (time.perf_counter(), time.process_time())
        return self

    def __exit__(self, *error: object) -> None:
        begun, cpu = self._begun.at
        event = Event(self.name, begun, cpu, time.perf_counter(), time.process_time())
        for taken in ACTIVE:
            taken.events_.append(event)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name):
                return function(*args, **kwargs)

        return call


class profile:
    """Context that measures the named blocks within it, and itself."""

    def __init__(self, enabled: bool = True, *args: Any, **options: Any) -> None:
        self.enabled = enabled
        self.events_ = EventList()
        self.profiler = self

    def __enter__(self) -> Any:
        if self.enabled:
            ACTIVE.append(self)
            self._all = record_function("ProfilerStep").__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self.enabled:
            self._all.__exit__()
            ACTIVE.remove(self)

    @property
    def function_events(self) -> EventList:
        """The named blocks."""
        return self.events_

    def events(self) -> EventList:
        """The named blocks."""
        return self.events_

    def key_averages(self, *args: Any, **kwargs: Any) -> EventList:
        """One event for each name."""
        return self.events_.key_averages()

    def total_average(self) -> Any:
        """One event for all."""
        return self.events_.total_average()

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all, in microseconds."""
        return self.events_.self_cpu_time_total

    def table(self, *args: Any, **kwargs: Any) -> str:
        """The named blocks as a table."""
        return self.events_.table(*args, **kwargs)

    def export_chrome_trace(self, path: str) -> None:
        """Write the named blocks as Chrome's tracing reads them."""
        self.events_.export_chrome_trace(path)


class emit_nvtx:
    """Accepted: there is no GPU whose tools would see it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: object) -> None:
        pass


emit_itt = emit_nvtx
