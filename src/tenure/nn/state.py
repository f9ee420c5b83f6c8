"""Saving, loading and printing of modules."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tenure.errors import StateDictError, shown
from tenure.values.operations.reading import value_of
from tenure.values.places.parameter import Parameter
from tenure.values.places.uninitialized import Uninitialized
from tenure.values.places.updates import refuse_writes
from tenure.values.places.var import Var
from tenure.values.rules.modes import no_grad
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.given import flag


class IncompatibleKeys(NamedTuple):
    """The result of ``load_state_dict``: keys that were missing, and keys that nobody asked for."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def places(module: Any, prefix: str = "") -> Iterator[tuple[str, Any, str, Var]]:
    """Key, module, name and place of each parameter and persistent buffer, in PyTorch's order."""
    for name, p in module._parameters.copy().items():
        if p is not None:
            yield prefix + name, module, name, p
    for name, b in module._buffers.copy().items():
        if b is not None and name not in module._non_persistent:
            yield prefix + name, module, name, b
    for name, child in module._modules.copy().items():
        if child is not None:
            yield from places(child, f"{prefix}{name}.")


def buffer_of(name: str, tensor: Any) -> Any:
    """A buffer as a module keeps it: None, or a place."""
    if tensor is None or isinstance(tensor, Var):
        return tensor
    if not isinstance(tensor, Tensor):
        raise TypeError(f"cannot assign {type(tensor).__name__!r} as buffer {name!r} (a tensor or None)")
    return Var(tensor)


def snapshot(module: Any, prefix: str) -> dict[str, Any]:
    """Values by key."""
    return OrderedDict((key, place.detach()) for key, _, _, place in places(module, prefix))


@no_grad()
def load(module: Any, given: Mapping[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    """Check everything, then write everything."""
    if not isinstance(given, Mapping):
        raise TypeError(f"a state_dict is a mapping of names to tensors, not {shown(given)}")
    strict, assign = flag("strict", strict), flag("assign", assign)
    wanted = {key: (owner, name, place) for key, owner, name, place in places(module)}
    found = {key: loaded(key, given[key], place) for key, (_, _, place) in wanted.items() if key in given}
    keys = IncompatibleKeys([k for k in wanted if k not in given], [k for k in given if k not in wanted])
    _refuse(type(module).__name__, keys if strict else IncompatibleKeys([], []), wanted, found)
    refuse_writes([wanted[key][2] for key in found if not isinstance(wanted[key][2], Uninitialized)])
    twins: dict[int, Any] = {}
    for key, value in found.items():
        owner, name, place = wanted[key]
        if isinstance(place, Uninitialized):
            if isinstance(value, Uninitialized):
                continue
            place.materialize(value.shape, dtype=value.dtype if assign else None)
        if not assign:
            place.copy_(value)
        elif isinstance(place, Parameter):
            twin = twins.setdefault(id(place), Parameter(value, place.requires_grad))
            setattr(owner, name, twin)
        else:
            setattr(owner, name, Var(value))
    return keys


def loaded(key: str, given: Any, place: Any) -> Any:
    """A value to load. What has no shape so far goes only to what has none either."""
    if isinstance(given, Uninitialized) and isinstance(place, Uninitialized):
        return given
    if isinstance(given, Uninitialized):
        raise StateDictError(f"{key} has no shape in the state_dict, which is of a lazy module before its first call")
    return value_of(given).detach()


def _refuse(model: str, keys: IncompatibleKeys, wanted: dict[str, Any], found: dict[str, Any]) -> None:
    """StateDictError for all mismatches at once."""
    problems = [
        f"{what} key(s) in state_dict: {', '.join([repr(k) for k in names])}"
        for what, names in (("Missing", keys.missing_keys), ("Unexpected", keys.unexpected_keys))
        if names
    ]
    for key, value in found.items():
        if isinstance(wanted[key][2], Uninitialized):
            continue  # it takes any shape
        have, want = list(value.shape), list(wanted[key][2].shape)
        if have != want:
            problems.append(f"size mismatch for {key}: the state_dict has shape {have}, the model {want}")
    if problems:
        lines = "".join([f"\n\t{p}." for p in problems])
        raise StateDictError(
            f"Error(s) in loading state_dict for {model}:{lines}",
            help="nothing was loaded; strict=False lets missing and unexpected keys pass",
        )


def describe(module: Any, children: Sequence[tuple[str, str]]) -> str:
    """A module as PyTorch prints it."""
    name, extra = module._get_name(), module.extra_repr()
    lines = [f"{label}: {_indented(text)}" for label, text in children]
    if not lines and "\n" not in extra:
        return f"{name}({extra})"
    body = "\n  ".join([*([_indented(extra)] if extra else []), *lines])
    return f"{name}(\n  {body}\n)"


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")
