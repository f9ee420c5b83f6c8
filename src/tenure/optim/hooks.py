"""Hooks of optimizers: functions called around a step, and around saving and loading."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

from tenure.errors import DTypeError, shown
from tenure.values.grad.handlers import RemovableHandle
from tenure.values.trace.blame import check_methods

Hook = Callable[..., Any]


class Hooks:
    """Hooks of one optimizer, or of all, by when they are called; each kind in the order of registration."""

    __slots__ = ("loaded", "loads", "saved", "saves", "stepped", "stepping", "steps")

    def __init__(self) -> None:
        self.steps: dict[int, Hook] = {}
        self.stepped: dict[int, Hook] = {}
        self.saves: dict[int, Hook] = {}
        self.saved: dict[int, Hook] = {}
        self.loads: dict[int, Hook] = {}
        self.loaded: dict[int, Hook] = {}
        self.stepping = False
        """Whether the optimizer is in a step whose hooks are called: a step within it, of a base class, calls none."""


ALL = Hooks()
"""Hooks of all optimizers, of their steps."""


def register(hooks: dict[int, Hook], hook: Hook, prepend: bool = False) -> RemovableHandle:
    """Add a hook, at the end or in front; the handle takes it away again."""
    others = dict(hooks)
    handle = RemovableHandle(hooks, hook)
    if prepend:
        for number, other in others.items():
            del hooks[number]
            hooks[number] = other
    return handle


class Hooked:
    """Hooks of an optimizer: the methods that register them."""

    _hooks: Hooks | None = None

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before each step.

        ``args`` begins with the optimizer. What the hook returns, if anything, is a pair: the arguments to step with.
        """
        return register(self._own_hooks().steps, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return register(self._own_hooks().stepped, hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` before each ``state_dict()``; with ``prepend`` before the hooks that are there."""
        return register(self._own_hooks().saves, hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` after each ``state_dict()``.

        What it returns, if anything, is the state_dict instead.
        """
        return register(self._own_hooks().saved, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before a ``load_state_dict``; what it returns, if anything, is loaded.

        The hook may change the dict, which is a shallow copy.
        """
        return register(self._own_hooks().loads, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` after each ``load_state_dict``."""
        return register(self._own_hooks().loaded, hook, prepend)

    def _own_hooks(self) -> Hooks:
        if self._hooks is None:
            self._hooks = Hooks()
        return self._hooks


check_methods(Hooked, "register_step_pre_hook", "register_step_post_hook")
check_methods(Hooked, "register_state_dict_pre_hook", "register_state_dict_post_hook")
check_methods(Hooked, "register_load_state_dict_pre_hook", "register_load_state_dict_post_hook")


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` before each step of every optimizer."""
    return register(ALL.steps, hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` after each step of every optimizer."""
    return register(ALL.stepped, hook)


def is_watched(optimizer: Hooked) -> bool:
    """Whether there are hooks to call around a step of an optimizer."""
    own = optimizer._hooks
    if own is None:
        return bool(ALL.steps or ALL.stepped)
    return bool(own.steps or own.stepped or ALL.steps or ALL.stepped) and not own.stepping


def watched(optimizer: Any, step: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A step with its hooks: those of all optimizers are the outer ones."""
    own = optimizer._own_hooks()
    own.stepping = True
    try:
        for hook in [*ALL.steps.values(), *own.steps.values()]:
            found = hook(optimizer, args, kwargs)
            if found is not None:
                if not (isinstance(found, tuple) and len(found) == 2):
                    raise DTypeError(f"a hook before steps returns None or a pair (args, kwargs), not {shown(found)}")
                args, kwargs = found
        out = step(*args, **kwargs)
        for hook in list(chain(own.stepped.values(), ALL.stepped.values())):
            hook(optimizer, args, kwargs)
        return out
    finally:
        own.stepping = False


def replaced(hooks: dict[int, Hook], optimizer: Any, state_dict: Any) -> Any:
    """A state_dict after hooks that may replace it."""
    for hook in list(hooks.values()):
        found = hook(optimizer, state_dict)
        state_dict = state_dict if found is None else found
    return state_dict
