"""Modes of gradients: contexts, decorators, and switches, as PyTorch's."""

from __future__ import annotations

from typing import Any

from tenure.errors import TenureError
from tenure.runtime.bracket import bracket
from tenure.torch.cells.inference import Inference
from tenure.torch.errors import refuse
from tenure.values.rules import modes as home
from tenure.values.rules.modes import MODE, MODES, current_mode, is_grad_enabled
from tenure.values.trace.record import RECORDER

__all__ = [
    "enable_grad", "inference_mode", "is_grad_enabled", "no_grad", "set_grad_enabled", "set_multithreading_enabled",
]  # fmt: skip


class Level:
    """The level of forward mode that is in progress, if one is: what is not tracked in it would have no tangent."""

    is_open = False


def untracked() -> TenureError:
    """The error of what would have no tangent."""
    return refuse(
        "operations that are not tracked (no_grad, inference_mode) have no tangents here: leave that mode out around"
        " and within dual_level(), or take .detach() of the results"
    )


def refuse_in_level() -> None:
    """RuntimeError in a level of forward mode."""
    if Level.is_open:
        raise untracked()


class Plain:
    """Base of contexts without arguments, which decorate with or without parentheses."""

    def __new__(cls, orig_func: Any = None) -> Any:
        made: Any = object.__new__(cls)
        return made if orig_func is None else made(orig_func)

    def __init__(self, orig_func: Any = None) -> None:
        super().__init__()

    def clone(self) -> Any:
        """Another context of the kind."""
        return type(self)()


class no_grad(Plain, home.no_grad):
    """Context, or decorator with or without parentheses, in which operations are not tracked.

    RuntimeError in a level of forward mode.
    """

    __module__ = "torch"

    def _changed(self, mode: home.Mode) -> home.Mode:
        refuse_in_level()
        return super()._changed(mode)


class enable_grad(Plain, home.enable_grad):
    """Context, or decorator with or without parentheses, in which operations are tracked again."""

    __module__ = "torch"


class inference_mode(home.inference_mode):
    """Context, or decorator with or without parentheses, in which operations are not tracked."""

    __module__ = "torch"

    def _changed(self, mode: home.Mode) -> home.Mode:
        if self._off:
            refuse_in_level()
        return MODES[not self._off, mode.eager]

    def _inside(self) -> Any:
        """Home of the tensors that are made inside."""
        return Inference(RECORDER.vmap) if self._off else RECORDER.vmap

    def _opening(self) -> Any:
        begin, well, end = super()._opening()
        put = vars(RECORDER).__setitem__
        return (*begin, (put, "home", self._inside())), well, (*end, (put, "home", RECORDER.home))

    def apply(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function in this mode."""
        put = vars(RECORDER).__setitem__
        begin, end = ((put, "home", self._inside()),), ((put, "home", RECORDER.home),)
        return bracket(begin, end, super().apply, function, *args, **kwargs)

    def __new__(cls, mode: Any = True) -> Any:
        made = object.__new__(cls)
        if isinstance(mode, bool):
            return made
        home.inference_mode.__init__(made, True)
        return made(mode)

    def clone(self) -> Any:
        """Another context of the kind."""
        return type(self)(self._off)


class set_grad_enabled(home.set_grad_enabled):
    """Switch of tracking, from the call on; as a context until the end of the block, as a decorator in each call."""

    __module__ = "torch"

    def __init__(self, mode: bool) -> None:
        super().__init__(bool(mode))
        self.mode = bool(mode)
        self.prev = is_grad_enabled()
        switch(self._grad)

    def __call__(self, function: Any) -> Any:
        switch(self.prev)
        return super().__call__(function)

    def __enter__(self) -> Any:
        switch(self._grad)
        return self

    def __exit__(self, *error: object) -> None:
        switch(self.prev)

    def clone(self) -> Any:
        """Another switch to the same mode."""
        return type(self)(self.mode)


class set_multithreading_enabled(set_grad_enabled):
    """Accepted: a backward has no thread of its own."""

    def __init__(self, mode: bool) -> None:
        super().__init__(is_grad_enabled())


def switch(grad: bool) -> None:
    """Track operations from now on, or do not."""
    if not grad:
        refuse_in_level()
    MODE.set(MODES[grad, current_mode().eager])
