"""``torch.profiler``: profiles of named blocks, with a schedule of steps."""

from __future__ import annotations

import enum
import os
from collections.abc import Callable, Iterable
from typing import Any

from tenure.torch.autograd.profiler import profile as _Profile
from tenure.torch.autograd.profiler import record_function

__all__ = [
    "ProfilerAction", "ProfilerActivity", "profile", "record_function", "schedule", "supported_activities",
    "tensorboard_trace_handler",
]  # fmt: skip


class ProfilerActivity(enum.Enum):
    """Kind of work that a profile shows."""

    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3


class ProfilerAction(enum.Enum):
    """Action of a profile in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def supported_activities() -> set[ProfilerActivity]:
    """The CPU's."""
    return {ProfilerActivity.CPU}


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """Function from the number of a step to what is done in it."""

    def action(step: int) -> ProfilerAction:
        if step < skip_first:
            return ProfilerAction.NONE
        step -= skip_first
        cycle = wait + warmup + active
        if repeat > 0 and step // cycle >= repeat:
            return ProfilerAction.NONE
        at = step % cycle
        if at < wait:
            return ProfilerAction.NONE
        if at < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if at < cycle - 1 else ProfilerAction.RECORD_AND_SAVE

    return action


def tensorboard_trace_handler(dir_name: str, worker_name: str | None = None, use_gzip: bool = False) -> Any:
    """Function that writes a profile into a folder."""

    def write(taken: Any) -> None:
        os.makedirs(dir_name, exist_ok=True)
        taken.export_chrome_trace(os.path.join(dir_name, f"{worker_name or 'worker'}.{taken.step_num}.pt.trace.json"))

    return write


class profile(_Profile):
    """Context that measures named blocks; ``step()`` goes on in the schedule."""

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[..., Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self.activities, self.schedule, self.on_trace_ready = activities, schedule, on_trace_ready
        self.step_num = 0

    def step(self) -> None:
        """The end of a step."""
        if self.schedule is not None and self.schedule(self.step_num) is ProfilerAction.RECORD_AND_SAVE:
            self._ready()
        self.step_num += 1

    def start(self) -> None:
        """Begin."""
        self.__enter__()

    def stop(self) -> None:
        """End."""
        self.__exit__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        if self.schedule is None:
            self._ready()

    def _ready(self) -> None:
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)
