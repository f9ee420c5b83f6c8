"""Hooks: functions called with a module's call, or with a gradient that passes it.

They receive values, which cannot be written; a returned value replaces the received one.
With a hook for gradients, arguments and results pass marks whose rule is the hook.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, shown
from tenure.nn.watch import Watch, values
from tenure.values.grad.handlers import RemovableHandle
from tenure.values.rules.modes import is_grad_enabled
from tenure.values.trace.blame import check_methods

EVERY: dict[int, tuple[str, Any]] = {}
"""Hooks of every module: which of the lists of ``Hooks`` each belongs to, and the entry."""


REGISTRATION: dict[int, tuple[str, Any]] = {}
"""Hooks of what modules are given: "parameter", "buffer" or "module", and the function."""


class Hooks:
    """Hooks of one module, in the order of registration.

    ``before`` holds pairs of a function and whether it takes keyword arguments too, ``after`` triples of these and
    whether it runs after an error; ``saving``, ``saved``, ``loading`` and ``loaded`` are those of state dicts."""

    __slots__ = ("after", "back", "back_first", "before", "loaded", "loading", "saved", "saving")

    def __init__(self) -> None:
        for which in self.__slots__:
            setattr(self, which, {})

    if TYPE_CHECKING:
        before: dict[int, Any]
        after: dict[int, Any]
        back: dict[int, Any]
        back_first: dict[int, Any]
        saving: dict[int, Any]
        saved: dict[int, Any]
        loading: dict[int, Any]
        loaded: dict[int, Any]

    def copy(self) -> Hooks:
        """The same functions, registered for another module."""
        twin = Hooks()
        for which in self.__slots__:
            setattr(twin, which, dict(getattr(self, which)))
        return twin


def entries(hooks: Hooks | None, which: str) -> list[Any]:
    """Hooks of one kind: those of every module first, then a module's own."""
    found = [entry for kind, entry in tuple(EVERY.values()) if kind == which] if EVERY else []
    return found if hooks is None else [*found, *getattr(hooks, which).values()]


