"""``torch.utils.checkpoint``: blocks whose values are computed again for the gradient."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from tenure.func.checkpointing import checkpoint as _home
from tenure.torch.cells import Tensor
from tenure.torch.names.rest import is_grad_enabled, no_grad

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
        return _home(function)(*args, **kwargs)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if any(isinstance(x, Tensor) and x.requires_grad for x in args):
        return _home(function)(*args)
    if is_grad_enabled():
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)
    with no_grad():
        return function(*args)


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
