"""Calls of a module: ``forward``, and the hooks around it, which see tensors of the face.

A call from home code (a layer of a home container) has home values: they become tensors here, and what comes out of
``forward`` becomes a value again.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from tenure.nn.watch import Watch
from tenure.torch.cautions import UNREACHED, caution
from tenure.torch.cells import Tensor, unwrap, wrap
from tenure.torch.nn.registry import RemovableHandle
from tenure.values.rules.modes import is_grad_enabled
from tenure.values.tensor.tensor import Tensor as Value

KINDS = (
    "_backward_pre_hooks", "_backward_hooks", "_forward_hooks", "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called", "_forward_pre_hooks", "_forward_pre_hooks_with_kwargs", "_state_dict_hooks",
    "_state_dict_pre_hooks", "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks",
)  # fmt: skip
EVERY: dict[str, dict[int, Any]] = {kind: OrderedDict() for kind in KINDS}
"""Hooks of every module, by kind."""
IN_ALL = [
    EVERY[kind] for kind in ("_backward_pre_hooks", "_backward_hooks", "_forward_hooks", "_forward_pre_hooks")
]


class Called:
    """Methods of a module that call it and register hooks."""

    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:
        if args and type(args[0]) is Value:
            return unwrap(self(*wrap(args), **wrap(kwargs)))
        held = self.__dict__
        if not (
            held["_forward_hooks"] or held["_forward_pre_hooks"] or held["_backward_hooks"]
            or held["_backward_pre_hooks"] or any(IN_ALL)
        ):  # fmt: skip
            return self.forward(*args, **kwargs)
        return around(self, args, kwargs)

    def register_forward_pre_hook(
        self: Any, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before each ``forward``; what it returns, if anything, are the arguments."""
        return registered(self.__dict__, "_forward_pre_hooks", hook, prepend, with_kwargs=with_kwargs)

    def register_forward_hook(
        self: Any,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after each ``forward``; what it returns, if anything, is the output."""
        flags = {"with_kwargs": with_kwargs, "always_called": always_call}
        return registered(self.__dict__, "_forward_hooks", hook, prepend, **flags)

    def register_full_backward_pre_hook(
        self: Any, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` when a backward comes to the results of a call."""
        return registered(self.__dict__, "_backward_pre_hooks", hook, prepend)

    def register_full_backward_hook(self: Any, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when a backward has the gradients of a call's arguments."""
        return registered(self.__dict__, "_backward_hooks", hook, prepend)

    def register_backward_hook(self: Any, hook: Callable[..., Any]) -> RemovableHandle:
        """``register_full_backward_hook``; PyTorch's old hook sees the gradients of the last operation instead."""
        warnings.warn(
            "register_backward_hook is deprecated: this hook is called as by register_full_backward_hook, with the"
            " gradients of the module's arguments",
            FutureWarning,
            stacklevel=2,
        )
        return registered(self.__dict__, "_backward_hooks", hook, False)


def registered(
    held: dict[str, Any], kind: str, hook: Callable[..., Any], prepend: bool, **flags: bool
) -> RemovableHandle:
    """Add a hook, at the end or in front, and note its flags; the handle takes it away again."""
    hooks = held[kind]
    noted = {name: held[f"{kind}_{name}"] for name in flags}
    handle = RemovableHandle(hooks, extra_dict=list(noted.values()))
    hooks[handle.id] = hook
    for name, flag in flags.items():
        if flag:
            noted[name][handle.id] = True
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def entries(module: Any, kind: str, *flags: str) -> list[tuple[Any, ...]]:
    """Number, hook and flags of each hook of a kind: those of every module first."""
    found = []
    for held in (EVERY, module.__dict__):
        for number, hook in tuple(held[kind].items()):
            found.append((number, hook, *[number in held[f"{kind}_{name}"] for name in flags]))
    return found


def around(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The result of ``forward`` with all hooks around it; after an error those that always run."""
    done: list[int] = []
    try:
        return through(module, args, kwargs, done)
    except Exception:
        for number, hook, with_kwargs, always in entries(module, "_forward_hooks", "with_kwargs", "always_called"):
            if always and number not in done:
                try:
                    hook(module, args, *((kwargs,) if with_kwargs else ()), None)
                except Exception as error:
                    warnings.warn(
                        "module forward hook with ``always_call=True`` raised an exception that was silenced as another"
                        f" error was raised in forward: {error!s}",
                        stacklevel=2,
                    )
        raise


def through(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], done: list[int]) -> Any:
    """``forward`` between the hooks."""
    for _, hook, with_kwargs in entries(module, "_forward_pre_hooks", "with_kwargs"):
        found = hook(module, args, *((kwargs,) if with_kwargs else ()))
        if found is None:
            continue
        if not with_kwargs:
            args = found if isinstance(found, tuple) else (found,)
        elif isinstance(found, tuple) and len(found) == 2:
            args, kwargs = found
        else:
            raise RuntimeError(
                f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {found}."
            )
    first, last = (entries(module, kind) for kind in ("_backward_pre_hooks", "_backward_hooks"))
    watch = None
    if (first or last) and is_grad_enabled():
        watch = Watch(module, [shown(h) for _, h in first], [shown(h) for _, h in last])
        args = in_place_of(args, wrap(watch.arguments(unwrap(args))))
        if last and not watch.reaches:
            watch.last.insert(0, unreached)
    out = module.forward(*args, **kwargs)
    for number, hook, with_kwargs, _ in entries(module, "_forward_hooks", "with_kwargs", "always_called"):
        done.append(number)
        found = hook(module, args, *((kwargs,) if with_kwargs else ()), out)
        out = out if found is None else found
    return out if watch is None else watched(watch, out)


def in_place_of(old: Any, new: Any) -> Any:
    """Watched tensors, whose elements are those of others: they have the ``data_ptr()`` of these."""
    x: Any
    for x, y in zip(old, new, strict=True):
        if isinstance(x, Tensor) and isinstance(y, Tensor) and x is not y:
            y.__dict__["_begins"] = x
    return new


def unreached(module: Any, *gradients: Any) -> None:
    """The warning of hooks whose module has no argument with a gradient."""
    caution(UNREACHED)


def watched(watch: Watch, out: Any) -> Any:
    """The result of forward with its gradients seen by hooks."""
    if isinstance(out, Tensor):
        return in_place_of((out,), (wrap(watch.results(unwrap(out))),))[0]
    if type(out) in (tuple, list):
        return in_place_of(out, wrap(watch.results(unwrap(out))))
    if isinstance(out, dict):
        return type(out)(zip(out, wrap(watch.results(unwrap(tuple(out.values())))), strict=True))
    return out


def shown(hook: Callable[..., Any]) -> Callable[..., Any]:
    """A hook that is given home values, and sees tensors."""

    def call(module: Any, *gradients: Any) -> Any:
        return unwrap(hook(module, *wrap(gradients)))

    return call


def everywhere(kind: str) -> Callable[..., RemovableHandle]:
    """Function that registers a hook of every module."""

    def register(hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False) -> RemovableHandle:
        flags = {"with_kwargs": with_kwargs, "always_called": always_call} if kind == "_forward_hooks" else {}
        return registered(EVERY, kind, hook, False, **flags)

    return register