def call(hooks: Hooks | None, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``module.forward`` with all hooks around it; after an error those that always run."""
    run = Call(module, args, kwargs)
    try:
        return run.around(hooks)
    except Exception:
        run.always(hooks)
        raise


class Call:
    """One call of a module with hooks."""

    __slots__ = ("args", "done", "kwargs", "module", "out")

    def __init__(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.module, self.args, self.kwargs = module, args, kwargs
        self.out: Any = None
        self.done: list[Any] = []

    def around(self, hooks: Hooks | None) -> Any:
        """The result of the call."""
        for fn, with_kwargs in entries(hooks, "before"):
            self.prepare(fn, with_kwargs)
        first, last = entries(hooks, "back_first"), entries(hooks, "back")
        watch = Watch(self.module, first, last) if (first or last) and is_grad_enabled() else None
        if watch is not None:
            self.args = watch.arguments(self.args)
        self.out = self.module.forward(*self.args, **self.kwargs)
        for entry in entries(hooks, "after"):
            self.done.append(entry)
            self.follow(*entry)
        return self.out if watch is None else watch.results(self.out)

    def prepare(self, fn: Any, with_kwargs: bool) -> None:
        """Call a hook before ``forward``, and take the arguments that it returns."""
        if not with_kwargs:
            found = fn(self.module, values(self.args))
            if found is not None:
                self.args = found if isinstance(found, tuple) else (found,)
            return
        found = fn(self.module, values(self.args), self.kwargs)
        if found is not None:
            if not isinstance(found, tuple) or len(found) != 2:
                raise DTypeError(f"a hook before forward returned {shown(found)}, not the pair (args, kwargs), or None")
            self.args, self.kwargs = found

    def follow(self, fn: Any, with_kwargs: bool, _: bool) -> None:
        """Call a hook behind ``forward``, and take the result that it returns."""
        given = (values(self.args), self.kwargs) if with_kwargs else (values(self.args),)
        found = fn(self.module, *given, self.out)
        self.out = self.out if found is None else found

    def always(self, hooks: Hooks | None) -> None:
        """Call the hooks that run after an error too, if they have not run; an error of theirs is only warned of."""
        for entry in entries(hooks, "after"):
            if entry[2] and not any(entry is other for other in self.done):
                try:
                    self.follow(*entry)
                except Exception as error:
                    name = type(self.module).__name__
                    warnings.warn(f"a hook of {name} that always runs failed: {error}", stacklevel=2)


def register(hooks: dict[int, Any], entry: Any, prepend: bool = False) -> RemovableHandle:
    """Add a hook, at the end or in front; the handle takes it away again."""
    others = dict(hooks)
    handle = RemovableHandle(hooks, entry)
    if prepend:
        for number, other in others.items():
            del hooks[number]
            hooks[number] = other
    return handle


def everywhere(which: str, entry: Any) -> RemovableHandle:
    """Add a hook of every module; the handle takes it away again."""
    return RemovableHandle(EVERY, (which, entry))  # type: ignore[arg-type]


def registered(kind: str, module: Any, name: str, given: Any) -> Any:
    """A parameter, buffer or child as the hooks of its kind give it to a module."""
    for which, hook in tuple(REGISTRATION.values()):
        if which == kind:
            found = hook(module, name, given)
            given = given if found is None else found
    return given


class Hooked:
    """Hooks of a module: the methods that register them."""

    _hooks: Hooks | None = None

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before each ``forward``; what it returns, if anything, are the arguments.

        With ``with_kwargs`` it is ``hook(module, args, kwargs)`` and returns both."""
        return register(self._own_hooks().before, (hook, with_kwargs), prepend)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after each ``forward``; what it returns, if anything, is the output.

        With ``with_kwargs`` it is ``hook(module, args, kwargs, output)``. With ``always_call`` it runs after an error
        too, with None for an output that there is not."""
        return register(self._own_hooks().after, (hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` when a backward comes to the results of a call.

        What it returns, if anything, takes the place of ``grad_output``, a tuple with None for what has no gradient.
        """
        return register(self._own_hooks().back_first, hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when a backward has the gradients of the arguments of a call.

        These are the positional ones. What it returns, if anything, takes the place of ``grad_input``.
        """
        return register(self._own_hooks().back, hook, prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """PyTorch's older name of ``register_full_backward_hook``, with the gradients of the arguments of the call."""
        return self.register_full_backward_hook(hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before ``state_dict`` takes what the module holds."""
        return register(self._own_hooks().saving, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` when ``state_dict`` has all of the module.

        It changes the dict that it is given, and returns None (TypeError for another result)."""
        return register(self._own_hooks().saved, hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call a hook before ``load_state_dict`` looks for what the module holds.

        It is ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)``,
        and changes the dict and the lists that it is given: a copy, with the keys that begin with the prefix."""
        return register(self._own_hooks().loading, hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` when ``load_state_dict`` has written the module and all below it.

        Keys that it takes out of the lists ``missing_keys`` and ``unexpected_keys`` are no error, and others that it
        adds are. It returns None (TypeError for another result)."""
        return register(self._own_hooks().loaded, hook)

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """As ``register_state_dict_post_hook``; a dict that it returns takes the place of the one it was given."""

        def replacing(module: Any, found: dict[str, Any], prefix: str, metadata: Any) -> None:
            new = hook(module, found, prefix, metadata)
            if new is not None and new is not found:
                new = dict(new)
                found.clear()
                found.update(new)

        return register(self._own_hooks().saved, replacing)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> RemovableHandle:
        """As ``register_load_state_dict_pre_hook``, without the module unless ``with_module``."""
        given = hook if with_module else lambda module, *rest: hook(*rest)
        return register(self._own_hooks().loading, given)

    def _own_hooks(self) -> Hooks:
        if self._hooks is None:
            object.__setattr__(self, "_hooks", Hooks())
        assert self._hooks is not None
        return self._hooks


check_methods(Hooked, *[name for name in vars(Hooked) if name.startswith("register_")])
