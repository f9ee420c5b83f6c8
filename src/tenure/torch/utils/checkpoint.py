"""``torch.utils.checkpoint``: blocks whose values are computed again for the gradient.

The recorded operations are done again, for their numbers. A program sees its function called once more too, when a
backward comes to the results: it counts calls, prints, or writes statistics (a BatchNorm inside moves twice). What that
call records, nobody reads, so nothing of it is computed but what it writes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from tenure.func.checkpointing import checkpoint as _home
from tenure.torch.cells import Tensor
from tenure.torch.names.rest import enable_grad, get_rng_state, is_grad_enabled, no_grad, set_rng_state
from tenure.torch.utils._pytree import tree_leaves

__all__ = ["checkpoint", "checkpoint_sequential", "get_device_states", "noop_context_fn", "set_checkpoint_early_stop",
           "set_device_states"]  # fmt: skip


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Any = None,
    determinism_check: str = "default",
    debug: bool = False,
    preserve_rng_state: bool = True,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """The result of a function whose gradient keeps only what comes into it; random numbers are the same again.

    The reentrant form, as PyTorch's, has a gradient only where an argument has one.
    """
    if use_reentrant is None:
        warnings.warn(UNSAID, stacklevel=2)
    if use_reentrant is False:
        return called_again(function, args, kwargs, preserve_rng_state)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if any(isinstance(x, Tensor) and x.requires_grad for x in args):
        return called_again(function, args, {}, preserve_rng_state)
    if is_grad_enabled():
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)
    with no_grad():
        return function(*args)


def called_again(function: Callable[..., Any], args: Any, kwargs: Any, preserve_rng_state: bool) -> Any:
    """The result of a function, which each backward through it calls once more, with the same random numbers."""
    if not is_grad_enabled():
        return function(*args, **kwargs)
    state = get_rng_state() if preserve_rng_state else None
    out = _home(function)(*args, **kwargs)
    seen: set[int] = set()

    def call() -> None:
        if state is None:
            function(*args, **kwargs)
            return
        now = get_rng_state()
        set_rng_state(state)
        try:
            function(*args, **kwargs)
        finally:
            set_rng_state(now)

    def reached(k: int) -> None:
        is_first = not seen or k in seen
        if is_first:
            seen.clear()
        seen.add(k)
        if is_first:
            enable_grad().apply(call)

    given = {id(x) for x in args}
    for k, y in enumerate(tree_leaves(out)):
        if isinstance(y, Tensor) and y.requires_grad and id(y) not in given:
            y.register_hook(lambda g, k=k: reached(k))
    return out


UNSAID = (
    "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9, calling"
    " checkpoint without use_reentrant will raise an exception. use_reentrant=False is recommended, but if you need to"
    " preserve the current default behavior, you can pass use_reentrant=True. Refer to docs for more details on the"
    " differences between the two variants."
)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """The result of modules in order, in so many checkpoints."""
    if use_reentrant is None:
        warnings.warn(UNSAID.replace("calling checkpoint", "calling checkpoint_sequential"), stacklevel=2)
        use_reentrant = True
    found = list(functions.children()) if hasattr(functions, "children") else list(functions)
    size = max(1, len(found) // segments)
    for k in range(0, len(found), size):
        last = k + size >= len(found)
        run = _chain(found[k : k + size])
        input = run(input) if last else checkpoint(run, input, use_reentrant=use_reentrant)
    return input


def _chain(functions: Sequence[Any]) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        for f in functions:
            x = f(x)
        return x

    return run


def noop_context_fn() -> tuple[Any, Any]:
    """Two contexts that do nothing."""
    return _Nothing(), _Nothing()


def get_device_states(*args: Any) -> tuple[list[int], list[Any]]:
    """No device but the CPU has a state."""
    return [], []


def set_device_states(devices: Any, states: Any, *, device_type: str | None = None) -> None:
    """Nothing: no device but the CPU has a state."""


class _Nothing:
    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass


def set_checkpoint_early_stop(enable: bool) -> Any:
    """Accepted."""
    return _Nothing()
