"""Tensors in place of a module's parameters and buffers for a while, in PyTorch's order: of several names of one module
the last holds, and what it had before is put back by each of them in turn."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from tenure.torch.cells import Tensor

MISSING: Any = object()
"""In place of a tensor where there was none."""


@contextlib.contextmanager
def replaced(module: Any, given: dict[str, Any], tie_weights: bool, strict: bool) -> Iterator[None]:
    """Context in which a module has other tensors by their names; ``given`` has those that it has at the end.

    RuntimeError for names that do not fit, if ``strict``; AttributeError for one below a module that is not there;
    ValueError for several of one tensor.
    """
    names = tied(module, given) if tie_weights else given
    if strict:
        check(module, names)
    before: dict[str, Any] = {}
    try:
        for name, x in names.items():
            before[name] = swap(module, name, x)
        yield
    finally:
        during = {name: swap(module, name, x) for name, x in before.items()}
        given.update({name: during[name] for name in given if name in during})


def tied(module: Any, given: dict[str, Any]) -> dict[str, Any]:
    """The tensors also by the other names of those that they replace."""
    shared: dict[int, list[str]] = {}
    for named in (module.named_parameters, module.named_buffers):
        for name, x in named(remove_duplicate=False):
            shared.setdefault(id(x), []).append(name)
    found = dict(given)
    for names in shared.values():
        known = [name for name in names if name in given] if len(names) > 1 else []
        if len(known) > 1 and len({id(given[name]) for name in names}) > 1:
            raise ValueError(f"functional_call got multiple values for keys {sorted(names)}, which are tied. Consider"
                             " using tie_weights=False")
        for name in names if known else ():
            found[name] = given[known[0]]
    return found


def check(module: Any, given: dict[str, Any]) -> None:
    """RuntimeError for names that the module does not have, and for those that are not given."""
    has = [name for named in (module.named_parameters, module.named_buffers)
           for name, _ in named(remove_duplicate=False)]  # fmt: skip
    said = [("Unexpected", [k for k in given if k not in has]), ("Missing", [k for k in has if k not in given])]
    lines = [f"{what} key(s): {', '.join(map(repr, sorted(keys)))}." for what, keys in said if keys]
    if lines:
        listed = "\n\t".join(lines)
        raise RuntimeError(f"Error(s) in reparametrizing for {type(module).__name__}:\n\t{listed}")


def swap(module: Any, path: str, x: Any) -> Any:
    """Put a tensor in the place of a name; returns what was there."""
    if x is not MISSING and x is not None and not isinstance(x, Tensor):
        raise TypeError(f"{x} is not an instance of torch.Tensor")
    *modules, name = path.split(".")
    for part in modules:
        inner = getattr(module, part, None)
        if inner is None:
            raise AttributeError(f"{type(module).__name__} has no attribute `{part}`")
        module = inner
    for which in ("_parameters", "_buffers"):
        held = module.__dict__[which]
        if name in held:
            old = held[name]
            if x is MISSING:
                del held[name]
            else:
                held[name] = x
            return old
    old = getattr(module, name, MISSING)
    if old is not MISSING and old is not None and not isinstance(old, Tensor):
        raise TypeError(f"attribute `{name}`: {old} is not an instance of torch.Tensor")
    if x is not MISSING:
        setattr(module, name, x)
    elif old is not MISSING:
        delattr(module, name)
    return old
