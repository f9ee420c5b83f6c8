"""functional_call: a module as a function of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from tenure.errors import DTypeError, ShapeError, shown
from tenure.func.signatures import R
from tenure.runtime.bracket import bracket
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first
from tenure.values.trace.record import RECORDER

Slot = tuple[dict[str, Any], str]
"""The slot of a module that holds a tensor: the dict, and the name in it."""


class HasForward(Protocol[R]):
    """A module by the result of its ``forward``."""

    @property
    def forward(self) -> Callable[..., R]:
        """The function that a call of the module calls."""
        raise NotImplementedError


@checked_first
def functional_call(
    module: HasForward[R], values: Mapping[str, Any], args: Any, kwargs: Mapping[str, Any] | None = None
) -> R:
    """The result of ``module(*args, **kwargs)`` with other tensors in place of parameters and buffers, for this call.

    ``values`` names them as ``named_parameters()`` does; what is not named is the module's own, and one that the
    module holds under several names is replaced under all of them. ``args`` is a tuple, or the one argument. The
    module is as it was afterwards, and nothing of it is written. KeyError for a name that it does not have, TN802 for
    another shape or dtype. Not for two threads at once on one module.

    >>> layer = nn.Linear(2, 1, bias=False)
    >>> tn.func.functional_call(layer, {"weight": tn.tensor([[1.0, 10.0]])}, tn.tensor([1.0, 2.0]))
    tensor([21.])
    """
    if not hasattr(module, "named_modules"):
        raise DTypeError(f"functional_call: module is a Module, not {shown(module)}")
    slots = dict(_slots(module))
    replaced: dict[int, Any] = {}
    for name, value in values.items():
        if name not in slots:
            raise KeyError(f"{type(module).__name__} has no parameter or buffer {name!r}")
        held, key = slots[name]
        _check(name, held[key], value)
        replaced[id(held[key])] = value
    before = [(held, key, held[key]) for held, key in slots.values()]
    named = [(*slots[name], value) for name, value in values.items()]
    new = [(held, key, replaced.get(id(old), old)) for held, key, old in before]
    enter: list[Any] = [(held.__setitem__, key, value) for held, key, value in [*new, *named]]
    leave: list[Any] = [(held.__setitem__, key, old) for held, key, old in before]
    if RECORDER.site is None:
        enter.append((RECORDER.enter_site, here()))
        leave.append((RECORDER.enter_site, None))
    given = args if isinstance(args, tuple) else (args,)
    call: Any = module
    return bracket(tuple(enter), tuple(leave), call, *given, **(kwargs or {}))  # type: ignore[no-any-return]


def _slots(module: Any) -> Iterator[tuple[str, Slot]]:
    """Every name of a parameter or buffer, and where it is held."""
    for prefix, part in module.named_modules(remove_duplicate=False):
        for held in (part._parameters, part._buffers):
            for name, tensor in held.copy().items():
                if tensor is not None:
                    yield (f"{prefix}.{name}" if prefix else name), (held, name)


def _check(name: str, old: Any, value: Any) -> None:
    """A tensor that can stand for another."""
    if not isinstance(value, Tensor):
        raise DTypeError(f"{name} is given a {type(value).__name__}, not a tensor", at=site(here()))
    if value.shape != old.shape:
        shapes = f"{list(value.shape)}, and the module's own has {list(old.shape)}"
        raise ShapeError(f"{name} is given a tensor of shape {shapes}", at=site(here()))
    if value.dtype is not old.dtype:
        dtypes = f"{value.dtype.name}, and the module's own is {old.dtype.name}"
        raise DTypeError(f"{name} is given {dtypes}", at=site(here()))
