"""Saving, loading and printing of modules."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tenure.errors import DTypeError, StateDictError, shown
from tenure.nn.hooks import entries
from tenure.nn.state_hooks import IncompatibleKeys, Loading, metadata, nothing
from tenure.values.operations.reading import value_of
from tenure.values.places.parameter import Parameter
from tenure.values.places.uninitialized import Uninitialized
from tenure.values.places.updates import refuse_writes
from tenure.values.places.var import Var
from tenure.values.rules.modes import no_grad
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.given import flag

EXTRA = "_extra_state"


def held(module: Any, prefix: str) -> Iterator[tuple[str, Var]]:
    """Key and place of each parameter and persistent buffer of a module alone."""
    for name, p in module._parameters.copy().items():
        if p is not None:
            yield prefix + name, p
    for name, b in module._buffers.copy().items():
        if b is not None and name not in module._non_persistent:
            yield prefix + name, b


def places(module: Any, prefix: str = "") -> Iterator[tuple[str, Any, str, Var]]:
    """Key, module, name and place of each parameter and persistent buffer, in PyTorch's order."""
    for key, place in held(module, prefix):
        yield key, module, key[len(prefix) :], place
    for name, child in module._modules.copy().items():
        if child is not None:
            yield from places(child, f"{prefix}{name}.")


def extras(module: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Key and module of each state besides tensors that is loaded (``set_extra_state`` of a subclass)."""
    if hasattr(type(module), "set_extra_state"):
        yield prefix + EXTRA, module
    for name, child in module._modules.copy().items():
        if child is not None:
            yield from extras(child, f"{prefix}{name}.")


def buffer_of(name: str, tensor: Any) -> Any:
    """A buffer as a module keeps it: None, or a place."""
    if tensor is None or isinstance(tensor, Var):
        return tensor
    if not isinstance(tensor, Tensor):
        raise TypeError(f"cannot assign {type(tensor).__name__!r} as buffer {name!r} (a tensor or None)")
    return Var(tensor)


def snapshot(module: Any, found: dict[str, Any] | None, prefix: str, keep: bool) -> dict[str, Any]:
    """Values by key, or places, in a dict; hooks of each module before and behind its own."""
    keep, found = flag("state_dict: keep_vars", keep), OrderedDict() if found is None else found
    for name, x, kind in (("destination", found, dict), ("prefix", prefix, str)):
        if not isinstance(x, kind):
            raise DTypeError(f"state_dict: {name} is a {kind.__name__}, not {shown(x)}")
    for fn in entries(module._hooks, "saving"):
        fn(module, prefix, keep)
    for key, place in held(module, prefix):
        found[key] = place if keep else place.detach()
    if hasattr(type(module), "get_extra_state"):
        found[prefix + EXTRA] = module.get_extra_state()
    for name, child in module._modules.copy().items():
        if child is not None:
            child.state_dict(destination=found, prefix=f"{prefix}{name}.", keep_vars=keep)
    for fn in entries(module._hooks, "saved"):
        nothing(fn(module, found, prefix, metadata(module)), "a hook behind state_dict")
    return found


@no_grad()
def load(module: Any, given: Mapping[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    """Check everything, then write everything; what hooks refuse then is put back."""
    if not isinstance(given, Mapping):
        raise TypeError(f"a state_dict is a mapping of names to tensors, not {shown(given)}")
    strict, assign = flag("strict", strict), flag("assign", assign)
    hooked = Loading(module, given, assign)
    given = hooked.given
    wanted = {key: (owner, name, place) for key, owner, name, place in places(module)}
    found = {key: loaded(key, given[key], place) for key, (_, _, place) in wanted.items() if key in given}
    known = {**wanted, **(more := dict(extras(module)))}
    older = {k for k in wanted if k not in given and _is_older(given, k, *wanted[k][:2])}
    missing = [k for k in known if k not in given and k not in older]
    keys = hooked.incompatible(missing, [k for k in given if k not in known])
    early = strict and not hooked.follows
    none = IncompatibleKeys([], [])
    said = [] if hooked.follows else hooked.messages
    _refuse(type(module).__name__, keys if early else none, wanted, found, said)
    shaped = [key for key in found if not isinstance(wanted[key][2], Uninitialized)]
    refuse_writes([wanted[key][2] for key in shaped])
    before = {key: wanted[key][2].detach() for key in shaped} if hooked.follows else {}
    _write(wanted, found, assign)
    if hooked.follows:
        keys = hooked.finish(wanted)
        try:
            _refuse(type(module).__name__, keys if strict else none, {}, {}, hooked.messages)
        except StateDictError:
            for key, value in before.items():
                owner, name, place = wanted[key]
                place.copy_(value)
                setattr(owner, name, place)
            raise
    for key in more.keys() & given.keys():
        more[key].set_extra_state(given[key])
    return keys


def _is_older(given: Any, key: str, owner: Any, name: str) -> bool:
    """Whether a key may be missing since the version of its module in a state_dict, if it says one, did not have it."""
    since = owner.since.get(name) if hasattr(type(owner), "since") else None
    versions = getattr(given, "_metadata", None) or {}
    version = versions.get(key[: -len(name) - 1], {}).get("version")
    return since is not None and (version is None or version < since)


def _write(wanted: dict[str, Any], found: dict[str, Any], assign: bool) -> None:
    """Write places, or replace them."""
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


def loaded(key: str, given: Any, place: Any) -> Any:
    """A value to load. What has no shape so far goes only to what has none either."""
    if isinstance(given, Uninitialized) and isinstance(place, Uninitialized):
        return given
    if isinstance(given, Uninitialized):
        raise StateDictError(f"{key} has no shape in the state_dict, which is of a lazy module before its first call")
    return value_of(given).detach()


def _refuse(
    model: str, keys: IncompatibleKeys, wanted: dict[str, Any], found: dict[str, Any], messages: list[str]
) -> None:
    """StateDictError for all mismatches at once, and for what hooks say."""
    problems = [message.rstrip(".") for message in messages]
    problems += [
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
